"""What changed between two calls, as a signature that holds no id, name or amount."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dreaming.mining.calls import Call
from dreaming.mining.templates import tool_family

SAME = "same call again"
LOOK_AROUND = "look around"
OTHER_VALUES = "other values"
_COMMAND_ARGUMENTS = frozenset({"command", "cmd", "commands", "script", "shell_command", "bash_command"})
_SHORT_VALUE = 40
_CODE_LENGTH = 5
_MAX_RAN = 25
_KINDS = ("empty", "has", "lengths", "after-same", "after")
_INTERPRETERS = frozenset({"python", "node", "ruby", "perl", "bash", "sh", "uv", "npx", "sudo", "env"})
_READERS = frozenset(
    [
        "ls",
        "nl",
        "git",
        "cat",
        "grep",
        "egrep",
        "rg",
        "find",
        "fd",
        "head",
        "tail",
        "sed",
        "awk",
        "pwd",
        "which",
        "type",
        "whereis",
        "echo",
        "printf",
        "wc",
        "file",
        "stat",
        "tree",
        "less",
        "more",
        "diff",
        "sort",
        "uniq",
        "cut",
        "tr",
        "env",
        "date",
        "whoami",
        "id",
        "uname",
        "df",
        "du",
        "ps",
        "mkdir",
        "touch",
        "chmod",
        "cp",
        "mv",
        "rm",
        "ln",
        "tee",
        "test",
        "[",
    ]
)


@dataclass(frozen=True, slots=True)
class Change:
    """A change signature and the names of the arguments that it is about. Empty text: nothing to learn."""

    text: str
    arguments: tuple[str, ...] = ()


def change_between(before: Call, after: Call) -> Change:
    """Describe how `after` differs from `before`, both calls of one tool.

    Added and removed arguments outrank new forms of a value, which outrank new values; `Change("")` where
    every value is another one, because then the call is about something else.
    """
    old, new = before.arguments, after.arguments
    if old == new:
        return Change(SAME)
    if command := _command_change(old, new):
        return command
    return _arguments_change(old, new)


def _arguments_change(old: dict[str, Any], new: dict[str, Any]) -> Change:
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    if added or removed:
        parts = [f"add {', '.join(added)}"] if added else []
        parts += [f"leave out {', '.join(removed)}"] if removed else []
        return Change("arguments: " + "; ".join(parts), tuple(added + removed))
    changed = sorted(name for name in new if new[name] != old[name])
    reformed = [(name, form(old[name]), form(new[name])) for name in changed]
    reformed = [(name, was, now) for name, was, now in reformed if was != now and was and now]
    if reformed:
        text = "; ".join(f"{name} from {was} to {now}" for name, was, now in reformed[:2])
        return Change("form: " + text, tuple(name for name, _, _ in reformed))
    return Change(OTHER_VALUES if len(changed) < len(new) or len(new) == 1 else "", tuple(changed))


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
    if len(text) > _SHORT_VALUE or " " in text.strip():
        return "text"
    if text.isalpha() and text.isupper() and len(text) <= _CODE_LENGTH:
        return f"`{'A' * len(text)}`"
    shape = re.sub(r"[^\W\d_]+", lambda found: "A" if found[0].isupper() else "a", text)
    shape = re.sub(r"\d+", lambda found: "9" * min(len(found[0]), 4), shape)
    return f"`{shape}`" if re.search(r"[^aA]", shape) and len(shape) <= 16 else "text"


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
    return json.dumps(clipped, ensure_ascii=False)[:600] if clipped else ""


def _clip_value(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_SHORT_VALUE]
    if isinstance(value, list):
        return [_clip_value(item) for item in value[:1]]
    if isinstance(value, dict):
        return {str(name)[:40]: _clip_value(item) for name, item in list(value.items())[:3]}
    return value


def signature(call: Call) -> str:
    """Name a step by its tool: with the program for a shell command, and with switches that are on."""
    for name in sorted(call.arguments.keys() & _COMMAND_ARGUMENTS):
        if isinstance(call.arguments[name], str) and (ran := program(call.arguments[name])):
            return f"{tool_family(call.tool)}: {ran}"
    switched = sorted(name[:40] for name, value in call.arguments.items() if value is True)
    return tool_family(call.tool) + (f"({', '.join(switched[:3])})" if switched else "")


def program(command: str) -> str:
    """Return the program of a shell command without options or files: `python -m pytest`, `bin/test`."""
    head = re.split(r"<<|\n", command.strip(), maxsplit=1)[0]
    segments = [part.strip() for part in re.split(r"&&|\|\|?|;", head) if part.strip()]
    segments = [part for part in segments if not re.match(r"(?:cd|export|source|set|\.)\s|\w+=\S*$", part)] or segments
    words = [word for word in (segments[0].split() if segments else []) if not re.match(r"\w+=", word)]
    if not words:
        return ""
    name, rest = _bare(words[0]), words[1:]
    if name not in _INTERPRETERS or not rest:
        return name
    if rest[0] == "-m" and len(rest) > 1:
        return f"{name} -m {rest[1][:40]}"
    target = next((word for word in rest if not word.startswith("-")), "")
    return f"{name} {_bare(target) if '/' in target else '<file>' * ('.' in target)}".strip()


def _bare(word: str) -> str:
    """A program's name: relative paths are kept, absolute ones and versions of the interpreter are not."""
    path = word.rsplit("/", 1)[-1] if word.startswith(("/", "~")) else word.removeprefix("./")
    return re.sub(r"^(python|pip)[\d.]+$", r"\1", path)[:60]


def _command_change(old: dict[str, Any], new: dict[str, Any]) -> Change | None:
    for name in sorted(old.keys() & new.keys() & _COMMAND_ARGUMENTS):
        was, now = old[name], new[name]
        if isinstance(was, str) and isinstance(now, str) and was != now:
            if program(was) == program(now):
                return _arguments_change(_options(was), _options(now))
            return _programs(name, program(was), program(now))
    return None


def _options(command: str) -> dict[str, Any]:
    """The options of a command by name, each with the word after it, or True."""
    words = command.split()
    found: dict[str, Any] = {}
    for word, after in pairwise([*words, ""]):
        if re.match(r"--?[a-zA-Z]", word):
            name, equals, value = word.partition("=")
            found[name] = value if equals else True if not after or after.startswith("-") else after.strip("\"'")
    return found


def _programs(name: str, was: str, now: str) -> Change:
    if was == now or not was or not now:
        return Change("")
    if now in _READERS:
        return Change(LOOK_AROUND)
    return Change(f"run: {now} instead of {was}", (name,))
