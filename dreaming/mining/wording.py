"""What a finding tells an agent to do, in fixed sentences around cleaned names."""

from __future__ import annotations

import json
from typing import Any

from dreaming.mining.lessons import advise_lesson
from dreaming.mining.mentions import avoid_slug, message_of, refused_with, tool_of
from dreaming.mining.phrases import Advice, code, slug
from dreaming.mining.remedy_wording import advise_remedy
from dreaming.mining.values import Cause, Finding, Thresholds

_ALPHA = Thresholds().alpha


def advise(finding: Finding) -> Advice:
    if finding.lesson is not None:
        return advise_lesson(finding, finding.lesson)
    if finding.remedy is None:
        return _failure_advice(finding)
    return advise_remedy(finding, finding.remedy)


def _failure_advice(finding: Finding) -> Advice:
    tool, message = tool_of(finding), message_of(finding)
    if finding.causes:
        return _cause_advice(finding, finding.causes[0])
    if finding.support.p_adjusted <= _ALPHA or finding.support.p_pooled <= _ALPHA:
        claim = f"Sessions in which {tool} answers {message} end in failure more often"
        do = (
            f"Before the call, make sure that what the answer speaks of does not hold. If {tool} answers so, change "
            "what the answer names or plan without that call, and say so where the task cannot be done."
        )
        dont = "repeat the call unchanged, or go on as if it had worked."
    else:
        claim = f"{tool} often refuses steps with {message}: keep to that rule from the first step"
        do, dont = (
            f"Check each step against the rule that this refusal states: {message}.",
            "repeat a refused step unchanged.",
        )
    return Advice(
        slug=avoid_slug(finding),
        claim=claim,
        when=f"you work with {tool}.",
        do=do,
        dont=dont,
        example=f"the answer to look out for is {message}.",
    )


def _cause_advice(finding: Finding, cause: Cause) -> Advice:
    tool = tool_of(finding)
    kind, _, rest = cause.feature.partition(":")
    one, _, two = rest.partition(":")
    one = finding.named(one) if kind.startswith("after") else one
    when, refused = f"you are about to call {tool}.", refused_with(finding)
    after = f"{code(one)} has already worked{f' for the same {code(two)}' if two else ''}"
    same = f" for the same {code(two)}" if two else ""
    if kind in {"after", "after-same"}:
        claim = f"Call {tool} before {code(one)}{f' when both are for the same {code(two)}' if two else ''}"
        do, dont = f"{claim}.", f"call {tool} once {after}: {refused}"
        when = f"you need both {tool} and {code(one)}{same}."
        example = f"first {tool}, then {code(one)}."
    else:
        claim, do, dont = _input_advice(kind, one, two, tool)
        dont, example = f"{dont}: {refused}", _input_example(kind, one, two, finding.tool)
    return Advice(slug(f"{kind}-{rest}") or "cause", claim, when, do, dont, example)


def _input_advice(kind: str, one: str, two: str, tool: str) -> tuple[str, str, str]:
    first = code(one)
    if kind == "empty":
        do = f"Give {first} at least one value; if there is none to give, {tool} is not the call for it"
        return f"{tool} refuses an empty {first}", f"{do}.", f"call it with an empty {first}"
    if kind == "lengths":
        pair = f"{first} and {code(two)}"
        return (
            f"{tool} wants {pair} of equal length",
            f"Give {pair} the same number of entries.",
            f"pass {pair} of unequal length",
        )
    if kind == "lacks":
        return f"{tool} needs {first}", f"Give it {first} in the first call.", f"leave out {first}"
    return f"{tool} refuses {first}", f"Call it without {first}.", f"pass {first}"


def _input_example(kind: str, one: str, two: str, tool: str) -> str:
    shapes: dict[str, dict[str, Any]] = {
        "empty": {one: ["<one>"]},
        "lengths": {one: ["<one>", "<two>"], two: ["<one>", "<two>"]},
        "lacks": {one: f"<{one}>"},
    }
    arguments = shapes.get(kind, {})
    return code(f"{tool}({json.dumps(arguments, ensure_ascii=False)})", 200) + "."
