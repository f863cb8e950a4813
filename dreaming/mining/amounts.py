"""Amounts in a text: a number, in digits or as a word, with its unit."""

from __future__ import annotations

import re
from typing import NamedTuple

from dreaming.mining.figures import COUNTED
from dreaming.mining.likeness import stem, stems_of

_NUMBER = rf"\d+(?:[.,:]\d+)?|{'|'.join(COUNTED)}"
_AMOUNT = re.compile(
    rf"(?<![\w.,:/#-])(?P<number>{_NUMBER})(?P<gap> ?)(?P<unit>%|[^\W\d_]+|°\w?)(?![\w-])", re.IGNORECASE
)
_SHORT = 3


class Amount(NamedTuple):
    """A number, in digits; its unit; and how both are written."""

    number: str
    unit: str
    written: str


def amounts_of(text: str) -> list[Amount]:
    """Return the amounts of a text; a number before a word that is no content word, as in "one of", is none."""
    return [
        Amount(COUNTED.get(found["number"].lower(), found["number"]), found["unit"].lower(), found[0])
        for found in _AMOUNT.finditer(text)
        if not found["unit"].isalpha() or len(found["unit"]) == 1 or stems_of(found["unit"])
    ]


def without_amounts(text: str) -> str:
    """Return a text without its amounts."""
    for amount in amounts_of(text):
        text = text.replace(amount.written, " ", 1)
    return text


def is_unit(unit: str, other: str) -> bool:
    """Whether two units are one: `month` and `months`, or one is short for the other, as `min` for `minutes`."""
    short, long = sorted((unit, other), key=len)
    return stem(unit) == stem(other) or (len(short) <= _SHORT < len(long) and long.startswith(short))
