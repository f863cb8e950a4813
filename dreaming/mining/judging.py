"""What is said of one error: its numbers, whether it is a finding, and if not, why it is left out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

from dreaming.mining.denials import DENIES
from dreaming.mining.evidence import failure_evidence, repair_evidence
from dreaming.mining.failures import says_nothing_found
from dreaming.mining.groups import ANY_TOOL, Group
from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.remedies import (
    Adoption,
    adoptions,
    best_adoption,
    best_causes,
    causes,
    remedy_of,
    with_p,
)
from dreaming.mining.stats import Table, adjusted, adjusted_in_groups, fisher_less, risk_difference
from dreaming.mining.templates import fill, own_words, tool_family
from dreaming.mining.values import (
    Cause,
    Discarded,
    Finding,
    Kind,
    Remedy,
    Support,
    Thresholds,
)
from dreaming.mining.window import EVERY_TOOL, Comparison, Window

_STORM = 5
_ALIAS_SHARE = 0.1
_OFTEN = 2
_COSTLY_SHARE = 0.3
_AGREES = 0.1
WORTH = 3
_DEAD = 2
_DEAD_SHARE = 0.25
_DEAD_PAST = 0.2
_TRIED_AGAIN = 0.2
_LIKELY = 0.05
_MARKED = 0.2
_USUAL = 0.6
_NEARLY = 0.75
_REPEATED = 1.5
LOSS = 0.3
_FEW_TOOLS = 3
_BETTER = 0.15
_SAME_SIZE = 0.7
_ABOUT_THE_CALL = ("arguments", "form", "first")
_STATES_RULE = re.compile(r"\b(?:must|should|always|required|exactly|only|at least|at most|expected|provide|use)\b")


@dataclass(slots=True)
class Measured:
    group: Group
    comparison: Comparison
    adoptions: list[Adoption]
    causes: list[Cause]
    p_outcome: float = 1.0
    p_pooled: float = 1.0


def measure(group: Group, window: Window, least: int) -> Measured:
    comparison = window.compare_to_rest(group.families, group.meetings.keys())
    why = [] if group.spread or _is_everywhere(group) else causes(group, window)
    return Measured(group, comparison, adoptions(group, window, least), why)


def adjust(measured: list[Measured]) -> None:
    """Replace the p-values of every hypothesis looked at by their adjusted ones.

    That sessions with an error end worse is asked one-sidedly: that they end better would teach nothing.
    """
    outcomes = adjusted([item.comparison.p_worse for item in measured])
    pooled = adjusted([item.comparison.p_worse_pooled for item in measured])
    for item, p_value, p_pooled in zip(measured, outcomes, pooled, strict=True):
        item.p_outcome, item.p_pooled = p_value, p_pooled
    moves = [adoption for item in measured for adoption in item.adoptions]
    features = [cause for item in measured for cause in item.causes]
    about = ["call" if move.change.startswith(_ABOUT_THE_CALL) else "next" for move in moves]
    for move, p_value in zip(moves, adjusted_in_groups([move.p_value for move in moves], about), strict=True):
        move.p_value = p_value
    rest = iter(adjusted([cause.p_adjusted for cause in features]))
    for item in measured:
        item.causes = [with_p(cause, next(rest)) for cause in item.causes]


def judge(item: Measured, window: Window, limits: Thresholds, least: int) -> Finding | Discarded:
    group, support = item.group, support_of(item.group, window, item)
    harmful = is_harmful(item, limits)
    if reason := objection_against(group, support, limits):
        return _discard(reason, group, support)
    adoption = best_adoption(group, item.adoptions, limits, window)
    frequent = support.sessions >= limits.min_share * support.eligible
    remedy = remedy_of(adoption, group, window) if adoption is not None else None
    why = best_causes(item.causes, limits, group, window)
    told = remedy is not None and (
        _is_vain(remedy, support, limits)
        or _is_known_by_cause(remedy, why, support, limits)
        or _is_next_step(remedy, group, support)
    )
    if remedy is not None and (frequent or harmful) and not told:
        return finding_of("workaround", group, window, support, remedy, why, harmful, limits)
    costly = (
        support.sessions >= max(2 * least, _COSTLY_SHARE * support.eligible)
        and _STATES_RULE.search(group.template)
        and support.occurrences >= _REPEATED * support.sessions
        and (_recovered(group) >= _TRIED_AGAIN * support.sessions or _costs(item, support, limits))
    )
    # What does no proven harm is worth a reviewer's time where it is met often.
    shown = frequent and _is_marked(group) and support.sessions >= _OFTEN * least
    if reads_as_instruction(group.template) and not why:
        return _discard("hostile: the error's text reads as an instruction to the agent", group, support)
    if own_words(group.template) < 2 and not why:
        return _discard("uninformative: the message does not say what went wrong", group, support)
    if (
        harmful
        or (shown and why and not _is_notice(group, support, limits))
        or (shown and costly and not _is_everywhere(group))
        or (
            _is_dead_end(group, support, limits, least)
            and _costs(item, support, limits)
            and _is_an_error(group, window, limits)
        )
    ):
        return finding_of("recurring_failure", group, window, support, None, why, harmful, limits)
    return _discard(_why_left(group, support, item, limits), group, support)


def _is_vain(remedy: Remedy, support: Support, limits: Thresholds) -> bool:
    """Whether sessions that made the change end as badly as those that did not, and far worse than without the error.

    Who goes on with another tool may have given up: that it ends better must be proven.
    """
    if remedy.adopted_total < WORTH or not support.other_total:
        return False
    made = remedy.adopted_success / remedy.adopted_total
    gain = _gain(remedy)
    if remedy.change.startswith("other tool"):
        if gain > 0 and remedy.p_outcome <= limits.alpha:
            return False
    elif not remedy.rest_total or abs(gain) >= _BETTER:
        return False
    apart = Table(remedy.adopted_success, remedy.adopted_total, support.other_success, support.other_total)
    return support.other_success / support.other_total - made > LOSS and fisher_less(apart) <= limits.alpha


def _is_next_step(remedy: Remedy, group: Group, support: Support) -> bool:
    """Whether most who call the tool hear that there is nothing, which nothing marks as an error, and go on elsewhere."""
    elsewhere = remedy.change.startswith("other tool") and says_nothing_found(group.template)
    return elsewhere and not _is_marked(group) and support.sessions > _USUAL * support.eligible


def _gain(remedy: Remedy) -> float:
    """How much more often the sessions that made the change succeed than those that did not; 0 where none is known."""
    if not remedy.adopted_total or not remedy.rest_total:
        return 0.0
    return remedy.adopted_success / remedy.adopted_total - remedy.rest_success / remedy.rest_total


def _is_known_by_cause(remedy: Remedy, why: tuple[Cause, ...], support: Support, limits: Thresholds) -> bool:
    """Whether few leave out what the failing calls have in common, and end no better for it: other calls, not repairs."""
    _, left, names = remedy.change.partition("arguments: leave out ")
    same = bool(left) and any(cause.feature.removeprefix("has:") in names.split(", ") for cause in why)
    return same and 2 * remedy.adopted < support.sessions and _gain(remedy) < LOSS and remedy.p_outcome > limits.alpha


def is_harmful(item: Measured, limits: Thresholds) -> bool:
    """Whether sessions that met the error end worse: proven within tasks, or over all where runs of a task are
    too few to prove it and yet agree.
    """
    compared = item.comparison
    if compared.effect.value > -limits.min_effect:
        return False
    if item.p_outcome <= limits.alpha:
        return True
    pooled = risk_difference(compared.table).value
    agree = compared.within_task and compared.p_worse <= _AGREES and compared.effect.value <= _SAME_SIZE * pooled
    return agree and item.p_pooled <= limits.alpha


def _is_everywhere(group: Group) -> bool:
    """Whether the same words come from many tools: then they say nothing about the calls, and may be put there."""
    return group.pooled or len(group.families) > _FEW_TOOLS


def _is_dead_end(group: Group, support: Support, limits: Thresholds, least: int) -> bool:
    """Whether many who call the tool meet the error, several agents for several principals, and hardly any of them
    gets past it: worth knowing before the call, however sessions end.
    """
    many = support.sessions >= max(_DEAD * least, _DEAD_SHARE * support.eligible)
    several = support.agents > 1 and support.principals >= limits.min_principals
    if says_nothing_found(group.template) or _is_everywhere(group):
        return False
    return many and several and _recovered(group) <= _DEAD_PAST * support.sessions


def _is_an_error(group: Group, window: Window, limits: Thresholds) -> bool:
    """Whether an answer is an error: a tool marks it, it denies something, or sessions with it end far worse than all others.
    Others are all there is to say, as "1 row inserted".
    """
    if _is_marked(group) or DENIES.search(group.template):
        return True
    compared = window.compare_to_rest(EVERY_TOOL, group.meetings.keys())
    return compared.effect.value <= -LOSS and compared.p_worse <= limits.alpha


def _costs(item: Measured, support: Support, limits: Thresholds) -> bool:
    """Whether an error that few get past costs them something: they try again, or end worse as far as can be seen.

    What agents are told once, and go on and end as others do, is a notice.
    """
    again = sum(met.occurrences > 1 for met in item.group.meetings.values())
    p_worse = min(item.comparison.p_worse, item.comparison.p_worse_pooled)
    return again >= _TRIED_AGAIN * support.sessions or (support.effect <= -limits.min_effect and p_worse <= _LIKELY)


def _is_notice(group: Group, support: Support, limits: Thresholds) -> bool:
    """Whether sessions that met it end as others do, as far as is known, and few call the same tool again for it."""
    taken_up = sum(
        met.occurrences > 1 or any(not item.change.startswith(("other tool", "run")) for item in met.repairs)
        for met in group.meetings.values()
    )
    known = 2 * support.met_total > support.sessions
    return known and support.effect > -limits.min_effect and taken_up < _TRIED_AGAIN * support.sessions


def _is_marked(group: Group) -> bool:
    """Whether in a good part of the sessions the tool, or the words, call it an error."""
    marked = sum(any(error.marked for error in met.errors) for met in group.meetings.values())
    return marked >= _MARKED * len(group.meetings)


def _why_left(group: Group, support: Support, item: Measured, limits: Thresholds) -> str:
    tried = max(item.adoptions, key=lambda move: (len(move.repairs), move.change), default=None)
    if support.effect <= -limits.min_effect and min(support.p_value, support.p_pooled) <= _LIKELY:
        return "no known remedy, and the lower success is not proven once all errors looked at are allowed for"
    if support.sessions < limits.min_share * support.eligible:
        return f"rare: {support.sessions} of {support.eligible} sessions that called the tool; they end no worse"
    if _recovered(group) >= 0.8 * support.sessions:
        return "harmless: agents recover by no one way, and sessions end no worse"
    if tried is not None and tried.helped < limits.min_help * len(tried.repairs):
        return "no known remedy: what agents try does not help, and sessions end no worse"
    return "no known remedy, and sessions that met it end no worse than others"


def objection_against(group: Group, support: Support, limits: Thresholds) -> str:
    """Return why a frequent error is left out whatever else is known of it, or ''."""
    retried, healed = _retries(group)
    if not own_words(group.template):
        return "uninformative: the message does not say what went wrong"
    if retried >= 3 and healed * 2 >= retried and retried >= 0.2 * support.sessions:
        return "transient: it heals on an identical retry"
    if support.agents < limits.min_agents:
        return f"seen by {support.agents} of the {limits.min_agents} agents asked for"
    scopes = support.principals or support.tasks
    if (support.agents == 1 and scopes == 1) or _is_nearly_one(group):
        return "only one agent saw it, for one principal or task"
    named = sum(bool(met.digest.task_id) for met in group.meetings.values())
    # Whoever asks for the same on another's behalf is another case of it: tasks may be kinds of work.
    cases = max(support.tasks, support.principals)
    if 0 < cases < limits.min_tasks and named * 2 > support.sessions:
        return "seen on one task only"
    return ""


def _is_nearly_one(group: Group) -> bool:
    """Whether hardly any session is of another agent or principal than the rest, where there are several agents."""
    pairs = Counter((met.digest.agent, met.digest.principal) for met in group.meetings.values())
    agents = {agent for agent, _ in pairs}
    return len(agents) > 1 and max(pairs.values()) > _NEARLY * len(group.meetings)


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
        recovered=_recovered(group),
        transient=_retries(group)[1],
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


def _recovered(group: Group) -> int:
    return sum(all(error.recovered for error in met.errors) for met in group.meetings.values())


def _retries(group: Group) -> tuple[int, int]:
    """Sessions that retried the identical call at once, and those in which that worked."""
    errors = [error for met in group.meetings.values() for error in met.errors]
    return sum(error.retried > 0 for error in errors), sum(error.healed_by_retry > 0 for error in errors)
