"""A dream pass over digests: what it finds, of every kind, and what was left out with the reason."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dreaming.mining.changes import OTHER_VALUES
from dreaming.mining.echoes import without_echoes
from dreaming.mining.evidence import failure_evidence, repair_evidence
from dreaming.mining.groups import Group, group_errors
from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.preferences import find_preferences
from dreaming.mining.readiness import readiness
from dreaming.mining.remedies import (
    Adoption,
    adoptions,
    best_adoption,
    best_causes,
    causes,
    remedy_of,
    with_p,
)
from dreaming.mining.stats import adjusted, risk_difference
from dreaming.mining.templates import own_words, tool_family
from dreaming.mining.upkeep import already_said, contradicted, duplicates, unread
from dreaming.mining.values import (
    Cause,
    Digest,
    Discarded,
    Finding,
    Kind,
    MemoryView,
    MiningResult,
    Remedy,
    Support,
    Thresholds,
    Workflow,
)
from dreaming.mining.window import Comparison, Window
from dreaming.mining.workflows import find_workflows

_MAX_DISCARDED = 200
_STORM = 5
_COSTLY_SHARE = 0.3
_CONVERGED = 3
_AGREES = 0.1
_SAME_SIZE = 0.7
_STATES_RULE = re.compile(r"\b(?:must|should|always|required|exactly|only|at least|at most|expected|provide|use)\b")


@dataclass(slots=True)
class _Measured:
    group: Group
    comparison: Comparison
    adoptions: list[Adoption]
    causes: list[Cause]
    p_outcome: float = 1.0
    p_pooled: float = 1.0


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
    window = Window.of(without_echoes(digests, served or {}))
    least = limits.sessions_for(len(digests))
    groups = group_errors(window.digests, least)
    measured = [_measure(group, window, least) for group in groups if len(group.meetings) >= least]
    _adjust(measured)
    found: list[Finding] = []
    left: list[Discarded] = [
        _below(group, window, least) for group in groups if len(group.meetings) < least and _worth_telling(group)
    ]
    for item in measured:
        verdict = _judge(item, window, limits, least)
        if isinstance(verdict, Finding):
            found.append(verdict)
        else:
            left.append(verdict)
    workflows = find_workflows(window, limits, least, _explained(measured, found, limits))
    found, covered = _told_as_order(found, workflows)
    preferences, unwanted = find_preferences(window, limits, least)
    found = [*found, *workflows, *preferences]
    left += covered + unwanted
    found, covered = _with_upkeep(found, memories, window)
    found.sort(key=lambda item: (-item.benefit, item.claim_key))
    left += covered
    found, covered = _distinct(found)
    left += covered
    found = [replace(item, graduates=_converges(item)) for item in found]
    left.sort(key=lambda item: (-item.support.sessions, item.claim_key))
    events = sum(digest.events for digest in digests)
    notes = readiness(digests, limits).advice
    return MiningResult(tuple(found), tuple(left[:_MAX_DISCARDED]), len(digests), events, notes)


def _with_upkeep(
    found: list[Finding], memories: Sequence[MemoryView], window: Window
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
    same, unproven = duplicates(memories, window)
    return [*kept, *corrections, *same], [*known, *unproven, *unread(memories)]


def _explained(measured: list[_Measured], found: list[Finding], limits: Thresholds) -> dict[str, set[int]]:
    """Return, for each tool that is part of it, the sessions that met an error which is a finding, or with
    which sessions end otherwise.
    """
    told = {(item.tool, item.template): item for item in found}
    explained: dict[str, set[int]] = {}
    for item in measured:
        finding = told.get((item.group.tool, item.group.template))
        if finding is None and item.p_outcome > limits.alpha:
            continue
        tools = set(item.group.families)
        if finding is not None and finding.remedy is not None:
            tools |= {tool_family(finding.remedy.to_tool), finding.remedy.change.rpartition(": ")[2]}
        for tool in tools:
            explained.setdefault(tool, set()).update(item.group.meetings)
    return explained


def _told_as_order(found: list[Finding], workflows: list[Finding]) -> tuple[list[Finding], list[Discarded]]:
    """Leave out the errors whose cause is an order of calls that a workflow proves by how sessions end."""
    orders = {(item.lesson.first, item.lesson.second): item for item in workflows if isinstance(item.lesson, Workflow)}
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


def _measure(group: Group, window: Window, least: int) -> _Measured:
    comparison = window.compare_to_rest(group.families, group.meetings.keys())
    return _Measured(group, comparison, adoptions(group, window, least), causes(group, window))


def _adjust(measured: list[_Measured]) -> None:
    """Replace the p-values of every hypothesis looked at by their adjusted ones."""
    outcomes = adjusted([item.comparison.p_value for item in measured])
    pooled = adjusted([item.comparison.p_pooled for item in measured])
    for item, p_value, p_pooled in zip(measured, outcomes, pooled, strict=True):
        item.p_outcome, item.p_pooled = p_value, p_pooled
    moves = [adoption for item in measured for adoption in item.adoptions]
    features = [cause for item in measured for cause in item.causes]
    for move, p_value in zip(moves, adjusted([move.p_value for move in moves]), strict=True):
        move.p_value = p_value
    rest = iter(adjusted([cause.p_adjusted for cause in features]))
    for item in measured:
        item.causes = [with_p(cause, next(rest)) for cause in item.causes]


def _judge(item: _Measured, window: Window, limits: Thresholds, least: int) -> Finding | Discarded:
    group, support = item.group, _support(item.group, window, item)
    harmful = _is_harmful(item, limits)
    if reason := _objection(group, support, limits):
        return _discard(reason, group, support)
    adoption = best_adoption(group, item.adoptions, limits)
    frequent = support.sessions >= limits.min_share * support.eligible
    if adoption is not None and (frequent or harmful):
        remedy = remedy_of(adoption, group, window)
        why = best_causes(item.causes, limits)
        return _finding("workaround", group, window, support, remedy, why, harmful, limits)
    why = best_causes(item.causes, limits)
    costly = support.sessions >= max(2 * least, _COSTLY_SHARE * support.eligible) and _STATES_RULE.search(
        group.template
    )
    if reads_as_instruction(group.template) and not why:
        return _discard("hostile: the error's text reads as an instruction to the agent", group, support)
    if own_words(group.template) < 2 and not why:
        return _discard("uninformative: the message does not say what went wrong", group, support)
    if harmful or (frequent and (why or costly)):
        return _finding("recurring_failure", group, window, support, None, why, harmful, limits)
    return _discard(_why_left(group, support, item, limits), group, support)


def _is_harmful(item: _Measured, limits: Thresholds) -> bool:
    """Whether sessions that met the error end worse: proven within tasks, or over all where runs of a task are
    too few to prove it and yet agree.
    """
    compared = item.comparison
    if compared.effect.value > -limits.min_effect:
        return False
    if item.p_outcome <= limits.alpha:
        return True
    pooled = risk_difference(compared.table).value
    agree = compared.within_task and compared.p_value <= _AGREES and compared.effect.value <= _SAME_SIZE * pooled
    return agree and item.p_pooled <= limits.alpha


def _why_left(group: Group, support: Support, item: _Measured, limits: Thresholds) -> str:
    tried = max(item.adoptions, key=lambda move: (len(move.repairs), move.change), default=None)
    if support.effect <= -limits.min_effect and min(support.p_value, support.p_pooled) <= 0.05:
        return "no known remedy, and the lower success is not proven once all errors looked at are allowed for"
    if support.sessions < limits.min_share * support.eligible:
        return f"rare: {support.sessions} of {support.eligible} sessions that called the tool; they end no worse"
    if _recovered(group) >= 0.8 * support.sessions:
        return "harmless: agents recover by no one way, and sessions end no worse"
    if tried is not None and tried.helped < limits.min_help * len(tried.repairs):
        return "no known remedy: what agents try does not help, and sessions end no worse"
    return "no known remedy, and sessions that met it end no worse than others"


def _objection(group: Group, support: Support, limits: Thresholds) -> str:
    """Return why a frequent error is left out whatever else is known of it, or ''."""
    retried, healed = _retries(group)
    if not own_words(group.template):
        return "uninformative: the message does not say what went wrong"
    if retried >= 3 and healed * 2 >= retried and retried >= 0.2 * support.sessions:
        return "transient: it heals on an identical retry"
    if support.agents < limits.min_agents:
        return f"seen by {support.agents} of the {limits.min_agents} agents asked for"
    scopes = support.principals or support.tasks
    if support.agents == 1 and scopes == 1:
        return "only one agent saw it, for one principal or task"
    if 0 < support.tasks < limits.min_tasks:
        return "seen on one task only"
    return ""


def _finding(
    kind: Kind,
    group: Group,
    window: Window,
    support: Support,
    remedy: Remedy | None,
    why: tuple[Cause, ...],
    harmful: bool,
    limits: Thresholds,
) -> Finding:
    change = remedy.change if remedy else ""
    evidence = (
        repair_evidence(group, change, window, limits.max_evidence)
        if remedy
        else failure_evidence(group, why, window, limits.max_evidence)
    )
    worse = remedy is not None and _worse(remedy, limits)
    return Finding(
        kind=kind,
        claim_key=_claim_key(kind, group, change),
        title=_title(group, change),
        tool=group.tool,
        template=group.template,
        message=_message(group),
        warning=worse,
        support=support,
        recovered=_recovered(group),
        transient=_retries(group)[1],
        remedy=remedy,
        causes=why,
        benefit=support.sessions * max(0.0, -support.effect) * harmful + 0.05 * support.occurrences,
        evidence=evidence,
    )


def _worse(remedy: Remedy, limits: Thresholds) -> bool:
    if not remedy.adopted_total or not remedy.rest_total or remedy.p_outcome > limits.alpha:
        return False
    return remedy.adopted_success / remedy.adopted_total < remedy.rest_success / remedy.rest_total


def _support(group: Group, window: Window, item: _Measured | None) -> Support:
    members = [met.digest for met in group.meetings.values()]
    callers = window.callers(group.families).sessions
    compared = item.comparison if item else window.compare_to_rest(group.families, group.meetings.keys())
    table = compared.table
    return Support(
        sessions=len(members),
        agents=len({digest.agent for digest in members}),
        principals=len({digest.principal for digest in members if digest.principal}),
        tasks=len({digest.task_id for digest in members if digest.task_id}),
        occurrences=sum(met.occurrences for met in group.meetings.values()),
        eligible=len(callers) + sum(at not in callers for at in group.meetings),
        met_success=table.met_success,
        met_total=table.met_total,
        other_success=table.other_success,
        other_total=table.other_total,
        p_value=compared.p_value,
        p_adjusted=item.p_outcome if item else 1.0,
        p_pooled=compared.p_pooled,
        effect=compared.effect.value,
        effect_low=compared.effect.low,
        effect_high=compared.effect.high,
        within_task=compared.within_task,
    )


def _worth_telling(group: Group) -> bool:
    return len(group.meetings) >= 3 or sum(met.occurrences for met in group.meetings.values()) >= _STORM


def _below(group: Group, window: Window, least: int) -> Discarded:
    support = _support(group, window, None)
    if support.sessions == 1:
        return _discard(f"one-session storm: {support.occurrences} times in a single session", group, support)
    return _discard(f"below support: {support.sessions} of the {least} sessions asked for", group, support)


def _discard(reason: str, group: Group, support: Support) -> Discarded:
    key = _claim_key("recurring_failure", group, "")
    return Discarded(reason, _title(group, ""), key, group.tool, group.template, support)


def _title(group: Group, change: str) -> str:
    said = "(wording withheld)" if reads_as_instruction(group.template) else group.template
    head = f"{group.tool}: {said}" if group.tool else said
    return f"{head} → {change}" if change else head


def _claim_key(kind: Kind, group: Group, change: str) -> str:
    claim = "\x1f".join((kind, group.family, group.template, change))
    return f"{kind}:{group.family or 'any'}:{hashlib.sha256(claim.encode()).hexdigest()[:16]}"


def _message(group: Group) -> str:
    """The shortest of the quoted messages, for a reader who wants to see one real one."""
    quotes = (error.quote.text for met in group.meetings.values() for error in met.errors)
    return min(quotes, key=lambda text: (len(text), text), default="")


def _recovered(group: Group) -> int:
    return sum(all(error.recovered for error in met.errors) for met in group.meetings.values())


def _retries(group: Group) -> tuple[int, int]:
    """Sessions that retried the identical call at once, and those in which that worked."""
    errors = [error for met in group.meetings.values() for error in met.errors]
    return sum(error.retried > 0 for error in errors), sum(error.healed_by_retry > 0 for error in errors)
