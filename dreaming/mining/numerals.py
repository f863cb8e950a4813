"""Numbers that are part of a wish, as words that texts can share: "2 bells" and "two bells" ask for the same."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from dreaming.mining.figures import COUNTED
from dreaming.mining.templates import masked

_NUMBER = re.compile(r"(?<![\w.,:/-])\d{1,4}(?![\d.,:/]|-\d)")
_WORDS = {digits: word for word, digits in reversed(COUNTED.items())}
_DIGITS = "bcdfghjklm"
_SOME = 3


def named_numbers(said: Iterable[tuple[str, str]]) -> set[str]:
    """Return the numbers that several people name in different words: part of a wish, not data of a task.

    `said` holds who says what.
    """
    people: dict[str, set[str]] = defaultdict(set)
    wordings: dict[str, set[str]] = defaultdict(set)
    for who, text in said:
        wording = " ".join(masked(text).lower().split())
        counted = {COUNTED[word] for word in re.findall(r"[a-z]+", wording) if word in COUNTED}
        for number in {*_NUMBER.findall(text), *counted}:
            people[number].add(who)
            wordings[number].add(wording)
    return {number for number in people if min(len(people[number]), len(wordings[number])) >= _SOME}


def with_named_numbers(text: str, named: Collection[str]) -> str:
    """Return a text with the numbers among `named` as words that texts can share."""
    return _NUMBER.sub(lambda found: _spelled(found[0]) if found[0] in named else found[0], text)


def _spelled(number: str) -> str:
    return f" {_WORDS.get(number) or 'q' + ''.join(_DIGITS[int(digit)] for digit in number)} "
