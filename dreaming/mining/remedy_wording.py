"""What a proven remedy tells an agent to do, in fixed sentences around cleaned names."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any

from dreaming.mining.changes import OTHER_VALUES, SHORTER, form
from dreaming.mining.edits import Edit
from dreaming.mining.mentions import avoid_slug, message_of, names_told, refused_with, tool_of
from dreaming.mining.phrases import NAME_LIMIT, Advice, clean, code, slug
from dreaming.mining.values import Finding, Remedy

_SEVERAL = 3
_CODE = 6


def _arguments_advice(finding: Finding, remedy: Remedy, rest: str) -> Advice:
    tool, names = tool_of(finding), [name for name, _ in remedy.arguments]
    added = [name for name in names if re.search(rf"add [^;]*(?<!\w){re.escape(name)}(?!\w)", rest)]
    dropped = [name for name in names if name not in added]
    parts = [f"give it {names_told(added)}"] if added else []
    parts += [f"leave out {names_told(dropped)}"] if dropped else []
    do = " and ".join(parts)
    wrong = f"without {names_told(added)}" if added else f"with {names_told(dropped)}"
    called = " and ".join(f"{how} {names_told(some)}" for how, some in (("with", added), ("without", dropped)) if some)
    if remedy.sometimes:
        claim = f"When {tool} answers {message_of(finding)}, call it {called}"
        when, do = f"{tool} answers {message_of(finding)}.", f"{do}{_constants(remedy)}, and call it again"
        dont = f"repeat the call {wrong}."
    else:
        claim, when = f"Call {tool} {called}: it is refused otherwise", f"you are about to call {tool}."
        do, dont = f"{do} in the first call{_constants(remedy)}", f"call it {wrong}: {refused_with(finding)}"
    return Advice(
        slug="-".join(filter(None, ("pass" if added else "leave-out", slug("-".join(added or dropped))))),
        claim=claim,
        when=when,
        do=f"{do[0].upper()}{do[1:]}.",
        dont=dont,
        example=_call_example(remedy, remedy.to_tool),
    )


def _form_advice(finding: Finding, remedy: Remedy, rest: str) -> Advice:
    tool, names = tool_of(finding), [name for name, _ in remedy.arguments]
    parts = [part.partition(" from ") for part in rest.split("; ")]
    changes = [(name, *change.partition(" to ")[::2]) for name, _, change in parts]
    common = {name: str(json.loads(value)) for name, value in remedy.common}
    common |= {name: example for name, _, now in changes if (example := _with_its_letters(remedy, now))}
    forms = "; ".join(_in_form(name, was, now, common) for name, was, now in changes)
    return Advice(
        slug=f"form-of-{slug('-'.join(names))}",
        claim=f"Give {tool} its {forms}",
        when=f"you are about to call {tool}.",
        do=f"Give {forms}{'' if remedy.common else _shape_note(rest)}{_constants(remedy)}.",
        dont=f"use the other form: {refused_with(finding)}",
        example=_call_example(
            remedy,
            remedy.to_tool,
            {name: common.get(name, _sample(now)) for name, _, now in changes if "`" in now and "…" not in now},
        ),
    )


def _with_its_letters(remedy: Remedy, shape: str) -> str:
    """A made-up value of a shape that begins with the letters with which all values begin that worked, for several
    principals; '' if they begin with others.
    """
    heads = {re.split(r"[\W\d_]", value, maxsplit=1)[0] for value in remedy.taken if form(value) == shape}
    head = heads.pop() if len(heads) == 1 and remedy.principals >= _SEVERAL else ""
    return head + _sample(shape)[1:] if 1 < len(head) <= _CODE and shape.startswith("`A") else ""


def _in_form(name: str, was: str, now: str, common: Mapping[str, str]) -> str:
    if now == SHORTER:
        return f"{code(name)} in smaller batches, split over several calls, not as one long list"
    if "…" in now:
        return _written_around(name, was.strip("`"), now.strip("`"))
    shown = code(common[name]) if "`" in now and name in common else _form(now)
    return f"{code(name)} in the format {shown}, not {_form(was)}"


def _written_around(name: str, was: str, now: str) -> str:
    """Say what stands before or after a value, `…`, and what does not."""
    if now == "…":
        return f"{code(name)} bare, not as {code(was)}"
    return f"{code(name)} as {code(now)}, not {'bare' if was == '…' else code(was)}"


def _form(text: str) -> str:
    return code(_sample(text)) if "`" in text else clean(text, NAME_LIMIT)


def _shape_note(rest: str) -> str:
    return " (the shape is meant, not these digits and letters)" if "`" in rest else ""


def _sample(shape: str) -> str:
    """A made-up value of a shape such as `99.99.9999`: 12.34.5678."""
    digits, letters = itertools.cycle("1234567890"), itertools.cycle("abc")
    shown = re.sub("9", lambda _: next(digits), shape.strip("`"))
    return re.sub("[aA]", lambda found: next(letters) if found[0] == "a" else next(letters).upper(), shown)


def _values_advice(finding: Finding, remedy: Remedy, _rest: str) -> Advice:
    tool = tool_of(finding)
    if remedy.edits and not remedy.sources:
        return _edit_advice(finding, remedy)
    names = names_told([name for name, _ in sorted(remedy.arguments, key=lambda item: (-item[1], item[0]))])
    source = _source(remedy)
    return Advice(
        slug=f"check-values-{avoid_slug(finding)}",
        claim=f"When {tool} answers {message_of(finding)}, {source} {names} and call it again",
        when=f"{tool} answers {message_of(finding)}.",
        do=f"{source[0].upper()}{source[1:]} {names}, then call {tool} again with what you get{_constants(remedy)}.",
        dont="repeat the same call, and do not give up after the first refusal.",
        example=_call_example(remedy, remedy.to_tool),
    )


def _edit_advice(finding: Finding, remedy: Remedy) -> Advice:
    tool = tool_of(finding)
    edits = "; ".join(_edited(edit) for edit in remedy.edits[:2])
    return Advice(
        slug=f"form-of-{slug('-'.join(edit.argument for edit in remedy.edits[:2]))}",
        claim=f"When {tool} answers {message_of(finding)}, write {edits}",
        when=f"you are about to call {tool}.",
        do=f"Write {edits}.",
        dont=f"write it the other way: {refused_with(finding)}",
        example=_call_example(remedy, remedy.to_tool),
    )


def _edited(edit: Edit) -> str:
    parts = [f"without {names_told([*edit.lost])}"] if edit.lost else []
    parts += [f"with {names_told([*edit.gained])}"] if edit.gained else []
    return f"{code(edit.argument)} {' and '.join(parts)}"


def _source(remedy: Remedy) -> str:
    if remedy.constants and not remedy.sources:
        return "change"
    counts = dict(remedy.sources)
    tools = [(name.removeprefix("tool:"), count) for name, count in remedy.sources if name != "user"]
    if counts.get("user", 0) * 2 >= remedy.adopted or not tools:
        return "ask the user to check"
    return f"look in the result of {code(tools[0][0])} for the right"


def _other_tool_advice(finding: Finding, remedy: Remedy, _rest: str) -> Advice:
    tool, other = tool_of(finding), code(remedy.to_tool)
    never = not finding.recovered and finding.support.eligible == finding.support.sessions
    when = f"{tool} answers {message_of(finding)}."
    dont = f"repeat the call to {tool} unchanged."
    if never:
        when = f"you would call {tool}."
        dont = f"count on {tool}: it answered {message_of(finding)} in every session that called it."
    return Advice(
        slug=f"use-{slug(remedy.to_tool)}",
        claim=f"Use {other} instead of {tool} when that answers {message_of(finding)}",
        when=when,
        do=f"Use {other} instead{_same_arguments(remedy)}{_asked(remedy)}.",
        dont=dont,
        example=_call_example(remedy, remedy.to_tool),
    )


def _first_advice(finding: Finding, remedy: Remedy, rest: str) -> Advice:
    name = finding.named(rest)
    tool, first = tool_of(finding), code(name)
    claim, when, do = f"Call {first} before {tool}", f"you are about to call {tool}.", f"Call {first} first."
    if remedy.sometimes:
        when = f"{tool} answers {message_of(finding)}."
        claim = f"When {tool} answers {message_of(finding)}, call {first} and then {tool} again"
        do = f"Call {first}, then {tool} again. Where nothing is refused, {tool} works without it."
    return Advice(
        slug=f"first-{slug(rest)}",
        claim=claim,
        when=when,
        do=do,
        dont=f"repeat {tool} on its own: {refused_with(finding)}",
        example=f"{first}, then {_call_example(remedy, remedy.to_tool)}",
    )


def _run_advice(finding: Finding, remedy: Remedy, rest: str) -> Advice:
    now, _, was = rest.partition(" instead of ")
    scope = remedy.scope if "/" in remedy.scope else ""
    where = f" (in {code(scope)})" if scope else ""
    return Advice(
        slug=f"run-{slug(now)}",
        claim=f"Run {code(now)} instead of {code(was)}{where}",
        when=f"you would run {code(was)} with {tool_of(finding)}{where}.",
        do=f"Run {code(now)} instead.",
        dont=f"run {code(was)}: it fails with {message_of(finding)}.",
        example=code(f"{now} <what you would have given to {was}>", 2 * NAME_LIMIT),
    )


def _constants(remedy: Remedy) -> str:
    if not remedy.constants:
        return ""
    return ": " + ", ".join(f"{code(name)} is {code(value)}" for name, value in remedy.constants[:3])


def _same_arguments(remedy: Remedy) -> str:
    before, after = _arguments_of(remedy.before), _arguments_of(remedy.after)
    return ", with the same arguments" if before and before.keys() == after.keys() else ""


def _arguments_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _asked(remedy: Remedy) -> str:
    if remedy.asked * 2 <= remedy.adopted:
        return ""
    before, after = _arguments_of(remedy.before), _arguments_of(remedy.after)
    missing = sorted(after.keys() - before.keys())
    return f"; ask the user for {names_told(missing)}" if missing else "; tell the user of the change first"


def _call_example(remedy: Remedy, tool: str, samples: Mapping[str, str] | None = None) -> str:
    """The changed call with every value generalised to its argument's name, but for values that all sessions
    share and for `samples`.
    """
    arguments = _arguments_of(remedy.after)
    known = dict(remedy.constants)
    shown = {
        clean(name, 40): json.loads(known[name])
        if name in known
        else (samples or {}).get(name) or _generalise(name, value)
        for name, value in list(arguments.items())[:6]
    }
    return code(f"{tool}({json.dumps(shown, ensure_ascii=False)})", 260) + "."


def _generalise(name: str, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, list):
        return [f"<{name}>"] if value else []
    if isinstance(value, dict):
        return {key: _generalise(key, item) for key, item in list(value.items())[:3]}
    return f"<{name}>"


_BY_CHANGE = {
    "arguments": _arguments_advice,
    "form": _form_advice,
    OTHER_VALUES: _values_advice,
    "other tool": _other_tool_advice,
    "first": _first_advice,
    "run": _run_advice,
}


def advise_remedy(finding: Finding, remedy: Remedy) -> Advice:
    """Word the change that mends the finding's error."""
    kind, _, rest = remedy.change.partition(": ")
    return _BY_CHANGE[kind](finding, remedy, rest)
