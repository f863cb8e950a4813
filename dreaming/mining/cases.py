"""Whether two texts that are alike speak of different cases: spring and autumn, east and west, a studio and a house.

Two wordings of one statement move its words; two cases put another word in the same place of the same frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from dreaming.mining.figures import COUNTED, in_figures
from dreaming.mining.likeness import signs_of, stem, stems_of

_FRAME = 0.4
_CLOSE = 0.5
_PART = 0.125
_FEW = 2
_REWORDED = 0.7
_NUMBER = re.compile(r"(?<![\w<.-])\d+(?:[.,]\d+)*%?(?!\w)")
_FULL_HOUR = re.compile(r"\b(\d{1,2}):00\b")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")


def numbers_of(text: str) -> set[str]:
    """Return the numbers of a text, those written as words too; a `one` may be no number. A full hour is its number."""
    figures = _NUMBER.findall(_FULL_HOUR.sub(r"\1", in_figures(text)))
    return {figure.lstrip("0") or "0" for figure in figures}


def substituted(one: str, two: str) -> str:
    """Return the words that stand in the same places of one frame and differ, as `spring / autumn`; '' if they are few.

    To give another number is to disagree, not to speak of another case.
    """
    tokens = _tokens(one), _tokens(two)
    places = [[name for name, _ in side] for side in tokens]
    matcher = SequenceMatcher(None, places[0], places[1], autojunk=False)
    signs = signs_of(one), signs_of(two)
    contents = [_content(text) for text in (one, two)]
    ratio = matcher.ratio()
    swaps = []
    for kind, start, end, begin, stop in matcher.get_opcodes():
        if kind != "replace":
            continue
        old = [at for at in tokens[0][start:end] if at[0] in contents[0] and at[0] not in places[1]]
        new = [at for at in tokens[1][begin:stop] if at[0] in contents[1] and at[0] not in places[0]]
        # "Not older" and "younger" are one case.
        turned = [{side[name] for name, _ in at if name in side} for side, at in zip(signs, (old, new), strict=True)]
        counted = all(name[0].isdigit() for name, _ in (*old, *new))
        verbal = ratio < _REWORDED and (_is_verbal(old) or _is_verbal(new))
        if (
            old
            and new
            and not counted
            and not verbal
            and not (turned[0] and turned[1] and turned[0].isdisjoint(turned[1]))
        ):
            swaps.append(f"{' '.join(word for _, word in old)} / {' '.join(word for _, word in new)}")
    enough = len(swaps) >= _PART * min(len(content) for content in contents)
    numbers = numbers_of(one), numbers_of(two)
    agree = bool(numbers[0] & numbers[1]) and (numbers[0] <= numbers[1] or numbers[1] <= numbers[0])
    frame = ratio >= (_FRAME if len(swaps) >= _FEW and not agree else _CLOSE)
    return ", ".join(swaps) if enough and frame else ""


def named_apart(one: tuple[str, str], two: tuple[str, str]) -> str:
    """Return the words that set two (path, text) apart: each path names a word that only its own text has; '' if none."""
    texts = [_content(text) for _, text in (one, two)]
    names = [_content(re.sub(r"\W|_", " ", path.rpartition(".")[0] or path)) for path, _ in (one, two)]
    own = [sorted((names[at] & texts[at]) - names[1 - at] - texts[1 - at]) for at in (0, 1)]
    return f"{' '.join(own[0])} / {' '.join(own[1])}" if own[0] and own[1] else ""


def _is_verbal(words: Sequence[tuple[str, str]]) -> bool:
    """Whether what stands in another's place is a verb, by its ending: who rewords a sentence says "shipped" for "travel"."""
    return len(words) == 1 and bool(re.fullmatch(r"[a-z]{2,}(?:ed|ing)", words[0][1]))


def _tokens(text: str) -> list[tuple[str, str]]:
    """Return the words and numbers of a text, as (what is compared, what is written)."""
    words = _TOKEN.findall(in_figures(text))
    return [(COUNTED.get(word.lower()) or (stem(word.lower()) if word.isalpha() else word), word) for word in words]


def _content(text: str) -> set[str]:
    numbers = {name for name, _ in _tokens(text) if name[0].isdigit()}
    return {name for name, _ in stems_of(text)} | numbers
