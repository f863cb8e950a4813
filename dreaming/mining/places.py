"""The words of a sentence in their places: names, numbers and codes (`79`, `12:30`, `L7`, `PA-3`) with what stands beside them."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from dreaming.mining.figures import COUNTED
from dreaming.mining.likeness import stem, stems_of

_TOKEN = re.compile(r"[^\W_]+(?:(?:[.,:/-]\d|_)[^\W_]+|[.,:/-]\d)*")
_APART = re.compile(r"[,;.!?](?=\s|$)|\s[-–—]\s")
_NEUTRAL = frozenset({"a", "an", "and", "or", "the"})


@dataclass(frozen=True, slots=True)
class Word:
    """A content word or number: what is compared, where it stands, and what stands beside it."""

    key: str
    start: int
    end: int
    before: frozenset[str]
    after: frozenset[str]

    @property
    def is_number(self) -> bool:
        """Whether it is a number or a code, which holds a digit."""
        return has_digit(self.key)

    def stands_as(self, other: Word) -> bool:
        """Whether it stands beside the same word as another one, of the same kind."""
        return self.is_number == other.is_number and bool(self.before & other.before or self.after & other.after)


def words_in(text: str) -> list[Word]:
    """Return the content words, numbers and codes of a text, each with its neighbours: the next word, and the next content word."""
    tokens = [(found, _key(found[0].lower())) for found in _TOKEN.finditer(text)]
    marks = [found.start() for found in _APART.finditer(text)]
    parts = [bisect(marks, found.start()) for found, _ in tokens]
    before = _beside(tokens, parts)
    after = _beside(tokens[::-1], parts[::-1])[::-1]
    return [
        Word(key, found.start(), found.end(), before[place], after[place])
        for place, (found, key) in enumerate(tokens)
        if key
    ]


def is_of_another(words: Iterable[Word], said: Iterable[Word], known: Set[str]) -> bool:
    """Whether a saying is of another thing of the kind: it has a word that is not known before the same word as one that it
    lacks, as "fishing permit" has where the passage says "mooring permit".
    """
    keys = {word.key for word in said}
    own = {two.key for one, two in pairwise(words) if one.key not in keys and two.key in keys and _adjoin(one, two)}
    strange = {two.key for one, two in pairwise(said) if one.key not in known and _adjoin(one, two)}
    return not own.isdisjoint(strange)


def _adjoin(one: Word, two: Word) -> bool:
    return not one.is_number and not two.is_number and one.end + 1 == two.start


def keys_in(text: str) -> frozenset[str]:
    """Return what is compared of the content words, numbers and codes of a text; of `find_boat` the words too."""
    tokens = (part for token in _TOKEN.findall(text.lower()) for part in {token, *token.split("_")})
    return frozenset(key for token in tokens if (key := _key(token)))


@lru_cache(maxsize=20_000)
def has_digit(key: str) -> bool:
    """Whether a word is a number or a code."""
    return any(letter.isdigit() for letter in key)


def _beside(tokens: Iterable[tuple[re.Match[str], str]], parts: Iterable[int]) -> list[frozenset[str]]:
    """Return for each token the one that comes before it and the content word before it, in its part of the sentence."""
    found = []
    last = content = ""
    at = 0
    for (token, key), part in zip(tokens, parts, strict=True):
        if part != at:
            last, content, at = "", "", part
        found.append(frozenset({last, content} - {""}))
        last = "" if token[0].lower() in _NEUTRAL else key or token[0].lower()
        content = key or content
    return found


@lru_cache(maxsize=20_000)
def _key(token: str) -> str:
    """Return what is compared of a token, '' if it is no content word."""
    if has_digit(token):
        return token
    if "_" in token:
        return token
    if token in COUNTED:
        return COUNTED[token]
    return stem(token) if stems_of(token) else ""
