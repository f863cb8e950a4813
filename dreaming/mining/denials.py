"""Answers that no tool marks as errors and that deny something in the words of its errors: the same error, said otherwise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from dreaming.mining.groups import Group
from dreaming.mining.likeness import stems_of
from dreaming.mining.templates import tool_family
from dreaming.mining.values import Digest, ErrorSeen

DENIES = re.compile(r"\b(?:no|not|none|never|null|false|nothing|nobody|without|un[a-z]{4,})\b")
_NOUGHT = re.compile(r"(?<![\w.,:-])0(?![\w.,:-]*\d)")
_OWN = 0.9
_LETTERS = 3


def denials_of_errors(digests: Sequence[Digest], answers: Sequence[Group], least: int) -> set[tuple[str, str]]:
    """Name, by tool family and template, the answers that deny something, or count nought, in a word that the tool's errors
    hold in enough sessions, that no answer of it holds which denies nothing, and that hardly any other tool says.
    """
    errors: Counter[tuple[str, str]] = Counter()
    sessions: Counter[tuple[str, str]] = Counter()
    told: Counter[str] = Counter()
    for digest in digests:
        errors.update({word for seen in digest.errors if seen.marked for word in _words(seen)})
        spoken = {word for seen in (*digest.errors, *digest.said) for word in _words(seen)}
        sessions.update(spoken)
        told.update({word for _, word in spoken})
    usual = _usual(answers)
    own = {
        word
        for word, count in errors.items()
        if count >= least and word not in usual and sessions[word] >= _OWN * told[word[1]]
    }
    return {
        (tool_family(answer.tool), answer.template)
        for group in answers
        if _mostly_denies(group) and 2 * sum(bool(own & _words(one)) for one in _told(group)) > len(_told(group))
        for answer in _told(group)
    }


def _usual(answers: Sequence[Group]) -> set[tuple[str, str]]:
    """Return the words, by tool, of answers that deny nothing."""
    plain = (group for group in answers if not _mostly_denies(group))
    return {word for group in plain for answer in _told(group) for word in _words(answer)}


def _mostly_denies(group: Group) -> bool:
    told = _told(group)
    return 2 * sum(_denies(answer) for answer in told) > len(told)


def _told(group: Group) -> list[ErrorSeen]:
    return [answer for met in group.meetings.values() for answer in met.errors]


def _denies(answer: ErrorSeen) -> bool:
    return bool(DENIES.search(answer.template) or _NOUGHT.search(answer.quote.text))


@lru_cache(maxsize=16384)
def _words_in(tool: str, template: str) -> frozenset[tuple[str, str]]:
    text, name = re.sub(r"<[a-z*]+>", " ", template), re.sub(r"[\W_]+", " ", tool)
    words = {word for word, _ in stems_of(text)} - {word for word, _ in stems_of(name)}
    return frozenset((tool_family(tool), word) for word in words if len(word) >= _LETTERS)


def _words(seen: ErrorSeen) -> frozenset[tuple[str, str]]:
    """Return the content words of an answer, by its tool, but for those of the tool's name."""
    return _words_in(seen.tool, seen.template)
