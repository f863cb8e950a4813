"""What agents take out of a value or put into it when they write it anew, whatever else the values say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SYNTAX = re.compile(r"[^\w\s]")
_NEARLY_ALL = 0.8
_IN_COMMON = 0.3
_FEW = 5
_LONGEST = 24
_LEAST_KEPT = 4
_MOST_PIECES = 4


@dataclass(frozen=True, slots=True)
class Edit:
    """The pieces that nearly all rewritten values of one argument lost or gained, as they stand in an example."""

    argument: str
    lost: tuple[str, ...]
    gained: tuple[str, ...]


def edit_of(argument: str, pairs: Sequence[tuple[str, str]]) -> Edit | None:
    """Return what nearly all pairs of an old and a new value lost and gained, None where that is nothing, or where most
    pairs are of two values that have little in common: then it is about something else.
    """
    if len(pairs) < _FEW:
        return None
    old, new = ([set(_TOKEN.findall(text)) for text in side] for side in zip(*pairs, strict=True))
    rewritten = sum(_is_rewriting(was, now) for was, now in zip(old, new, strict=True))
    if rewritten < _NEARLY_ALL * len(pairs):
        return None
    lost = _in_nearly_all(was - now for was, now in zip(old, new, strict=True))
    gained = _in_nearly_all(now - was for was, now in zip(old, new, strict=True))
    if not lost and not gained:
        return None
    before, after = min(pairs, key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
    return Edit(argument, _pieces(before, lost), _pieces(after, gained))


def _is_rewriting(old: set[str], new: set[str]) -> bool:
    """Whether two values share a good part of their words."""
    words = [{token for token in side if token.isalnum()} for side in (old, new)]
    return len(words[0] & words[1]) >= max(1, _IN_COMMON * min(map(len, words)))


def _in_nearly_all(sets: Iterable[set[str]]) -> set[str]:
    listed = list(sets)
    counts = Counter(token for one in listed for token in one)
    return {token for token, count in counts.items() if count >= _NEARLY_ALL * len(listed)}


def _pieces(text: str, tokens: set[str]) -> tuple[str, ...]:
    """Return the stretches of a text that are made of these tokens, with the marks that stand between them."""
    found: list[str] = []
    start = end = -1
    for token in _TOKEN.finditer(text):
        if token[0] in tokens:
            start, end = (token.start() if start < 0 else start), token.end()
        elif start >= 0 and token[0].isalnum():
            found.append(text[start:end])
            start = -1
    if start >= 0:
        found.append(text[start:end])
    return tuple(dict.fromkeys(piece.strip() for piece in found if len(piece) <= _LONGEST))[:_MOST_PIECES]


def affixes(old: str, new: str) -> tuple[str, str] | None:
    """Return what stands around the part that two spellings of one value share, as `https://…` and `…`: only marks of
    syntax with the letters next to them, or None.
    """
    head = _shared(old, new)
    tail = min(_shared(old[::-1], new[::-1]), min(len(old), len(new)) - head)
    kept = max(head, tail)
    if kept < max(_LEAST_KEPT, min(len(old), len(new)) // 2):
        return None
    was, now = (text[: len(text) - tail] if tail >= head else text[head:] for text in (old, new))
    if re.search(r"[\s\d]", was + now) or max(len(was), len(now)) > _LONGEST:
        return None
    if not all(_SYNTAX.search(piece) for piece in (was, now) if piece):
        return None
    return (f"`{was}…`", f"`{now}…`") if tail >= head else (f"`…{was}`", f"`…{now}`")


def _shared(one: str, two: str) -> int:
    """Count the characters with which both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))
