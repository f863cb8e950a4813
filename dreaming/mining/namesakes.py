"""Two memories that name two cases: another country, house or code in the same place, or in paths of one shape."""

from __future__ import annotations

import re

from dreaming.mining.cases import named_apart, numbers_of, substituted
from dreaming.mining.passages import path_in_words
from dreaming.mining.places import Word, keys_in, words_in
from dreaming.mining.values import MemoryView

_RULES = re.compile(r" (?:are|can|cannot|has|have|is|may|must|needs?|requires?|shall|should|will)\b")
_CODE = re.compile(r"[a-z]{2}|\d+")


def cases_of(one: MemoryView, two: MemoryView) -> str:
    """Return the words that set two memories apart as two cases, as `spring / autumn`; '' if none do.

    That each path holds a word of its own text alone says so where paths are of one shape, or the texts share no number: who
    files one rule twice files it under two words.
    """
    texts = one.text, two.text
    apart = substituted(*texts) or named_otherwise(*texts) or ruled_apart(*texts) or coded_apart(one.path, two.path)
    if apart:
        return apart
    numbers = numbers_of(one.text)
    parallel = keys_in(path_in_words(one.path)) & keys_in(path_in_words(two.path))
    if numbers and numbers == numbers_of(two.text) and not parallel:
        return ""
    return named_apart((one.path, one.text), (two.path, two.text))


def named_otherwise(one: str, two: str) -> str:
    """Return two names, each of one text alone, that stand beside the same word; a capital is a name's but at a start."""
    own = [
        [word for word in words_in(text) if word.key not in keys_in(other)] for text, other in ((one, two), (two, one))
    ]
    for first in own[0]:
        for second in own[1]:
            names = [_named(first, one), _named(second, two)]
            if all(names) and max(names) > 1 and first.stands_as(second):
                return f"{one[first.start : first.end]} / {two[second.start : second.end]}"
    return ""


def ruled_apart(one: str, two: str) -> str:
    """Return two words, each of one text alone, that stand between the same word and a verb that rules: "opening crates needs"
    and "opening barrels may".
    """
    own = [
        [word for word in words_in(text) if word.key not in keys_in(other) and _RULES.match(text, word.end)]
        for text, other in ((one, two), (two, one))
    ]
    for first in own[0]:
        for second in own[1]:
            if first.before & second.before and not (first.is_number or second.is_number):
                return f"{one[first.start : first.end]} / {two[second.start : second.end]}"
    return ""


def coded_apart(one: str, two: str) -> str:
    """Return the two letters or the numbers in which two paths of one folder and shape differ; '' if they differ otherwise."""
    parts = [re.split(r"[\W_]+", path.lower().rpartition(".")[0] or path.lower()) for path in (one, two)]
    if one.rpartition("/")[0] != two.rpartition("/")[0] or len(parts[0]) != len(parts[1]):
        return ""
    apart = [pair for pair in zip(*parts, strict=True) if pair[0] != pair[1]]
    codes = len(apart) == 1 and all(_CODE.fullmatch(word) for word in apart[0])
    return " / ".join(apart[0]) if codes else ""


def _named(word: Word, text: str) -> int:
    """Return 2 for a name, 1 for a capital at the start of a sentence, 0 for any other word."""
    written = text[word.start : word.end]
    if not written[0].isupper():
        return 0
    at_start = not re.search(r"[^\W_][^.!?\n]*$", text[: word.start])
    return 1 if at_start and not (written.isupper() and len(written) > 1) else 2
