"""A window of digests, indexed: who called which tool, how each session ended, and how they compare.

What concerns all callers of a tool is counted once and kept; a group of errors then costs only its own
sessions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from dreaming.mining.stats import (
    Effect,
    Table,
    fisher,
    fisher_less,
    risk_difference,
    strata_less,
    stratified_difference,
    within_strata,
)
from dreaming.mining.templates import tool_family
from dreaming.mining.values import Digest, ToolUse

EVERY_TOOL = frozenset({""})
_WON = {"success": True, "failure": False, "partial": False}
_FEW = 5
_WEEKS = 26


@dataclass(frozen=True, slots=True)
class Comparison:
    """How sessions that show something ended against those that could have and did not.

    `p_value` and `p_pooled` are two-sided, `p_worse` and `p_worse_pooled` say that the former do not end worse.
    `among_callers` says that only sessions that called the tool were compared.
    """

    table: Table
    p_value: float
    p_pooled: float
    p_worse: float
    p_worse_pooled: float
    effect: Effect
    within_task: bool
    among_callers: bool


@dataclass(slots=True)
class Callers:
    """The sessions that called one of some tools, and what those in which it worked look like."""

    sessions: set[int]
    endings: Endings
    working: set[int] = field(default_factory=set)
    moves: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    weeks: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Endings:
    """Successes and sessions of known outcome, in all and by task."""

    won: int = 0
    known: int = 0
    by_task: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual where the tool worked: how many of `sessions` show a move or a feature."""

    sessions: int
    callers: Callers
    less: Counter[str]

    def moved(self, move: str) -> int:
        return self.callers.moves[move] - self.less[f"move {move}"]

    def moved_any(self, kind: str) -> int:
        """Count the moves whose names begin so."""
        return sum(self.moved(move) for move in self.callers.moves if move.startswith(kind))

    def had(self, feature: str) -> int:
        """Count a feature; `lacks:x` counts the sessions in which no working call had argument `x`."""
        kind, _, name = feature.partition(":")
        if kind == "lacks":
            return self.sessions - self.had(f"has:{name}")
        return self.callers.features[feature] - self.less[feature]

    def arguments(self) -> list[str]:
        """Names of arguments that working calls had."""
        found = (name for name in self.callers.features if name.startswith("has:") and self.had(name))
        return sorted(name.removeprefix("has:") for name in found)


@dataclass(slots=True)
class Window:
    """Digests in a fixed order; sessions are named by their position in it."""

    digests: Sequence[Digest]
    uses: dict[str, dict[int, list[ToolUse]]] = field(default_factory=lambda: defaultdict(dict))
    counted: dict[frozenset[str], Callers] = field(default_factory=dict)
    principals: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, digests: Sequence[Digest]) -> Window:
        """Index digests, ordered by agent, id and ref, so that the order they arrive in means nothing."""
        ordered = sorted(digests, key=lambda digest: (digest.agent, digest.external_id, digest.ref))
        window = cls(ordered)
        for at, digest in enumerate(ordered):
            window.principals[digest.ref] = digest.principal
            for use in digest.tools:
                window.uses[tool_family(use.tool)].setdefault(at, []).append(use)
        return window

    def names_of(self, ref: int) -> list[str]:
        """Return the names of a session's principal."""
        name = self.principals.get(ref)
        return [name] if name else []

    def names_for(self, steps: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return for each step that is a tool the whole name that most sessions call it by, where that is another."""
        found = []
        for step in steps:
            counts = Counter(use.tool for uses in self.uses.get(step, {}).values() for use in uses)
            name = min(counts, key=lambda item: (-counts[item], item), default=step)
            found += [(step, name)] if name != step else []
        return tuple(found)

    def callers(self, families: frozenset[str]) -> Callers:
        """Return the sessions that called one of these tools; all of them for errors that name no tool."""
        if families not in self.counted:
            self.counted[families] = self._count(families)
        return self.counted[families]

    def _count(self, families: frozenset[str]) -> Callers:
        everyone = families == EVERY_TOOL
        named = {at for name in families for at in self.uses.get(name, ())}
        sessions = set(range(len(self.digests))) if everyone else named
        found = Callers(sessions, self.endings(sessions), weeks=self._weeks(sessions))
        for at in sessions:
            if worked := self._working(at, families):
                found.working.add(at)
                found.moves.update({move for use in worked for move in use.moves})
                found.features.update({name for use in worked for name in use.features})
        return found

    def _working(self, at: int, families: Iterable[str]) -> list[ToolUse]:
        uses = (use for name in families for use in self.uses.get(name, {}).get(at, ()))
        return [use for use in uses if use.successes]

    def baseline(self, families: frozenset[str], met: Collection[int], at_least: int = _FEW) -> Baseline:
        """What is usual in sessions where the tool worked and that are not in `met`, or in all if those are
        fewer than `at_least`.
        """
        callers = self.callers(families)
        inside = [at for at in met if at in callers.working]
        apart = len(callers.working) - len(inside)
        less: Counter[str] = Counter()
        if apart < max(_FEW, at_least):
            return Baseline(len(callers.working), callers, less)
        for at in inside:
            worked = self._working(at, families)
            less.update({f"move {move}" for use in worked for move in use.moves})
            less.update({name for use in worked for name in use.features})
        return Baseline(apart, callers, less)

    def on_the_tasks_of(self, met: Collection[int]) -> list[int]:
        """Return the sessions that are not in `met` and have a task that one in `met` has."""
        tasks = {self.digests[at].task_id for at in met} - {""}
        return [at for at, digest in enumerate(self.digests) if digest.task_id in tasks and at not in met]

    def took(self, at: int, name: str) -> bool:
        """Whether a session called a tool; of a name with switches, with these on."""
        if "(" in name:
            return any(step.signature == name for step in self.digests[at].steps)
        return at in self.uses.get(name, ())

    def had(self, at: int, families: Iterable[str], feature: str) -> bool:
        """Whether a session's working calls of these tools show a feature."""
        return any(feature in use.features for use in self._working(at, families))

    def by_week(self, met: Collection[int], could: Callers) -> tuple[tuple[str, int, int], ...]:
        """For each of the last weeks: how many sessions met it, of how many that could have."""
        seen, others = self._weeks(met), self._weeks(at for at in met if at not in could.sessions)
        weeks = sorted((could.weeks.keys() | others.keys()) - {""})[-_WEEKS:]
        return tuple((week, seen[week], could.weeks[week] + others[week]) for week in weeks)

    def _weeks(self, sessions: Iterable[int]) -> Counter[str]:
        return Counter(self.digests[at].week for at in sessions)

    def chances(self, sessions: set[int]) -> Callers:
        """Sessions that could have shown something, for `by_week`, where no tool says which."""
        return Callers(sessions, Endings(), weeks=self._weeks(sessions))

    def won(self, at: int) -> bool | None:
        """Whether a session ended in success; partial counts as no, unknown as None."""
        return _WON.get(self.digests[at].outcome)

    def endings(self, sessions: Iterable[int]) -> Endings:
        """Count how sessions ended."""
        found = Endings()
        for at in sessions:
            won = self.won(at)
            if won is None:
                continue
            found.won += won
            found.known += 1
            if task := self.digests[at].task_id:
                cell = found.by_task.setdefault(task, [0, 0])
                cell[0] += won
                cell[1] += 1
        return found

    def compare_to_rest(self, families: frozenset[str], met: Collection[int]) -> Comparison:
        """Compare the outcomes of `met` with those of all other sessions that called the tools."""
        callers = self.callers(families)
        inside = self.endings(at for at in met if at in callers.sessions)
        return _compared(self.endings(met), callers.endings, inside, among_callers=families != EVERY_TOOL)

    def compare(self, met: Collection[int], other: Collection[int]) -> Comparison:
        """Compare the outcomes of two sets of sessions that have none in common."""
        return _compared(self.endings(met), self.endings(other), Endings())


def _compared(met: Endings, other: Endings, less: Endings, *, among_callers: bool = False) -> Comparison:
    """Compare `met` with `other` without `less`, within tasks where at least half of the met sessions have
    another run of their task.
    """
    table = Table(met.won, met.known, other.won - less.won, other.known - less.known)
    strata = []
    for task in sorted(met.by_task):
        won, known = other.by_task.get(task, (0, 0))
        less_won, less_known = less.by_task.get(task, (0, 0))
        met_won, met_known = met.by_task[task]
        strata.append(Table(met_won, met_known, won - less_won, known - less_known))
    paired = sum(item.met_total for item in strata if item.other_total)
    pooled, worse = fisher(table), fisher_less(table)
    if paired * 2 >= table.met_total > 0 and any(item.informative for item in strata):
        effect = stratified_difference(strata)
        return Comparison(table, within_strata(strata), pooled, strata_less(strata), worse, effect, True, among_callers)
    return Comparison(table, pooled, pooled, worse, worse, risk_difference(table), False, among_callers)
