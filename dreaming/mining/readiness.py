"""Before anything is mined: what the sessions of a window can teach, and what to log so that they teach more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dreaming.mining.values import Digest, Thresholds

_KNOWN = frozenset({"success", "failure", "partial"})
_LITTLE = 0.5
_ONE_SIDED = 0.02
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Readiness:
    """The signal in a window. Shares are 0 to 1.

    `with_outcome` of `sessions` have a known outcome, `won` of them a success; `sources` says by whom, most
    first; `scores` are the least, the middle and the greatest score, None where none was given. `silent_tools`
    never flag an error, with the sessions that called them; `small_agents` have fewer sessions than the pass
    asks for. `with_task`, `with_principal` and `repeated` (runs of a task that was run before) say what can
    be told apart. `advice` is what to log, most useful first.
    """

    sessions: int
    agents: int
    with_outcome: int
    won: int
    sources: tuple[tuple[str, int], ...]
    scores: tuple[float, float, float] | None
    silent_tools: tuple[tuple[str, int], ...]
    small_agents: tuple[tuple[str, int], ...]
    with_task: int
    repeated: int
    with_principal: int
    advice: tuple[str, ...]

    @property
    def can_compare(self) -> bool:
        """Whether outcomes can be compared at all: enough are known, and both ways."""
        lost = self.with_outcome - self.won
        return min(self.won, lost) >= max(1, _ONE_SIDED * self.with_outcome) and self.with_outcome > 0


def readiness(digests: Sequence[Digest], thresholds: Thresholds | None = None) -> Readiness:
    """Report on the signal. Pure; it does not depend on the order of the digests."""
    limits = thresholds or Thresholds()
    least = limits.sessions_for(len(digests))
    known = [digest for digest in digests if digest.outcome in _KNOWN]
    sources = Counter(digest.source or "not said" for digest in known)
    scores = sorted(digest.score for digest in digests if digest.score is not None)
    tasks = Counter(digest.task_id for digest in digests if digest.task_id)
    agents = Counter(digest.agent for digest in digests)
    report = Readiness(
        sessions=len(digests),
        agents=len(agents),
        with_outcome=len(known),
        won=sum(digest.outcome == "success" for digest in known),
        sources=_ranked(sources),
        scores=(scores[0], scores[len(scores) // 2], scores[-1]) if scores else None,
        silent_tools=_ranked(_silent(digests, least)),
        small_agents=tuple(sorted((agent, count) for agent, count in agents.items() if count < least)),
        with_task=sum(tasks.values()),
        repeated=sum(count - 1 for count in tasks.values()),
        with_principal=sum(bool(digest.principal) for digest in digests),
        advice=(),
    )
    return _advised(report, least)


def _silent(digests: Sequence[Digest], least: int) -> Counter[str]:
    """Count, for each tool that never flags an error anywhere, the sessions that called it."""
    calls: dict[str, int] = defaultdict(int)
    mute: Counter[str] = Counter()
    for digest in digests:
        for use in digest.tools:
            calls[use.tool] += 1
        mute.update(digest.silent)
    return Counter({tool: count for tool, count in mute.items() if count >= max(least, calls[tool])})


def _ranked(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _advised(report: Readiness, least: int) -> Readiness:
    advice: list[str] = []
    if not report.sessions:
        return report
    missing = report.sessions - report.with_outcome
    if not report.with_outcome:
        advice.append(
            "No session says how it ended: send `outcome.status`. Until then only what needs no outcome is proposed: "
            "errors with a remedy or a cause, preferences and duplicates."
        )
    elif report.with_outcome < _LITTLE * report.sessions:
        advice.append(f"{missing} of {report.sessions} sessions say nothing of how they ended: send `outcome.status`.")
    elif not report.can_compare:
        advice.append("Nearly all sessions end the same way: an outcome that never differs teaches nothing.")
    if report.with_outcome and dict(report.sources).get("not said", 0) * 2 > report.with_outcome:
        advice.append("Most outcomes do not say who judged: send `outcome.source`.")
    if report.silent_tools:
        names = ", ".join(tool for tool, _ in report.silent_tools[:_NAMED])
        more = len(report.silent_tools) - _NAMED
        advice.append(
            f"Send `is_error` with the results of {names}{f' and {more} more' if more > 0 else ''}: "
            "now errors are guessed from their wording."
        )
    if report.small_agents:
        names = ", ".join(agent for agent, _ in report.small_agents[:_NAMED])
        advice.append(f"Too few sessions to learn from alone (fewer than {least}): {names}.")
    if report.with_task < _LITTLE * report.sessions:
        advice.append("Send `task_id`, the same for every run of a task: good and bad runs of it can be compared then.")
    if report.with_principal < _LITTLE * report.sessions:
        advice.append("Send `principal`: what one team asks for cannot be told from what all ask for without it.")
    return replace(report, advice=tuple(advice))
