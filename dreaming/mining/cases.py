"""Whether two texts that are alike speak of different cases: spring and autumn, east and west, a studio and a house.

Two wordings of one statement move its words; two cases put another word in the same place of the same frame.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from dreaming.mining.likeness import signs_of, stem, stems_of

_FRAME = 0.4
_CLOSE = 0.5
_PART = 0.125
_FEW = 2
_ONES = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()  # noqa: SIM905
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred")
COUNTED = {name: str(number) for number, name in enumerate(_ONES, 1)} | {
    name: str(10 * number) for number, name in enumerate(_TENS, 2)
}
_NUMBER = re.compile(r"(?<![\w<.-])\d+(?:[.,]\d+)*%?(?!\w)")
_FULL_HOUR = re.compile(r"\b(\d{1,2}):00\b")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")


def numbers_of(text: str) -> set[str]:
    """Return the numbers of a text, those written as words too; a `one` may be no number. A full hour is its number."""
    words = (COUNTED.get(word, "") for word in re.findall(r"[a-z]+", text.lower()))
    figures = (figure.lstrip("0") or "0" for figure in _NUMBER.findall(_FULL_HOUR.sub(r"\1", text)))
    return {*figures, *(number for number in words if number not in {"", "1"})}


def substituted(one: str, two: str) -> str:
    """Return the words that stand in the same places of one frame and differ, as `spring / autumn`; '' if they are few.

    To give another number is to disagree, not to speak of another case.
    """
    tokens = _tokens(one), _tokens(two)
    places = [[name for name, _ in side] for side in tokens]
    matcher = SequenceMatcher(None, places[0], places[1], autojunk=False)
    signs = signs_of(one), signs_of(two)
    contents = [_content(text) for text in (one, two)]
    swaps = []
    for kind, start, end, begin, stop in matcher.get_opcodes():
        if kind != "replace":
            continue
        old = [at for at in tokens[0][start:end] if at[0] in contents[0] and at[0] not in places[1]]
        new = [at for at in tokens[1][begin:stop] if at[0] in contents[1] and at[0] not in places[0]]
        # "Not older" and "younger" are one case.
        turned = [{side[name] for name, _ in at if name in side} for side, at in zip(signs, (old, new), strict=True)]
        numbers = all(name[0].isdigit() for name, _ in (*old, *new))
        if old and new and not numbers and not (turned[0] and turned[1] and turned[0].isdisjoint(turned[1])):
            swaps.append(f"{' '.join(word for _, word in old)} / {' '.join(word for _, word in new)}")
    enough = len(swaps) >= _PART * min(len(content) for content in contents)
    frame = matcher.ratio() >= (_FRAME if len(swaps) >= _FEW else _CLOSE)
    return ", ".join(swaps) if enough and frame else ""


def named_apart(one: tuple[str, str], two: tuple[str, str]) -> str:
    """Return the words that set two (path, text) apart: each path names a word that only its own text has; '' if none."""
    texts = [_content(text) for _, text in (one, two)]
    names = [_content(re.sub(r"\W|_", " ", path.rpartition(".")[0] or path)) for path, _ in (one, two)]
    own = [sorted((names[at] & texts[at]) - names[1 - at] - texts[1 - at]) for at in (0, 1)]
    return f"{' '.join(own[0])} / {' '.join(own[1])}" if own[0] and own[1] else ""


def _tokens(text: str) -> list[tuple[str, str]]:
    """Return the words and numbers of a text, as (what is compared, what is written)."""
    words = _TOKEN.findall(text)
    return [(COUNTED.get(word.lower()) or (stem(word.lower()) if word.isalpha() else word), word) for word in words]


def _content(text: str) -> set[str]:
    numbers = {name for name, _ in _tokens(text) if name[0].isdigit()}
    return {name for name, _ in stems_of(text)} | numbers
