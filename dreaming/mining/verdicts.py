"""What is told of an error, with its numbers, its keys and its evidence, or why it is left out."""

from __future__ import annotations

import hashlib
from collections import Counter

from dreaming.mining.evidence import failure_evidence, repair_evidence
from dreaming.mining.groups import ANY_TOOL, Group
from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.measured import Measured
from dreaming.mining.templates import fill, tool_family
from dreaming.mining.values import (
    Cause,
    Discarded,
    Finding,
    Kind,
    Remedy,
    Support,
    Thresholds,
)
from dreaming.mining.window import Window

_STORM = 5
_ALIAS_SHARE = 0.1
WORTH = 3


def finding_of(
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
        recovered=recovered(group),
        transient=retries(group)[1],
        remedy=remedy,
        causes=why,
        benefit=support.sessions * max(0.0, -support.effect) * harmful + 0.05 * support.occurrences,
        evidence=evidence,
        variants=group.variants,
        aliases=_aliases(kind, group, change),
        names=window.names_for(_steps_named(change, why)),
    )


def _steps_named(change: str, why: tuple[Cause, ...]) -> list[str]:
    """Return the tools that a change or a cause names by their family."""
    first = [change.removeprefix("first: ")] if change.startswith("first: ") else []
    return first + [cause.feature.split(":")[1] for cause in why if cause.feature.startswith("after")]


def _worse(remedy: Remedy, limits: Thresholds) -> bool:
    if not remedy.adopted_total or not remedy.rest_total or remedy.p_outcome > limits.alpha:
        return False
    return remedy.adopted_success / remedy.adopted_total < remedy.rest_success / remedy.rest_total


def support_of(group: Group, window: Window, item: Measured | None) -> Support:
    members = [met.digest for met in group.meetings.values()]
    callers = window.callers(group.families)
    compared = item.comparison if item else window.compare_to_rest(group.families, group.meetings.keys())
    table = compared.table
    return Support(
        sessions=len(members),
        agents=len({digest.agent for digest in members}),
        principals=len({digest.principal for digest in members if digest.principal}),
        tasks=len({digest.task_id for digest in members if digest.task_id}),
        occurrences=sum(met.occurrences for met in group.meetings.values()),
        eligible=len(callers.sessions) + sum(at not in callers.sessions for at in group.meetings),
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
        among_callers=compared.among_callers,
        weeks=window.by_week(group.meetings, callers),
    )


def worth_telling(group: Group) -> bool:
    return len(group.meetings) >= WORTH or sum(met.occurrences for met in group.meetings.values()) >= _STORM


def below(group: Group, window: Window, least: int) -> Discarded:
    support = support_of(group, window, None)
    if support.sessions == 1:
        return discard(f"one-session storm: {support.occurrences} times in a single session", group, support)
    return discard(f"below support: {support.sessions} of the {least} sessions asked for", group, support)


def discard(reason: str, group: Group, support: Support) -> Discarded:
    key = _claim_key("recurring_failure", group, "")
    return Discarded(reason, _title(group, ""), key, group.tool, group.template, support)


def _title(group: Group, change: str) -> str:
    said = "(wording withheld)" if reads_as_instruction(group.template) else group.template
    head = f"{group.tool}: {said}" if group.tool else said
    return f"{head} → {change}" if change else head


def _claim_key(kind: Kind, group: Group, change: str) -> str:
    return _key_of(kind, group.family, group.template, change)


def _key_of(kind: Kind, family: str, template: str, change: str) -> str:
    claim = "\x1f".join((kind, family, template, change))
    return f"{kind}:{family or 'any'}:{hashlib.sha256(claim.encode()).hexdigest()[:16]}"


def _aliases(kind: Kind, group: Group, change: str) -> tuple[str, ...]:
    """Return the keys of the claim under each name that a good part of its sessions know the error by.

    Which wording and which tool name the group is named by may be others as soon as more sessions come in.
    """
    seen = Counter(
        name
        for met in group.meetings.values()
        for name in {
            (tool_family(error.tool), text)
            for error in met.errors
            for text in (error.template, fill(error.template, error.values))
        }
    )
    known = {name for name, count in seen.items() if count >= _ALIAS_SHARE * len(group.meetings)}
    known |= {(family, group.template) for family, _ in known}
    if group.pooled or group.spread:
        known |= {(ANY_TOOL, text) for _, text in known}
    keys = {_key_of(kind, family, text, change) for family, text in known}
    return tuple(sorted(keys - {_claim_key(kind, group, change)}))


def _message(group: Group) -> str:
    """The shortest of the quoted messages, for a reader who wants to see one real one."""
    quotes = (error.quote.text for met in group.meetings.values() for error in met.errors)
    return min(quotes, key=lambda text: (len(text), text), default="")


def recovered(group: Group) -> int:
    return sum(all(error.recovered for error in met.errors) for met in group.meetings.values())


def retries(group: Group) -> tuple[int, int]:
    """Sessions that retried the identical call at once, and those in which that worked."""
    errors = [error for met in group.meetings.values() for error in met.errors]
    return sum(error.retried > 0 for error in errors), sum(error.healed_by_retry > 0 for error in errors)
