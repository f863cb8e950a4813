"""What workflows, preferences and upkeep tell an agent to do, in fixed sentences around cleaned names."""

from __future__ import annotations

from dreaming.mining.phrases import Advice, clean, code, slug
from dreaming.mining.values import Finding, Preference, Support, Upkeep, Workflow


def advise_lesson(finding: Finding, lesson: Workflow | Preference | Upkeep) -> Advice:
    """Word a finding whose lesson is not about an error."""
    if isinstance(lesson, Workflow):
        return _workflow_advice(lesson)
    if isinstance(lesson, Preference):
        return _preference_advice(lesson)
    return _upkeep_advice(finding, lesson)


def _workflow_advice(lesson: Workflow) -> Advice:
    first, second = code(lesson.named(lesson.first)), code(lesson.named(lesson.second))
    steps = ", then ".join(code(lesson.named(step)) for step in lesson.steps)
    if lesson.contrast == "after":
        claim, dont = f"After {first}, call {second}", f"end after {first} without {second}."
    elif lesson.contrast == "order":
        claim, dont = f"Call {first} before {second}", f"call {second} before {first}."
    else:
        earlier = _earlier(lesson)
        claim, dont = f"Call {earlier} before {second}", f"call {second} without {earlier} before it."
    both = f"you need {first} and {second}."
    taken = f"the task needs {first if lesson.contrast == 'after' else second}."
    return Advice(
        slug=slug("-".join(lesson.steps)) or "steps",
        claim=claim,
        when=both if lesson.contrast == "order" else taken,
        do=f"Work in this order: {steps}. Other steps may come in between.",
        dont=dont,
        example=f"{steps}.",
    )


def _earlier(lesson: Workflow) -> str:
    """What comes before the second step."""
    return " and then ".join(code(lesson.named(step)) for step in (lesson.first, *lesson.between))


def _preference_advice(lesson: Preference) -> Advice:
    words = code(lesson.words, 200)
    matter = ", ".join(code(word) for word in lesson.matter[:4]) or "this"
    return Advice(
        slug=slug("-".join((*(["not"] if lesson.negative else []), *sorted(lesson.matter[:3])))) or "wish",
        claim=f"Users ask: {clean(lesson.words, 200)}",
        when=f"your work for a user is about {matter}, and the user has not said otherwise.",
        do=f"Do as users have asked, in the words of one of them: {words}",
        dont="wait to be corrected again, and do not hold to this where the user at hand asks for something else.",
        example=f"a user who corrected an agent said {words}",
    )


def _upkeep_advice(finding: Finding, lesson: Upkeep) -> Advice:
    path = code(lesson.path, 120)
    other = code(lesson.other, 120)
    claim = {
        "duplicate": f"Remove {path}: {other} says the same",
        "merged": f"Add to {path} what only its double {other} says",
        "unread": f"Remove {path}: no session was given it",
        "contradicted": f"Correct {path}: newer sessions contradict it",
    }[lesson.why]
    return Advice(
        slug=slug(lesson.path),
        claim=claim,
        when=finding.title,
        do=lesson.after,
        dont=lesson.before,
        example="",
    )


def sureness_of(finding: Finding, lesson: Workflow | Preference | Upkeep) -> str:
    """Say in a memory how sure we are."""
    support = finding.support
    if isinstance(lesson, Workflow):
        return (
            f"success in {support.met_success} of {support.met_total} sessions that did so "
            f"({_agents(support)}), in {support.other_success} of {support.other_total} that {_others(lesson)}."
        )
    return f"{people_of(support)} asked for it in {support.sessions} sessions."


def _agents(support: Support) -> str:
    return f"{support.agents} agent{'' if support.agents == 1 else 's'}"


def _others(lesson: Workflow) -> str:
    first, second = code(lesson.named(lesson.first)), code(lesson.named(lesson.second))
    return {
        "before": f"took {second} without {_earlier(lesson)} before it",
        "after": f"took {first} and not {second} after it",
        "order": "took both the other way round",
        "most": "took most of these steps, but not all of them in this order",
    }[lesson.contrast]


def people_of(support: Support) -> str:
    """Count who stands behind a finding."""
    number, noun = (support.principals, "principal") if support.principals else (support.agents, "agent")
    return f"{number} {noun}{'' if number == 1 else 's'}"


def reasons_for(finding: Finding, lesson: Workflow | Preference | Upkeep) -> list[str]:
    """Say to the reviewer why the pass believes it, and what speaks against."""
    support = finding.support
    if isinstance(lesson, Workflow):
        return _workflow_reasons(finding, lesson)
    if isinstance(lesson, Preference):
        kinds = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in lesson.kinds)
        against = sum(item.stance == "contradicts" for item in finding.evidence)
        return [
            f"{people_of(support)} asked for it in {support.sessions} sessions ({kinds}), of {_agents(support)}. "
            f"What the remarks share: "
            f"{', '.join(code(word) for word in lesson.matter)}. They were grouped by their words, not by a model: "
            "read the quotes to see that they mean the same.",
            f"Against: {against or 'no'} quotes ask for the opposite." if against else "Against: nothing was found.",
        ]
    if lesson.why == "duplicate":
        return [
            f"What {code(lesson.path, 120)} says ({code(lesson.before, 300)}) stands in "
            f"{code(lesson.other, 120)} too: agents read it twice, and one "
            f"may be changed without the other. {_spoken_of(finding)}",
            f"Only it says: {clean(lesson.after, 300)} Approve this after the update that adds it to "
            f"{code(lesson.other, 120)}."
            if lesson.after
            else "Against: the wording is not the same; look for what only one of them says.",
        ]
    if lesson.why == "unread":
        return [
            f"{lesson.other} sessions were given other memories of this store, and none of them "
            f"{code(lesson.path, 120)}, which says {code(lesson.before, 300)}. No session can be quoted for what did not happen.",
            "Against: what is rarely needed may still be right when it is. Keep it if it guards against something rare.",
        ]
    if lesson.why == "merged":
        return [
            f"{code(lesson.other, 120)} says what this memory says, and one thing more, which is added: "
            f"{clean(lesson.after, 300)} With it, {code(lesson.other, 120)} can go (a proposal of its own). "
            f"{_spoken_of(finding)}",
            "Against: what is added was not looked at again; it is as true as it was.",
        ]
    return [
        f"The memory says {code(lesson.before, 200)}. {people_of(support)} in {support.sessions} sessions show otherwise: "
        f"{clean(lesson.other, 300).rstrip('.')}.",
        "Only this passage changes. Against: sessions that follow the memory as it is may not have been looked at.",
    ]


def _spoken_of(finding: Finding) -> str:
    if finding.evidence:
        return "The sessions quoted are such as both speak of."
    return "No session speaks of it: it rests on the two texts alone."


def _workflow_reasons(finding: Finding, lesson: Workflow) -> list[str]:
    support = finding.support
    second = code(lesson.named(lesson.second))
    within = "compared within runs of the same task" if support.within_task else "not compared within tasks"
    losses, luck = support.met_total - support.met_success, support.other_success
    return [
        f"{support.met_success} of {support.met_total} sessions that took {_earlier(lesson)} and then {second} ended in success, "
        f"against {support.other_success} of {support.other_total} that {_others(lesson)}; difference {support.effect:+.0%} "
        f"(95 % interval {support.effect_low:+.0%} to {support.effect_high:+.0%}), p {support.p_value:.2g}, adjusted for "
        f"all pairs of steps looked at {support.p_adjusted:.2g}; {within}.",
        f"Of {lesson.agents_known} agents with both kinds of session, {lesson.agents_for} do better so "
        f"(p within agents {lesson.p_agents:.2g}).",
        *_not_compared(support, lesson),
        f"Against: {losses} sessions that did so did not succeed; {luck} that did not, succeeded.",
    ]


def _not_compared(support: Support, lesson: Workflow) -> list[str]:
    """Say how many sessions are not compared, and how all of them end."""
    won, shown, luck, lacked = lesson.whole
    apart = shown + lacked - support.met_total - support.other_total
    if apart <= 0:
        return []
    return [
        f"{apart} more met an error that is told by itself and decides how they end: they are not compared. With them, "
        f"success in {won} of {shown} that did so and {luck} of {lacked} that did not."
    ]
