"""Wording a finding as a memory draft, from fixed sentences; only names and short errors are copied."""

from __future__ import annotations

from dataclasses import dataclass

from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.lessons import reasons_for, sureness_of
from dreaming.mining.mentions import message_of, other_wordings
from dreaming.mining.passages import SURE
from dreaming.mining.phrases import Advice, clean, code, slug
from dreaming.mining.values import Cause, Finding, Preference, Remedy, Support, Thresholds, Upkeep, Workflow
from dreaming.mining.wording import advise

_MANY = 10
_ALPHA = Thresholds().alpha


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed memory: where, what it says, and for the reviewer the claim and why we believe it."""

    path: str
    content: str
    title: str
    rationale: str


def write(finding: Finding) -> Draft:
    """Word a finding. Pure; the path depends on the claim alone, so a later pass updates the same memory."""
    advice = advise(finding)
    return Draft(
        path=_path(finding, advice),
        content=finding.lesson.content if isinstance(finding.lesson, Upkeep) else _content(finding, advice),
        title=clean(advice.claim, 200),
        rationale=_rationale(finding),
    )


def graduation_text(finding: Finding) -> str:
    """Return a section for AGENTS.md, or an issue, for a finding that `graduates`; '' for any other."""
    if not finding.graduates:
        return ""
    advice = advise(finding)
    agents = finding.remedy.agents if finding.remedy is not None else finding.support.agents
    return "\n\n".join(
        (
            f"## {advice.claim}",
            f"When {advice.when} {advice.do} Do not {advice.dont}",
            f"Example: {advice.example}",
            f"{agents} agents found this independently ({finding.support.sessions} sessions), so it may belong in the "
            f"tool itself: {_fix(finding)}",
        )
    )


def _fix(finding: Finding) -> str:
    tool = code(finding.tool) if finding.tool else "the tool"
    if isinstance(finding.lesson, Workflow):
        return f"let {tool} refuse, with a message that says so, when the order is another, or take the steps itself."
    return (
        f"let the description and the error message of {tool} say it, or let it take the call as agents first make it."
    )


def _path(finding: Finding, advice: Advice) -> str:
    if isinstance(finding.lesson, Upkeep):
        return finding.lesson.path
    if isinstance(finding.lesson, Workflow):
        return f"/workflows/{advice.slug}.md"
    if isinstance(finding.lesson, Preference):
        return f"/preferences/{advice.slug}.md"
    return f"/tools/{slug(finding.tool) or 'any-tool'}/{advice.slug}.md"


def _content(finding: Finding, advice: Advice) -> str:
    parts = [
        f"# {advice.claim}",
        f"**When** {advice.when}",
        f"**Do:** {advice.do}",
        f"**Do not** {advice.dont}",
        f"**Example:** {advice.example}",
        f"{SURE} {_sureness(finding)}",
    ]
    if others := other_wordings(finding):
        parts.insert(4, f"**Also worded** {others}.")
    if finding.warning:
        parts.insert(3, f"**Careful:** {_warning(finding)}")
    return "\n\n".join(parts) + "\n"


def _warning(finding: Finding) -> str:
    remedy = finding.remedy
    if remedy is None:
        return ""
    return (
        f"sessions that made this change ended in success less often ({remedy.adopted_success} of "
        f"{remedy.adopted_total}) than others that met the error ({remedy.rest_success} of "
        f"{remedy.rest_total})."
    )


def _sureness(finding: Finding) -> str:
    support, remedy = finding.support, finding.remedy
    if finding.lesson is not None:
        return sureness_of(finding, finding.lesson)
    parts = [f"{_seen(finding)} met this error."]
    if remedy is not None:
        parts.append(f"The change worked in {remedy.helped} of the {remedy.adopted} that made it.")
        if remedy.p_outcome <= _ALPHA or (remedy.rest_total >= _MANY and not remedy.rest_success):
            parts.append(
                f"Success: {remedy.adopted_success} of {remedy.adopted_total} that made it, "
                f"{remedy.rest_success} of {remedy.rest_total} that met the error and did not."
            )
    elif finding.causes:
        cause = finding.causes[0]
        parts.append(
            f"It held in {cause.met} of {cause.met_total} of them, and in {cause.other} of "
            f"{cause.other_total} sessions where the call worked."
        )
    else:
        parts.append(f"It cost {support.occurrences} refused steps; {finding.recovered} of the sessions got past it.")
    parts.append(_outcome(support))
    return " ".join(parts)


def _seen(finding: Finding) -> str:
    support = finding.support
    called = "called the tool" if finding.tool else "called one of these tools"
    agents = f"{support.agents} agents" if support.agents > 1 else "1 agent"
    return f"{support.sessions} of {support.eligible} sessions that {called} ({agents})"


def _outcome(support: Support) -> str:
    if not support.met_total or not support.other_total:
        return "How sessions end cannot be compared."
    rates = (
        f"success in {support.met_success} of {support.met_total} with it, "
        f"{support.other_success} of {support.other_total} without"
    )
    if support.p_adjusted > _ALPHA:
        if support.within_task and support.p_pooled <= _ALPHA:
            return f"Sessions end differently ({rates}), but within the same tasks that is not proven."
        return f"No proven effect on how sessions end: {rates}."
    return f"Sessions with it end {'worse' if support.effect < 0 else 'better'}: {rates}."


def _rationale(finding: Finding) -> str:
    parts = reasons_for(finding, finding.lesson) if finding.lesson is not None else _error_reasons(finding)
    if finding.graduates:
        parts.insert(1, "Several agents found it independently: it is fit to graduate to a tool or to AGENTS.md.")
    return " ".join(parts)


def _error_reasons(finding: Finding) -> list[str]:
    support = finding.support
    spread = ", ".join(
        (
            _count(support.agents, "agent"),
            _count(support.tasks, "task"),
            _count(support.principals, "principal"),
        )
    )
    parts = [f"{_seen(finding)} met {message_of(finding)}, in {support.occurrences} calls ({spread})."]
    if finding.remedy is not None:
        parts.append(_remedy_words(finding.remedy))
    parts += [_cause_words(cause) for cause in finding.causes]
    if finding.remedy is None and not finding.causes and support.p_adjusted > _ALPHA:
        parts.append("The rule is the refusal's own wording, not measured: check that it can be trusted.")
    parts.append(_test_words(support))
    if reads_as_instruction(finding.template):
        parts.append(
            "The error's own text reads as an instruction to the agent: it stands in the evidence only, and may be "
            "an attack."
        )
    parts.append(f"Against: {_against(finding)}")
    return parts


def _count(number: int, noun: str) -> str:
    return f"{number or 'no recorded'} {noun}{'' if number == 1 else 's'}"


def _remedy_words(remedy: Remedy) -> str:
    finders = _count(remedy.agents, "agent") + (" independently" if remedy.agents > 1 else "")
    words = (
        f"{remedy.adopted} of them then made this change ({finders}) and it worked in {remedy.helped}; "
        f"after a call that worked, {remedy.usual:.0%} of sessions make the same move "
        f"(p adjusted {_p(remedy.p_adjusted)})."
    )
    if remedy.working:
        words += f" Of {remedy.working} other sessions in which the tool worked, {remedy.without} did without it."
    if remedy.constants and {name for name, _ in remedy.arguments} == {name for name, _ in remedy.constants}:
        words += (
            f" All it changes is a fixed value ({', '.join(f'{code(name)} is {code(value)}' for name, value in remedy.constants)}"
            "): see that this meets the rule behind the refusal and does not get round it."
        )
    if remedy.scope and remedy.adopted:
        words += " Nearly all of them were for one principal."
    if remedy.adopted_total and remedy.rest_total:
        words += (
            f" Success: {remedy.adopted_success} of {remedy.adopted_total} that made it, "
            f"{remedy.rest_success} of {remedy.rest_total} that met the error and did not "
            f"(p {_p(remedy.p_outcome)}, unadjusted)."
        )
    return words


def _cause_words(cause: Cause) -> str:
    kind, _, rest = cause.feature.partition(":")
    one, _, two = rest.partition(":")
    said = {
        "after": f"made after {code(one)} had worked",
        "after-same": f"made after {code(one)} had worked with the same {code(two)}",
        "empty": f"{code(one)} was empty",
        "lengths": f"{code(one)} and {code(two)} differed in length",
        "lacks": f"{code(one)} was missing",
        "has": f"{code(one)} was given",
    }[kind]
    return (
        f"What sets the failing calls apart: {said} in {cause.met} of {cause.met_total} sessions, against "
        f"{cause.other} of {cause.other_total} where the tool worked (p adjusted {_p(cause.p_adjusted)})."
    )


def _test_words(support: Support) -> str:
    if not support.met_total or not support.other_total:
        return "Outcomes could not be compared: one side has none that is known."
    how = (
        f"compared within runs of the same task (exact conditional test; pooled over tasks p {_p(support.p_pooled)})"
        if support.within_task
        else "not compared within tasks, which could confound it (Fisher's exact test)"
    )
    others = "that called the tool" if support.among_callers else "compared, whatever they called,"
    return (
        f"Success with the error {support.met_success} of {support.met_total}, among the other sessions "
        f"{others} {support.other_success} of {support.other_total}; difference {support.effect:+.0%} "
        f"(95 % interval {support.effect_low:+.0%} to {support.effect_high:+.0%}), p {_p(support.p_value)}, "
        f"adjusted for all errors looked at {_p(support.p_adjusted)}; {how}."
    )


def _against(finding: Finding) -> str:
    support, remedy = finding.support, finding.remedy
    parts = [f"{_count(support.met_success, 'session')} met it and still succeeded"] if support.met_success else []
    if remedy is not None and remedy.adopted > remedy.helped:
        parts.append(f"the change did not work in {remedy.adopted - remedy.helped}")
    if remedy is not None and support.sessions > remedy.adopted:
        parts.append(f"{support.sessions - remedy.adopted} did not make it")
    if finding.warning:
        parts.append("those that made the change ended worse")
    if support.agents == 1:
        parts.append("only one agent saw it")
    return ("; ".join(parts) or "nothing was found") + "."


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"
