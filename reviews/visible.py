"""Makes the characters visible that a reviewer could not see. Nothing is stripped."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from memory.scanning import has_hidden_characters, is_hidden

_SUSPECTS = re.compile(r"[^\n\t\x20-\x7e]")
_JOINERS = "\u200c\u200d"
_SIGNS = {"\x1b": "ESC", "\r": "CR"}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of plain text, or one hidden character with its label (`U+202E`) and name."""

    text: str
    label: str = ""
    name: str = ""


def segments(text: str) -> Iterator[Segment]:
    """Plain stretches and hidden characters in order; together their `text` is the text, letter by letter."""
    start = 0
    for match in _SUSPECTS.finditer(text):
        at, char = match.start(), match.group()
        if not _looks_hidden(char) or (char in _JOINERS and not has_hidden_characters(text[max(0, at - 1) : at + 2])):
            continue
        if start < at:
            yield Segment(text[start:at])
        yield Segment(char, _label(char), _name(char))
        start = at + 1
    if start < len(text):
        yield Segment(text[start:])


def hidden_count(text: str) -> int:
    return sum(1 for segment in segments(text) if segment.label)


@lru_cache(maxsize=4096)
def _looks_hidden(char: str) -> bool:
    """What `scan()` flags, and the spaces and line ends that look like others."""
    return (
        is_hidden(char)
        or char == "\r"
        or unicodedata.category(char) in ("Zs", "Zl", "Zp", "Cs")
        or 0xFE00 <= ord(char) <= 0xFE0E
        or 0xE0100 <= ord(char) <= 0xE01EF
    )


def _label(char: str) -> str:
    return _SIGNS.get(char) or f"U+{ord(char):04X}"


def _name(char: str) -> str:
    return unicodedata.name(char, f"control or unassigned character U+{ord(char):04X}")
