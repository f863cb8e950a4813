"""Whether an error is a finding: a remedy, a cause, harm or a cost that is worth a reviewer's time; and if not, why not."""

from __future__ import annotations

import re
from collections import Counter

from dreaming.mining.denials import DENIES
from dreaming.mining.failures import says_nothing_found
from dreaming.mining.groups import Group
from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.measured import Measured, is_everywhere
from dreaming.mining.remedies import (
    best_adoption,
    best_causes,
    remedy_of,
)
from dreaming.mining.stats import Table, fisher_less, risk_difference
from dreaming.mining.templates import own_words
from dreaming.mining.values import (
    Cause,
    Discarded,
    Finding,
    Remedy,
    Support,
    Thresholds,
)
from dreaming.mining.verdicts import WORTH, discard, finding_of, recovered, retries, support_of
from dreaming.mining.window import EVERY_TOOL, Window

_OFTEN = 2
_COSTLY_SHARE = 0.3
_AGREES = 0.1
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
_BETTER = 0.15
_SAME_SIZE = 0.7
_STATES_RULE = re.compile(r"\b(?:must|should|always|required|exactly|only|at least|at most|expected|provide|use)\b")


def judge(item: Measured, window: Window, limits: Thresholds, least: int) -> Finding | Discarded:
    group, support = item.group, support_of(item.group, window, item)
    harmful = is_harmful(item, limits)
    if reason := objection_against(group, support, limits):
        return discard(reason, group, support)
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
        and (recovered(group) >= _TRIED_AGAIN * support.sessions or _costs(item, support, limits))
    )
    # What does no proven harm is worth a reviewer's time where it is met often.
    shown = frequent and _is_marked(group) and support.sessions >= _OFTEN * least
    if reads_as_instruction(group.template) and not why:
        return discard("hostile: the error's text reads as an instruction to the agent", group, support)
    if own_words(group.template) < 2 and not why:
        return discard("uninformative: the message does not say what went wrong", group, support)
    if (
        harmful
        or (shown and why and not _is_notice(group, support, limits))
        or (shown and costly and not is_everywhere(group))
        or (
            _is_dead_end(group, support, limits, least)
            and _costs(item, support, limits)
            and _is_an_error(group, window, limits)
        )
    ):
        return finding_of("recurring_failure", group, window, support, None, why, harmful, limits)
    return discard(_why_left(group, support, item, limits), group, support)


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


def _is_dead_end(group: Group, support: Support, limits: Thresholds, least: int) -> bool:
    """Whether many who call the tool meet the error, several agents for several principals, and hardly any of them
    gets past it: worth knowing before the call, however sessions end.
    """
    many = support.sessions >= max(_DEAD * least, _DEAD_SHARE * support.eligible)
    several = support.agents > 1 and support.principals >= limits.min_principals
    if says_nothing_found(group.template) or is_everywhere(group):
        return False
    return many and several and recovered(group) <= _DEAD_PAST * support.sessions


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
    if recovered(group) >= 0.8 * support.sessions:
        return "harmless: agents recover by no one way, and sessions end no worse"
    if tried is not None and tried.helped < limits.min_help * len(tried.repairs):
        return "no known remedy: what agents try does not help, and sessions end no worse"
    return "no known remedy, and sessions that met it end no worse than others"


def objection_against(group: Group, support: Support, limits: Thresholds) -> str:
    """Return why a frequent error is left out whatever else is known of it, or ''."""
    retried, healed = retries(group)
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
