"""Ordered steps that successes share and failures lack, contrasted with sessions that had the same chance.

Every ordered pair of steps is looked at in three contrasts (`Workflow.contrast`) by counting; pairs that
survive Benjamini-Hochberg over all of them are checked within tasks and within agents, and joined to the
longest sequence that their sessions share.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Sequence
from statistics import median

from dreaming.mining.candidates import CONTRASTS, candidates, is_nested
from dreaming.mining.evidence import diverse, risk_of
from dreaming.mining.proofs import FEW, Pair, confirmed
from dreaming.mining.stats import Table, risk_difference, stratified_difference, within_strata
from dreaming.mining.steps import NEVER, Steps
from dreaming.mining.values import Digest, EvidenceRef, Finding, Stance, StepSeen, Support, Thresholds, Workflow
from dreaming.mining.window import Window

_LONGEST = 6
_SAMPLE = 200
_CLEARER = 8
_SHARED = 0.8
_SAME = 0.6


def find_workflows(
    window: Window, limits: Thresholds, least: int, explained: Sequence[Collection[int]] = ()
) -> list[Finding]:
    """Return the workflows of a window, best first.

    `explained` are the sessions that met an error which is told already, for each of them: these end as they do for
    that, and are not compared (`Steps.compared`).
    """
    table = Steps.of(window, explained)
    pairs: list[Pair] = []
    for candidate in candidates(table, limits, least):
        pair = confirmed(candidate, table, window, limits)
        if pair is not None:
            pairs.append(pair)
    pairs.sort(key=lambda item: _rank(item, window))
    chosen: list[Pair] = []
    found: list[Finding] = []
    for pair in (_fullest(pair, pairs, window, limits) for pair in pairs):
        if any(pair.names <= {*item.lesson.steps} for item in found if isinstance(item.lesson, Workflow)):
            continue
        if _adds(pair, chosen, window, limits):
            chosen.append(pair)
            found.append(_finding(pair, _chain(pair, pairs, window), window, limits))
    return found


def _fullest(pair: Pair, pairs: Sequence[Pair], window: Window, limits: Thresholds) -> Pair:
    """Return the longest order that holds the pair's steps in their order and of which those who took these alone did worse,
    or hardly anybody took these alone.
    """
    orders = [other for other in pairs if other.is_order and len(other.steps) > len(pair.steps)]
    fuller = [other for other in orders if _holds(other.steps, pair.steps)]
    for other in sorted(fuller, key=lambda item: -len(item.steps)):
        cells = window.compare(pair.shown & other.shown, pair.shown - other.shown).table
        if cells.other_total < FEW or risk_difference(cells).value >= limits.min_gain:
            return other
    return pair


def _holds(steps: Sequence[str], some: Sequence[str]) -> bool:
    """Whether some steps are among the steps, in their order."""
    left = iter(steps)
    return all(step in left for step in some)


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
    # One order is one claim, whomever it is compared with.
    contrast = "before" if pair.between else pair.contrast
    claim = "\x1f".join(("workflow", contrast, *steps))
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
            pair.whole,
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
