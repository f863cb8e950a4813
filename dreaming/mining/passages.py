"""The passages of a memory, and the tools that they name."""

from __future__ import annotations

import re

from dreaming.mining.templates import tool_family

_WORDY = 8
SURE = "**How sure:**"
CLAUSE = re.compile(r"[,;:.!?](?:\s|$)|[()]|\s[-–—]\s")


def passages(text: str) -> list[str]:
    """Return the passages of a memory that can change alone: its lines that say something."""
    return [line.strip() for line in advice_in(text).splitlines() if len(line.split()) > 2]


def advice_in(text: str) -> str:
    """Return a memory without the line that says how sure a dream was of it: counts of sessions are no amounts of the matter."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(SURE))


def is_about(tool: str, path: str, line: str) -> bool:
    return max(place_of(tool, line), place_of(tool, path)) >= 0


def spoken(name: str) -> str:
    """Return a text with the names in it as words: `getUser` and `get_user` are `get User` and `get user`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("_", " "))


def place_of(name: str, line: str) -> int:
    """Return where a tool is named in a passage, as it is written or in words; -1 if it is not.

    A tool whose own name is one short word, behind the name of its server, is named only with that.
    """
    whole = name.partition("(")[0]
    if ": " in whole:
        names = [whole.partition(": ")[2], whole.split()[-1]]
        return max(place_of(part, line) for part in names if len(part) >= _WORDY or part == names[0])
    family = tool_family(whole)
    own = whole if len(family) < _WORDY and "_" not in family and whole.lower() != family else family
    parts = [re.escape(part) for part in re.split(r"[^a-z0-9]+", own.lower()) if part]
    found = re.search(rf"(?<![a-z0-9]){'[^a-z0-9]*'.join(parts)}(?![a-z0-9])", line.lower()) if parts else None
    return found.start() if found else -1


def path_in_words(path: str) -> str:
    """Return a path without its ending, with the names in it as words."""
    return spoken(re.sub(r"[/._-]+", " ", re.sub(r"\.\w+$", "", path)))
