"""A dream pass over digests: what it finds, of every kind, and what was left out with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from dreaming.mining.changes import OTHER_VALUES
from dreaming.mining.doubles import duplicates
from dreaming.mining.echoes import without_echoes
from dreaming.mining.evidence import with_fit_quotes
from dreaming.mining.groups import group_errors
from dreaming.mining.judging import judge
from dreaming.mining.measured import Measured, adjust, measure
from dreaming.mining.outdated import outdated
from dreaming.mining.paraphrases import join_paraphrases
from dreaming.mining.preferences import find_preferences
from dreaming.mining.restated import restated
from dreaming.mining.sayings import Sayings
from dreaming.mining.superseded import superseded
from dreaming.mining.templates import tool_family
from dreaming.mining.unmarked import answers_of, unflagged
from dreaming.mining.upkeep import already_said, contradicted, unread
from dreaming.mining.usual import with_usual_answers
from dreaming.mining.vain import join_by_dead_tool, taken_for_errors, with_answers_as_errors
from dreaming.mining.values import (
    Digest,
    Discarded,
    Finding,
    MemoryView,
    MiningResult,
    Thresholds,
    Upkeep,
    Workflow,
)
from dreaming.mining.verdicts import below, worth_telling
from dreaming.mining.window import Window
from dreaming.mining.workflows import find_workflows

_MAX_DISCARDED = 200
_CONVERGED = 3


def mine(
    digests: Sequence[Digest],
    thresholds: Thresholds | None = None,
    *,
    memories: Sequence[MemoryView] = (),
    served: Mapping[int, Sequence[str]] | None = None,
) -> MiningResult:
    """Find recurring failures, workarounds, workflows, preferences and upkeep, best first.

    `memories` are what the store says now; `served` maps a session's ref to the texts of memory that it was
    given, which are no new evidence.

    Benjamini-Hochberg runs over three families of hypotheses, each with all that was looked at: how sessions
    ended (one for each error that enough sessions met), what agents changed after each error, and what set
    its calls apart. The number of sessions, which decides what is looked at, does not depend on
    outcomes. The result does not depend on the order of `digests`.
    """
    limits = thresholds or Thresholds()
    least = limits.sessions_for(len(digests))
    window = _taken_as_meant(Window.of(with_usual_answers(without_echoes(digests, served or {}))), least)
    measured, found, left = _errors(window, limits, least)
    workflows = find_workflows(window, limits, least, _explained(measured, found, limits))
    found, as_order = _told_as_order(found, workflows)
    preferences, unwanted = find_preferences(window, limits, least)
    given = sum(bool((served or {}).get(digest.ref)) for digest in digests)
    found, kept_up = _with_upkeep([*found, *workflows, *preferences], memories, window, limits, least, given)
    found.sort(key=lambda item: (-item.benefit, item.claim_key))
    found, covered = _distinct(found)
    found, unshown = _with_fit_quotes(found, window)
    left += as_order + unwanted + kept_up + covered + unshown
    found = [replace(item, graduates=_converges(item)) for item in found]
    left.sort(key=lambda item: (-item.support.sessions, item.claim_key))
    events = sum(digest.events for digest in digests)
    return MiningResult(tuple(found), tuple(left[:_MAX_DISCARDED]), len(digests), events)


def _taken_as_meant(window: Window, least: int) -> Window:
    """Return the window with the answers among the errors that agents take for errors."""
    names = taken_for_errors(window.digests, answers_of(window, least), least)
    return Window.of(with_answers_as_errors(window.digests, names)) if names else window


def _errors(window: Window, limits: Thresholds, least: int) -> tuple[list[Measured], list[Finding], list[Discarded]]:
    """Measure every error that enough sessions met; return the measures, what is found and what is left out."""
    groups = join_by_dead_tool(join_paraphrases(group_errors(window.digests, least), least), window)
    measured = [measure(group, window, least) for group in groups if len(group.meetings) >= least]
    adjust(measured)
    found: list[Finding] = []
    told: list[Collection[int]] = []
    left: list[Discarded] = [
        below(group, window, least) for group in groups if len(group.meetings) < least and worth_telling(group)
    ]
    for item in measured:
        verdict = judge(item, window, limits, least)
        if isinstance(verdict, Finding):
            found.append(verdict)
            told.append(item.group.meetings.keys())
        else:
            left.append(verdict)
    return measured, found + unflagged(window, limits, least, told, [item.group for item in measured]), left


def _with_upkeep(
    found: list[Finding],
    memories: Sequence[MemoryView],
    window: Window,
    limits: Thresholds,
    least: int,
    given: int,
) -> tuple[list[Finding], list[Discarded]]:
    """Turn findings that contradict a memory into its correction, leave out what memory says, add the rest."""
    found, corrections = contradicted(found, memories)
    kept: list[Finding] = []
    known: list[Discarded] = []
    for item in found:
        if path := already_said(item, memories):
            reason = f"memory says it already: {path}"
            known.append(Discarded(reason, item.title, item.claim_key, item.tool, item.template, item.support))
        else:
            kept.append(item)
    corrected = {item.lesson.path for item in corrections if isinstance(item.lesson, Upkeep)}
    for memory, item in _stated_otherwise(memories, window, limits, least):
        if memory.path not in corrected:
            corrected.add(memory.path)
            corrections.append(item)
    kept, news = _without_news(kept, corrections)
    same, unproven = duplicates(memories, window)
    touched = {item.lesson.path for item in (*corrections, *same) if isinstance(item.lesson, Upkeep)}
    idle, too_long = unread(memories, touched | {item.template for item in unproven}, given)
    return [*kept, *corrections, *same, *idle], [*known, *news, *unproven, *too_long]


def _stated_otherwise(
    memories: Sequence[MemoryView], window: Window, limits: Thresholds, least: int
) -> list[tuple[MemoryView, Finding]]:
    if not memories:
        return []
    said = Sayings.of(window)
    return [
        *restated(memories, said, limits, least),
        *superseded(memories, said, limits, least),
        *outdated(memories, said, limits, least),
    ]


def _without_news(found: list[Finding], corrections: list[Finding]) -> tuple[list[Finding], list[Discarded]]:
    """Leave out the wishes of which most quotes say what corrects a memory: to say what is new now is no wish."""
    told = {(one.session_ref, one.seq): item for item in corrections for one in item.evidence}
    kept: list[Finding] = []
    covered: list[Discarded] = []
    for item in found:
        quotes = [(one.session_ref, one.seq) for one in item.evidence if one.stance == "supports"]
        same = [told[quote] for quote in quotes if quote in told]
        if item.kind != "preference" or 2 * len(same) <= len(quotes):
            kept.append(item)
            continue
        reason = f"covered by another finding: {same[0].title}"
        covered.append(Discarded(reason, item.title, item.claim_key, item.tool, item.template, item.support))
    return kept, covered


def _with_fit_quotes(found: list[Finding], window: Window) -> tuple[list[Finding], list[Discarded]]:
    """Cut quotes to what may be shown, and leave out the findings that lose all that supports them."""
    kept: list[Finding] = []
    left: list[Discarded] = []
    for item in found:
        shown = with_fit_quotes(item, window)
        if item.evidence and not any(one.stance == "supports" for one in shown.evidence):
            reason = "hostile: every quote holds an instruction, a secret or personal data"
            left.append(Discarded(reason, item.title, item.claim_key, item.tool, item.template, item.support))
        else:
            kept.append(shown)
    return kept, left


def _explained(measured: list[Measured], found: list[Finding], limits: Thresholds) -> list[set[int]]:
    """Return for each error that is a finding, or with which sessions end worse, the sessions that met it and did not
    get past it in the way that is told.
    """
    told = {(item.tool, item.template): item for item in found}
    explained = []
    for item in measured:
        finding = told.get((item.group.tool, item.group.template))
        if finding is None and item.p_outcome > limits.alpha:
            continue
        past: set[int] = set()
        if finding is not None and finding.remedy is not None:
            ways = (move for move in item.adoptions if move.change == finding.remedy.change)
            past = {at for move in ways for at, repair in move.repairs.items() if repair.helped}
        explained.append({*item.group.meetings} - past)
    return explained


def _told_as_order(found: list[Finding], workflows: list[Finding]) -> tuple[list[Finding], list[Discarded]]:
    """Leave out the errors whose cause is an order of calls that a workflow proves by how sessions end."""
    orders = {
        (tool_family(one), tool_family(two)): item
        for item in workflows
        if isinstance(item.lesson, Workflow)
        for one, two in combinations((item.lesson.first, *item.lesson.between, item.lesson.second), 2)
    }
    kept: list[Finding] = []
    covered: list[Discarded] = []
    for item in found:
        kind, _, rest = item.causes[0].feature.partition(":") if item.causes and item.remedy is None else ("", "", "")
        order = orders.get((tool_family(item.tool), rest.partition(":")[0])) if kind.startswith("after") else None
        if order is None:
            kept.append(item)
            continue
        reason = f"covered by another finding: {order.title}"
        covered.append(Discarded(reason, item.title, item.claim_key, item.tool, item.template, item.support))
    return kept, covered


def _converges(item: Finding) -> bool:
    """Whether several agents found the same thing, and not on one task or for one principal alone."""
    if item.kind in {"preference", "upkeep"} or item.warning:
        return False
    agents = item.remedy.agents if item.remedy is not None else item.support.agents
    if isinstance(item.lesson, Workflow):
        agents = min(item.support.agents, max(item.lesson.agents_for, 1))
    alone = item.support.principals == 1 or item.support.tasks == 1
    return agents >= _CONVERGED and not alone


def _distinct(found: list[Finding]) -> tuple[list[Finding], list[Discarded]]:
    """Keep the strongest of several findings that teach the same: the same thing to do on the same tool."""
    kept: dict[tuple[str, str], Finding] = {}
    covered: list[Discarded] = []
    for item in found:
        lesson = (tool_family(item.tool), _lesson(item))
        first = kept.setdefault(lesson, item)
        if first is not item:
            reason = f"covered by another finding: {first.title}"
            covered.append(Discarded(reason, item.title, item.claim_key, item.tool, item.template, item.support))
    return list(kept.values()), covered


def _lesson(item: Finding) -> str:
    if item.lesson is not None:
        return item.claim_key
    if item.remedy is not None:
        change = item.remedy.change.partition(" instead of ")[0]
        return f"{change} {item.template}" if change == OTHER_VALUES else change
    return item.causes[0].feature if item.causes else item.template
