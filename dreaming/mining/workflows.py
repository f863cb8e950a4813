"""Ordered steps that successes share and failures lack, contrasted with sessions that had the same chance.

Every ordered pair of steps is looked at in three contrasts (`Workflow.contrast`) by counting; pairs that
survive Benjamini-Hochberg over all of them are checked within tasks and within agents, and joined to the
longest sequence that their sessions share.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from dreaming.mining.candidates import CONTRASTS, Candidate, candidates, is_nested
from dreaming.mining.evidence import diverse, risk_of
from dreaming.mining.stats import Table, fisher_more, risk_difference, stratified_difference, within_strata
from dreaming.mining.steps import NEVER, Steps
from dreaming.mining.values import Digest, EvidenceRef, Finding, Stance, StepSeen, Support, Thresholds, Workflow
from dreaming.mining.window import Comparison, Window

_LONGEST = 6
_SAMPLE = 200
_CLEARER = 8
_SHARED = 0.8
_SAME = 0.6
_WEAK = 0.05
_FEW_TASKS = 3
_FEW = 3
_SHARE_OF_WON = 0.6


@dataclass(frozen=True, slots=True)
class Pair:
    """Two steps in one contrast: the sessions that show it and those that had the chance and did not.

    Where steps are named `between`, the whole order is looked at, among sessions that took `second`.
    """

    contrast: str
    first: str
    second: str
    between: tuple[str, ...]
    shown: frozenset[int]
    lacked: frozenset[int]
    compared: Comparison
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


def find_workflows(
    window: Window, limits: Thresholds, least: int, explained: Mapping[str, Collection[int]]
) -> list[Finding]:
    """Return the workflows of a window, best first.

    `explained` names, by tool, the sessions that met an error which is told already: for these tools they
    count only where both sides took the same steps in another order.
    """
    table = Steps.of(window)
    pairs: list[Pair] = []
    for candidate in candidates(table, limits, least):
        pair = _confirmed(candidate, table, window, limits, least, explained)
        if pair is not None:
            pairs.append(pair)
    pairs.sort(key=lambda item: _rank(item, window))
    chosen: list[Pair] = []
    found: list[Finding] = []
    for pair in pairs:
        if any(pair.names <= {*item.lesson.steps} for item in found if isinstance(item.lesson, Workflow)):
            continue
        if _adds(pair, chosen, window, limits):
            chosen.append(pair)
            found.append(_finding(pair, _chain(pair, pairs, window), window, limits))
    return found


def _rank(pair: Pair, window: Window) -> tuple[float, int, int, float, str, str]:
    """Sort pairs by how clear they are; of those that are about as clear, longer orders, which say more, and steps that
    follow close come first.
    """
    gaps = []
    for at in sorted(pair.shown)[:_SAMPLE]:
        places = {step.signature: number for number, step in reversed(list(enumerate(window.digests[at].steps)))}
        gaps.append(abs(places.get(pair.second, NEVER) - places.get(pair.first, NEVER)))
    clear = -math.floor(math.log(max(pair.weight, 1e-6)) * _CLEARER + pair.is_order)
    told = 2 * (len(pair.first.split()) + len(pair.second.split()))
    return (
        clear,
        CONTRASTS.index(pair.contrast),
        -len(pair.between),
        sum(gaps) / max(1, len(gaps)) - told,
        pair.first,
        pair.second,
    )


def _adds(pair: Pair, chosen: Sequence[Pair], window: Window, limits: Thresholds) -> bool:
    """Whether a pair still tells successes from failures among sessions that are alike in every chosen pair."""
    cells: dict[tuple[int, ...], list[int]] = {}
    for sessions, offset in ((pair.shown, 0), (pair.lacked, 2)):
        for at in sessions:
            status = tuple((at in other.shown) - (at in other.lacked) for other in chosen)
            cell = cells.setdefault(status, [0, 0, 0, 0])
            cell[offset] += bool(window.won(at))
            cell[offset + 1] += 1
    strata = [Table(*cells[status]) for status in sorted(cells)]
    return within_strata(strata) <= limits.alpha and stratified_difference(strata).value >= limits.min_gain


def _confirmed(
    candidate: Candidate,
    table: Steps,
    window: Window,
    limits: Thresholds,
    least: int,
    explained: Mapping[str, Collection[int]],
) -> Pair | None:
    """Check a pair within tasks and within agents; None where it does not hold there."""
    contrast, first, second, between, _, group, p_adjusted = candidate
    shown, lacked = table.split(contrast, first, second, between)
    if between and not _each_step_helps(candidate, shown, lacked, table, window, limits):
        return None
    if contrast != "order":
        told = {at for name in (first, *between, second) for at in explained.get(name.partition("(")[0], ())}
        shown = [at for at in shown if at not in told]
        lacked = [at for at in lacked if at not in told]
    if min(len(shown), len(lacked)) < least:
        return None
    compared = window.compare(shown, lacked)
    won = compared.table.met_success + compared.table.other_success
    if compared.table.met_success < _SHARE_OF_WON * won or not _holds_within_tasks(shown, lacked, window):
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
        p_adjusted,
        gains,
        p_agents,
        group == "order",
    )


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
        alike, _ = table.split("before", rest[0], rest[-1], rest[1:-1])
        alone = set(alike).difference(shown)
        cells = window.compare(shown, alone).table
        is_known = cells.other_total >= _FEW
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


def _chain(pair: Pair, pairs: Sequence[Pair], window: Window) -> tuple[str, ...]:
    """Join to a pair the steps of other pairs that the same successful sessions show, in their usual order."""
    won = {at for at in pair.shown if window.won(at)}
    names = pair.names
    for other in (pair for pair in pairs if not pair.between):
        shared = won & other.shown
        union = len(won | {at for at in other.shown if window.won(at)})
        if other.names & names and len(shared) >= _SAME * union:
            names |= other.names
    steps = list(pair.steps)
    places = {name: _usual_place(name, won, window) for name in names}
    for name in sorted(names - set(steps), key=lambda item: (places[item], item)):
        longer = [*steps, name]
        longer.sort(key=lambda item: places[item])
        kept = [longer.index(step) for step in pair.steps]
        in_order = kept == sorted(kept)
        holders = sum(_follows(window.digests[at], longer) for at in won)
        new = not any(is_nested(name, step) for step in steps)
        if new and len(longer) <= _LONGEST and in_order and holders >= _SHARED * len(won):
            steps = longer
    return tuple(steps)


def _usual_place(name: str, sessions: Iterable[int], window: Window) -> float:
    places = []
    for at in sessions:
        steps = window.digests[at].steps
        found = [number for number, step in enumerate(steps) if step.signature == name]
        places += [found[0] / len(steps)] if found else []
    return median(places) if places else 1.0


def _follows(digest: Digest, steps: Sequence[str]) -> bool:
    """Whether a session takes the steps for the first time in this order."""
    firsts: dict[str, int] = {}
    for number, step in enumerate(digest.steps):
        firsts.setdefault(step.signature, number)
    places = [firsts.get(name, -1) for name in steps]
    return -1 not in places and places == sorted(places)


def _finding(pair: Pair, steps: tuple[str, ...], window: Window, limits: Thresholds) -> Finding:
    support = _support(pair, window)
    claim = "\x1f".join(("workflow", pair.contrast, *steps))
    return Finding(
        kind="workflow",
        claim_key=f"workflow:{hashlib.sha256(claim.encode()).hexdigest()[:16]}",
        title=" → ".join(steps),
        tool=pair.second if pair.contrast != "after" else pair.first,
        template=" → ".join(steps),
        message="",
        warning=False,
        support=support,
        recovered=0,
        transient=0,
        remedy=None,
        causes=(),
        benefit=len(pair.lacked) * max(0.0, support.effect),
        evidence=_evidence(pair, window, limits.max_evidence),
        lesson=Workflow(
            steps,
            pair.contrast,
            pair.first,
            pair.second,
            pair.gains[0],
            pair.gains[1],
            pair.p_agents,
            window.names_for(steps),
            pair.between,
        ),
    )


def _support(pair: Pair, window: Window) -> Support:
    members = [window.digests[at] for at in pair.shown]
    compared = pair.compared
    return Support(
        sessions=len(members),
        agents=len({digest.agent for digest in members}),
        principals=len({digest.principal for digest in members if digest.principal}),
        tasks=len({digest.task_id for digest in members if digest.task_id}),
        occurrences=len(members),
        eligible=len(pair.shown) + len(pair.lacked),
        met_success=compared.table.met_success,
        met_total=compared.table.met_total,
        other_success=compared.table.other_success,
        other_total=compared.table.other_total,
        p_value=compared.p_value,
        p_adjusted=pair.p_adjusted,
        p_pooled=compared.p_pooled,
        effect=compared.effect.value,
        effect_low=compared.effect.low,
        effect_high=compared.effect.high,
        within_task=compared.within_task,
        weeks=window.by_week(pair.shown, window.chances({*pair.shown, *pair.lacked})),
    )


def _evidence(pair: Pair, window: Window, cap: int) -> tuple[EvidenceRef, ...]:
    """Successes with both steps quoted, failures that lack it; then failures with it and successes without."""
    sides: list[tuple[Collection[int], bool, Stance, int]] = [
        (pair.shown, True, "supports", max(1, cap // 4)),
        (pair.lacked, False, "supports", max(1, cap // 4)),
        (pair.shown, False, "contradicts", max(1, cap // 8)),
        (pair.lacked, True, "contradicts", max(1, cap // 8)),
    ]
    found: list[EvidenceRef] = []
    for sessions, won, stance, wanted in sides:
        chosen = (at for at in sessions if window.won(at) is won)
        members = diverse(chosen, window, lambda at: _risk(pair, window.digests[at]))
        for at in members[:wanted]:
            digest = window.digests[at]
            found += [
                EvidenceRef(digest.ref, digest.external_id, digest.agent, step.quote.seq, step.quote.text, stance)
                for step in _shown_steps(pair, digest)
                if step.quote.text
            ]
    return tuple(dict.fromkeys(found))[: cap + 4]


def _risk(pair: Pair, digest: Digest) -> int:
    return risk_of(digest, (step.quote for step in _shown_steps(pair, digest)))


def _shown_steps(pair: Pair, digest: Digest) -> list[StepSeen]:
    """The first step of each name that the session took, in its own order."""
    firsts: dict[str, StepSeen] = {}
    for step in digest.steps:
        if step.signature in pair.names:
            firsts.setdefault(step.signature, step)
    return list(firsts.values())
