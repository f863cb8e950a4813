"""What changed between two calls, as a signature that holds no id, name or amount."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dreaming.mining.calls import Call
from dreaming.mining.edits import affixes
from dreaming.mining.templates import tool_family

SAME = "same call again"
OTHER_VALUES = "other values"
SHORTER = "shorter list"
QUOTED = "text in quotes"
CAPITALS, SMALL = "capital letters", "small letters"
_SHORT_VALUE = 40
_CLIP = 100
WHOLE_INPUT = 1_000
_FEW_LETTERS = 12
_FEW_COMMAS = 2
_CODE_LENGTH = 5
_LONGEST_SHAPE = 20
# An amount keeps its unit: `12 kg` and `12 g` are unlike forms.
_MEASURED = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?P<gap> ?)(?P<unit>[A-Za-zµ°%]{1,3})")
_MAX_RAN = 25
_SEVERAL_CALLS = 4
_NEARLY_ALL = 0.8
_KINDS = ("empty", "has", "lengths", "after-same", "after")


@dataclass(frozen=True, slots=True)
class Change:
    """A change signature and the names of the arguments that it is about. Empty text: nothing to learn."""

    text: str
    arguments: tuple[str, ...] = ()


def context_of(calls: Sequence[Call]) -> frozenset[str]:
    """Return the arguments that nearly every call of a session has, whatever its tool, with one value: a trace id, a
    version. They say nothing of what a call is about.
    """
    holders: dict[str, list[Call]] = {}
    for call in calls:
        for name in call.arguments:
            holders.setdefault(name, []).append(call)
    least = max(_SEVERAL_CALLS, _NEARLY_ALL * len(calls))
    return frozenset(
        name
        for name, having in holders.items()
        if len(having) >= least
        and len({call.tool for call in having}) > 1
        and all(call.arguments[name] == having[0].arguments[name] for call in having)
    )


def change_between(before: Call, after: Call, context: Collection[str] = ()) -> Change:
    """Describe how `after` differs from `before`, both calls of one tool; arguments in `context` are the session's.

    Added and removed arguments outrank new forms of a value, which outrank new values; `Change("")` where
    every value is another one, because then the call is about something else.
    """
    old, new = (
        {name: value for name, value in call.arguments.items() if name not in context} for call in (before, after)
    )
    if old == new:
        return Change(SAME)
    if _unquoted(before.input) == _unquoted(after.input):
        name = "command" if before.shell else "input"
        return Change(f"form: {name} from text to {QUOTED}", (name,))
    return _arguments_change(old, new, told_apart=len(old) < len(before.arguments))


def is_unrelated(before: Call, after: Call, context: Collection[str] = ()) -> bool:
    """Whether two calls of one tool have no argument and no value in common, but for those of the whole session."""
    old, new = (
        {name: value for name, value in call.arguments.items() if name not in context} for call in (before, after)
    )
    values = [{json.dumps(value, sort_keys=True) for value in given.values()} for given in (old, new)]
    return bool(old and new) and old.keys().isdisjoint(new) and values[0].isdisjoint(values[1])


def _unquoted(text: str) -> str:
    return re.sub(r"[\\\"']", "", text)


def _arguments_change(old: dict[str, Any], new: dict[str, Any], *, told_apart: bool) -> Change:
    """`told_apart` says that the calls had arguments besides, which are the whole session's: one of these two may change."""
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = sorted(name for name in new.keys() & old.keys() if new[name] != old[name])
    if added or removed:
        others = [name for name in changed if not _respelled(str(old[name]), str(new[name]))]
        if 2 * len(others) > len(new.keys() & old.keys()) + told_apart:
            return Change("")
        parts = [f"add {', '.join(added)}"] if added else []
        parts += [f"leave out {', '.join(removed)}"] if removed else []
        return Change("arguments: " + "; ".join(parts), tuple(added + removed))
    reformed = [(name, *forms) for name in changed if (forms := _forms(old[name], new[name]))]
    if reformed:
        text = "; ".join(f"{name} from {was} to {now}" for name, was, now in reformed[:2])
        return Change("form: " + text, tuple(changed))
    return Change(OTHER_VALUES if len(changed) < len(new) or len(new) == 1 else "", tuple(changed))


def _forms(old: Any, new: Any) -> tuple[str, str] | None:
    """Return the forms of two values that are the same thing written otherwise, or of unlike forms; else None."""
    if isinstance(old, list) and isinstance(new, list) and 0 < len(new) < len(old):
        return ("list", SHORTER) if all(item in old for item in new) else None
    if isinstance(old, str) and isinstance(new, str):
        if old.count(",") >= _FEW_COMMAS and len(new) < len(old) and set(new.split(",")) < set(old.split(",")):
            return "list", SHORTER
        for one, other, quoted in ((old, new, True), (new, old, False)):
            if other != one and other.strip("\"'") == one and other[:1] in {'"', "'"}:
                return ("text", QUOTED) if quoted else (QUOTED, "text")
        if old != new and old.casefold() == new.casefold() and (old.isupper() or new.isupper()):
            return (SMALL, CAPITALS) if new.isupper() else (CAPITALS, SMALL)
    was, now = form(old), form(new)
    texts = isinstance(old, str) and isinstance(new, str)
    if texts and (around := affixes(old, new)):
        return around
    if was != now and was and now:
        return was, now
    return _respelled(old, new) if texts else None


def _respelled(old: str, new: str) -> tuple[str, str] | None:
    """Return both spellings of one value, digits masked, where the digits are the same and only letters around them are
    others.
    """
    digits = re.findall(r"\d+", old)
    letters = max(len(re.sub(r"\d+", "", text)) for text in (old, new))
    if not digits or digits != re.findall(r"\d+", new) or letters > _FEW_LETTERS or len(old) == len(new):
        return None
    was, now = (re.sub(r"\d+", lambda found: "9" * min(len(found[0]), 4), text) for text in (old, new))
    return f"`{was}`", f"`{now}`"


def form(value: Any) -> str:
    """Return the form of a short value: its type, or for a string its shape (`9` a digit, `a` letters); '' if
    long.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "whole number" if isinstance(value, int) else "decimal number"
    if isinstance(value, list):
        return "empty list" if not value else "list"
    if isinstance(value, dict):
        return "empty object" if not value else "object"
    text = str(value)
    if not text.strip():
        return "empty text"
    if measured := _MEASURED.fullmatch(text):
        return f"`9{measured['gap']}{measured['unit']}`"
    if len(text) > _SHORT_VALUE or " " in text.strip():
        return "text"
    if text.isalpha() and text.isupper() and len(text) <= _CODE_LENGTH:
        return f"`{'A' * len(text)}`"
    shape = re.sub(r"[^\W\d_]+", lambda found: "A" if found[0].isupper() else "a", text)
    shape = re.sub(r"\d+", lambda found: "9" * min(len(found[0]), 4), shape)
    return f"`{shape}`" if re.search(r"[^aA]", shape) and len(shape) <= _LONGEST_SHAPE else "text"


def features_of(call: Call, ran: frozenset[str] | set[str], known: Mapping[str, Iterable[str]]) -> set[str]:
    """Properties of a call that may explain why it failed.

    `ran` are the tools that worked before it, `known` maps an argument value to the tools that worked with
    it.
    """
    found = {f"after:{tool}" for tool in ran} if len(ran) <= _MAX_RAN else set[str]()
    for name, value in call.arguments.items():
        found.add(f"has:{name}")
        if value in ("", [], {}, None):
            found.add(f"empty:{name}")
        for item in specific_values(value):
            found.update(f"after-same:{tool}:{name}" for tool in known.get(item, ()))
    lists = [(name, value) for name, value in call.arguments.items() if isinstance(value, list)]
    if len(lists) == 2 and len(lists[0][1]) != len(lists[1][1]):
        found.add(f"lengths:{min(lists[0][0], lists[1][0])}:{max(lists[0][0], lists[1][0])}")
    return found


def leading(features: Iterable[str], cap: int) -> tuple[str, ...]:
    """Keep at most `cap` features in a fixed order, what the call itself shows before what came earlier."""
    return tuple(sorted(features, key=lambda name: (_KINDS.index(name.partition(":")[0]), name))[:cap])


def specific_values(value: Any) -> Iterable[str]:
    """Yield short strings that look like they name one thing: an id, a code, an address."""
    items = value if isinstance(value, list) else (value,)
    for item in items[:20]:
        if isinstance(item, str) and 4 <= len(item) <= 64 and re.search(r"\d", item):
            yield item
        elif isinstance(item, int) and not isinstance(item, bool) and item > 999:
            yield str(item)


def short_input(call: Call) -> str:
    """Return the call's arguments as JSON with every value clipped: enough to build an example from."""
    clipped = {name[:60]: _clip_value(value) for name, value in list(call.arguments.items())[:12]}
    return json.dumps(clipped, ensure_ascii=False)[:WHOLE_INPUT] if clipped else ""


def _clip_value(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_CLIP]
    if isinstance(value, list):
        return [_clip_value(item) for item in value[:1]]
    if isinstance(value, dict):
        return {str(name)[:40]: _clip_value(item) for name, item in list(value.items())[:3]}
    return value


def signature(call: Call) -> str:
    """Name a step by its tool: with the program for a shell command, and with switches that are on."""
    if call.shell:
        return f"{tool_family(call.shell)}: {call.ran}" if call.ran else tool_family(call.shell)
    switched = sorted(name[:40] for name, value in call.arguments.items() if value is True)
    return tool_family(call.tool) + (f"({', '.join(switched[:3])})" if switched else "")
