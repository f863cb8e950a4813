"""Numbers that name a thing: "Gate 3 lets boats through" gives no amount, though "3 lets" reads like one."""

from __future__ import annotations

import re
from enum import Enum

from dreaming.mining.likeness import stems_of


class Label(Enum):
    """How surely a number names a thing."""

    NO = 0
    LIKELY = 1
    SURE = 2


def label_of(text: str, written: str) -> Label:
    """Say whether what is written in a text is the number of the thing that the word before it calls: surely behind a capital
    within a sentence, which a currency or a unit writes all in capitals; behind one that begins a sentence it may be a verb.
    """
    found = re.search(rf"(?P<start>(?:^|[.!?:;]\s|\n\W*))?(?P<word>[A-Z][a-z]+) {re.escape(written)}", text)
    if not found or not stems_of(found["word"]):
        return Label.NO
    return Label.LIKELY if found["start"] is not None or not found.start() else Label.SURE
