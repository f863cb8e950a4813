"""What the sessions of a window can teach, and what to log so that they teach more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dreaming.mining.values import Thresholds

BINS = 10
_KNOWN = frozenset({"success", "failure", "partial"})
_NOT_SAID = "not said"
_LITTLE = 0.5
_ONE_SIDED = 0.02
_SHOWN = 10
_NAMED = 5


@dataclass(frozen=True, slots=True)
class SessionSignal:
    """What this report needs of one session: who ran it, how it ended, and by its digest the `tools` that it
    called and which of them never say whether they failed. `tools` is None for a session without a digest.
    """

    agent: str
    principal: str
    task_id: str
    outcome: str
    score: float | None
    source: str
    tools: frozenset[str] | None
    silent: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The first few names with their counts of sessions, and how many `more` names there are."""

    shown: tuple[tuple[str, int], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What to log: the `field` of a session ('' where none helps), why, and an `example` of it as JSON values."""

    field: str
    text: str
    example: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """The signal in a window: counts of sessions.

    `with_outcome` of `sessions` have a known outcome, `won` of them a success; `can_compare` says that enough are
    known, and both ways; `sources` says by whom, most first. `score_bins` counts the `scored` ones by tenths of the
    score, `scores` are the least, the middle and the greatest one, None where none was given. `silent_tools` never
    flag an error, in any of the `digested` sessions; `small_agents` of `agents` have fewer than the `least` sessions
    that a pattern needs. `with_task`, `with_principal` and `repeated` (runs of a task that was run before) say what
    can be told apart. `advice` is what to log, most useful first.
    """

    sessions: int
    digested: int
    agents: int
    least: int
    with_outcome: int
    won: int
    can_compare: bool
    sources: Ranked
    scored: int
    scores: tuple[float, float, float] | None
    score_bins: tuple[int, ...]
    silent_tools: Ranked
    small_agents: Ranked
    with_task: int
    repeated: int
    with_principal: int
    advice: tuple[Advice, ...]


@dataclass(slots=True)
class _Counts:
    """What is kept while the sessions go by."""

    sessions: int = 0
    digested: int = 0
    won: int = 0
    with_principal: int = 0
    agents: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)

    def add(self, signal: SessionSignal) -> None:
        self.sessions += 1
        self.agents[signal.agent] += 1
        self.with_principal += bool(signal.principal)
        if signal.task_id:
            self.tasks[signal.task_id] += 1
        if signal.outcome in _KNOWN:
            self.won += signal.outcome == "success"
            self.sources[signal.source or _NOT_SAID] += 1
        if signal.score is not None:
            self.scores.append(signal.score)
        if signal.tools is not None:
            self.digested += 1
            self.calls.update(signal.tools)
            self.silent.update(signal.silent)


def readiness(signals: Iterable[SessionSignal], thresholds: Thresholds | None = None) -> Readiness:
    """Report on the signal. Pure; reads the sessions once, in any order."""
    counts = _Counts()
    for signal in signals:
        counts.add(signal)
    limits = thresholds or Thresholds()
    least = limits.sessions_for(counts.sessions)
    known, scores = counts.sources.total(), sorted(counts.scores)
    bins = Counter(min(BINS - 1, int(score * BINS)) for score in scores)
    report = Readiness(
        sessions=counts.sessions,
        digested=counts.digested,
        agents=len(counts.agents),
        least=least,
        with_outcome=known,
        won=counts.won,
        can_compare=known > 0 and min(counts.won, known - counts.won) >= max(1, _ONE_SIDED * known),
        sources=_ranked(counts.sources),
        scored=len(scores),
        scores=(scores[0], scores[len(scores) // 2], scores[-1]) if scores else None,
        score_bins=tuple(bins[number] for number in range(BINS)),
        silent_tools=_ranked(_mute(counts, least)),
        small_agents=_ranked({agent: count for agent, count in counts.agents.items() if count < least}),
        with_task=counts.tasks.total(),
        repeated=counts.tasks.total() - len(counts.tasks),
        with_principal=counts.with_principal,
        advice=(),
    )
    return replace(report, advice=tuple(_advice(report, counts.sources[_NOT_SAID])))


def _mute(counts: _Counts, least: int) -> Counter[str]:
    """The tools that never flag an error anywhere, with the sessions that called them."""
    return Counter({tool: count for tool, count in counts.silent.items() if count >= max(least, counts.calls[tool])})


def _ranked(counts: Mapping[str, int]) -> Ranked:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Ranked(tuple(ranked[:_SHOWN]), max(0, len(ranked) - _SHOWN))


def _advice(report: Readiness, not_said: int) -> Iterable[Advice]:
    if not report.sessions:
        return
    yield from _about_outcomes(report)
    if not_said * 2 > report.with_outcome:
        yield Advice(
            "outcome.source",
            "Most outcomes do not say who judged: a grader, a customer and the agent itself are not equally right.",
            {"outcome": {"status": "failure", "source": "case reopened by staff"}},
        )
    if report.silent_tools.shown:
        yield _about_flags(report.silent_tools)
    if report.with_task < _LITTLE * report.sessions:
        yield Advice(
            "task_id",
            f"{report.with_task} of {report.sessions} sessions name their task. With the same id for every run of a "
            "task, good and bad runs of it are compared, and a hard task is not taken for a bad habit.",
            {"task_id": "refund-0017"},
        )
    if report.with_principal < _LITTLE * report.sessions:
        yield Advice(
            "principal",
            f"{report.with_principal} of {report.sessions} sessions say for whom they ran. Without it, what one team "
            "asks for cannot be told from what all ask for.",
            {"principal": "north-desk"},
        )
    if report.small_agents.shown:
        yield Advice(
            "",
            f"Too few sessions to learn from alone (fewer than {report.least}): {_names(report.small_agents)}. What "
            "they meet counts together with what the other agents of the store meet.",
        )


def _about_outcomes(report: Readiness) -> Iterable[Advice]:
    example = {"outcome": {"status": "success", "score": 1.0, "source": "grader"}}
    if not report.with_outcome:
        yield Advice(
            "outcome.status",
            "No session says how it ended. Until then only what needs no outcome is proposed: errors with their "
            "remedies and causes, preferences, and upkeep of memory.",
            example,
        )
    elif report.with_outcome < _LITTLE * report.sessions:
        missing = report.sessions - report.with_outcome
        yield Advice(
            "outcome.status", f"{missing} of {report.sessions} sessions say nothing of how they ended.", example
        )
    elif not report.can_compare:
        yield Advice(
            "outcome.status",
            "Nearly all sessions end the same way: an outcome that never differs teaches nothing. Say so where one "
            "failed, or only half succeeded.",
            {"outcome": {"status": "partial", "score": 0.4, "source": "grader"}},
        )


def _about_flags(silent: Ranked) -> Advice:
    result = {"seq": 3, "type": "tool_result", "tool": silent.shown[0][0], "call_id": "c1", "is_error": True}
    return Advice(
        "is_error",
        f"The results of {_names(silent)} never say whether they failed; their errors are guessed from the wording.",
        {"events": [{**result, "output": "no such entry"}]},
    )


def _names(ranked: Ranked) -> str:
    more = len(ranked.shown) + ranked.more - _NAMED
    names = ", ".join(name for name, _ in ranked.shown[:_NAMED])
    return f"{names} and {more} more" if more > 0 else names
