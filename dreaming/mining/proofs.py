"""Whether what goes with success over all holds within tasks, within agents, and for each step of an order."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dreaming.mining.candidates import Candidate
from dreaming.mining.stats import Table, fisher_more, risk_difference, stratified_difference, within_strata
from dreaming.mining.steps import Steps
from dreaming.mining.values import Thresholds
from dreaming.mining.window import Comparison, Window

FEW = 3
_WEAK = 0.05
_FEW_TASKS = 5
_SHARE_OF_WON = 0.6
_LEAST_OF_WON = 0.3
_APART = 0.1
_MARKS = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """Two steps in one contrast: of the sessions compared, those that show it and those that had the chance and did not.

    Where steps are named `between`, the whole order is looked at, among sessions that took `second`. `whole` counts those
    too that are not compared, as they met something that is told by itself.
    """

    contrast: str
    first: str
    second: str
    between: tuple[str, ...]
    shown: frozenset[int]
    lacked: frozenset[int]
    compared: Comparison
    whole: tuple[int, int, int, int]
    p_adjusted: float
    gains: tuple[int, int]
    p_agents: float
    is_order: bool

    @property
    def names(self) -> set[str]:
        return {*self.steps}

    @property
    def steps(self) -> tuple[str, ...]:
        return self.first, *self.between, self.second

    @property
    def weight(self) -> float:
        """How clearly it tells successes from failures: the effect over its standard error, but for a factor.

        An effect within tasks may rest on a few of the sessions: it counts for no more than that over all.
        """
        table = self.compared.table
        harmonic = table.met_total * table.other_total / max(1, table.met_total + table.other_total)
        effect = min(self.compared.effect.value, risk_difference(table).value)
        return round(effect * math.sqrt(harmonic), 6)


def confirmed(
    candidate: Candidate,
    table: Steps,
    window: Window,
    limits: Thresholds,
) -> Pair | None:
    """Check a pair within tasks and within agents; None where it does not hold there."""
    contrast, first, second, between, _, group, p_adjusted = candidate
    shown, lacked = table.split(contrast, candidate.steps)
    if between and not _each_step_helps(candidate, shown, lacked, table, window, limits):
        return None
    compared = window.compare(shown, lacked)
    won = compared.table.met_success + compared.table.other_success
    share = compared.table.met_success / max(1, won)
    if share < _LEAST_OF_WON or not _holds_within_tasks(shown, lacked, window):
        return None
    if share < _SHARE_OF_WON and not _holds_in_like_work(candidate, shown, lacked, table, limits):
        return None
    if min(compared.p_value, compared.p_pooled) > limits.alpha or compared.effect.value < limits.min_gain:
        return None
    gains, effect, p_agents = _within_agents(shown, lacked, window)
    if gains[1] and (effect < limits.min_gain / 2 or p_agents > _WEAK or gains[0] * 2 <= gains[1]):
        return None
    agents = {window.digests[at].agent for at in shown if window.won(at)}
    everyone = {digest.agent for digest in window.digests}
    if len(agents) < min(2, len(everyone)) or len(agents) < limits.min_agents:
        return None
    return Pair(
        contrast,
        first,
        second,
        between,
        frozenset(shown),
        frozenset(lacked),
        compared,
        table.whole(contrast, candidate.steps),
        p_adjusted,
        gains,
        p_agents,
        group == "order",
    )


def _holds_in_like_work(
    candidate: Candidate, shown: Sequence[int], lacked: Sequence[int], table: Steps, limits: Thresholds
) -> bool:
    """Whether those that show it do better among sessions that are alike in the steps which most set both sides apart: else
    it may be another, easier kind of work.
    """
    row = {at: number for number, at in enumerate(table.sessions)}
    sides = [[row[at] for at in side] for side in (shown, lacked)]
    taken = table.tried_last >= 0
    apart = np.abs(taken[sides[0]].mean(axis=0) - taken[sides[1]].mean(axis=0))
    apart[[table.place[name] for name in candidate.steps]] = 0
    marks = [step for step in np.argsort(-apart, kind="stable")[:_MARKS] if apart[step] >= _APART]
    cells: dict[tuple[bool, ...], list[int]] = {}
    for rows, offset in zip(sides, (0, 2), strict=True):
        for at in rows:
            cell = cells.setdefault(tuple(taken[at, marks]), [0, 0, 0, 0])
            cell[offset] += int(table.won[at])
            cell[offset + 1] += 1
    strata = [Table(*cell) for cell in cells.values()]
    return within_strata(strata) <= limits.alpha and stratified_difference(strata).value >= limits.min_gain


def _each_step_helps(
    candidate: Candidate,
    shown: Collection[int],
    lacked: Collection[int],
    table: Steps,
    window: Window,
    limits: Thresholds,
) -> bool:
    """Whether those that left out one step alone did worse, as far as they can tell: else it merely goes along.

    A step that hardly anybody leaves out alone cannot be told from the rest of the order, and belongs to it.
    """
    steps = candidate.steps
    for at in range(len(steps)):
        rest = steps[:at] + steps[at + 1 :]
        alike, _ = table.split("before", rest)
        alone = set(alike).difference(shown)
        cells = window.compare(shown, alone).table
        is_known = cells.other_total >= FEW
        if (
            is_known
            and risk_difference(cells).value < limits.min_gain
            and _did_better(alone, lacked, window, len(steps))
        ):
            return False
    return True


def _did_better(alone: Collection[int], lacked: Collection[int], window: Window, asked: int) -> bool:
    """Whether those that left out one step alone did better than others that lack the order, as far as they can tell,
    when it is asked of as many steps (Bonferroni).
    """
    cells = window.compare(alone, set(lacked).difference(alone)).table
    return fisher_more(cells) <= _WEAK / asked


def _holds_within_tasks(shown: Iterable[int], lacked: Iterable[int], window: Window) -> bool:
    """Whether runs of the same task say the same, as far as there are enough on both sides to say anything."""
    one, two = window.endings(shown).by_task, window.endings(lacked).by_task
    strata = [Table(*one[task], *two[task]) for task in sorted(one.keys() & two.keys())]
    if sum(item.informative for item in strata) < _FEW_TASKS:
        return True
    whole = risk_difference(Table(*_summed(one.values()), *_summed(two.values()))).value
    within = stratified_difference(strata)
    return within.value >= whole / 2 or within.high >= whole


def _summed(cells: Iterable[list[int]]) -> tuple[int, int]:
    pairs = list(cells)
    return sum(won for won, _ in pairs), sum(known for _, known in pairs)


def _within_agents(shown: Iterable[int], lacked: Iterable[int], window: Window) -> tuple[tuple[int, int], float, float]:
    """Compare within agents: (agents that do better with it, agents with both), effect, two-sided p."""
    cells: dict[str, list[int]] = {}
    for sessions, offset in ((shown, 0), (lacked, 2)):
        for at in sessions:
            cell = cells.setdefault(window.digests[at].agent, [0, 0, 0, 0])
            cell[offset] += bool(window.won(at))
            cell[offset + 1] += 1
    strata = [Table(*cells[agent]) for agent in sorted(cells)]
    both = [item for item in strata if item.met_total >= 2 and item.other_total >= 2]
    better = sum(item.met_success / item.met_total > item.other_success / item.other_total for item in both)
    return (better, len(both)), stratified_difference(strata).value, within_strata(strata)
