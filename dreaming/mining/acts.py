"""Whether what a group refuses is a thing, or only what is done to it: who wants the spelling kept and who wants it not
modernised agree, though one asks for the spelling and one refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_BE_THERE = r"(?:includ|add|put|giv|show|want|need|list|writ|hav|contain|mention|attach|append|insert|stat|us)\w*"
_SMALL = (
    r"(?:an?|the|any|our|my|your|this|that|these|those|it|them|be|in|on|at|for|of|to|with|by|just|only|so|ever|please)"
)
_REFUSES_ACT = re.compile(
    rf"(?:\b(?:don['’]?t|do not|never|stop|avoid|refrain from|not be|must not|should not|shall not|can(?:no| no)t"
    rf"|(?:why did|asked|told) you(?: to)?)|n['’]t(?: be)?)\s+(?:(?:ever|be|please)\s+)?(?!{_SMALL}\b|{_BE_THERE}\b)\w"
    r"|\b(?:no|without|instead of|rather than)\s+\w+ing\b"
    rf"|\bwhy (?:was|were|is|are|has|have)\b[^?]*\b(?!{_BE_THERE}\b)\w+(?:ed|en)\b"
    r"|\b(?:leave|left|keep|kept)\b.*?\b(?:alone|be|as (?:it|they) (?:is|are|was|were)|as is|untouched|unchanged|from|un\w+ed)\b",
    re.IGNORECASE,
)
_KEEPS = re.compile(
    r"\b(?:keep|kept|leave|left|stay\w*|remain\w*|retain\w*|preserv\w*|maintain\w*|restor\w*|undo)\b|\bas (?:written|is)\b",
    re.IGNORECASE,
)
_MOSTLY = 0.6
_HALF = 0.5
_SOME = 3


def settled(said: Sequence[tuple[str, dict[str, int]]]) -> list[dict[str, int]]:
    """Return the signs of each wording of a group, without wants of things of which only what is done to them is refused.

    There who asks for the thing speaks for the act only where he asks for a word that is refused with the act. What mostly is
    refused alone ("don't round") is the act itself, and no thing.
    """
    found = [dict(signs) for _, signs in said]
    acts = [bool(_REFUSES_ACT.search(text)) for text, _ in said]
    for stem in {stem for _, signs in said for stem in signs}:
        refusing = [row for row, (_, signs) in enumerate(said) if signs.get(stem, 0) < 0]
        through = [row for row in refusing if acts[row]]
        if len(through) < _SOME or len(through) < _MOSTLY * len(refusing):
            continue
        done = [{name for name, sign in said[row][1].items() if sign < 0 and name != stem} for row in through]
        if sum(map(bool, done)) < _HALF * len(through):
            continue
        words = set[str]().union(*done)
        for row, (text, signs) in enumerate(said):
            asked = {name for name, sign in signs.items() if sign > 0}
            if signs.get(stem, 0) > 0 and (_KEEPS.search(text) or asked.isdisjoint(words)):
                found[row][stem] = 0
    return found
