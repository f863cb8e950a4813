"""Which memories of a store are so alike that they may say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dreaming.mining.cases import numbers_of
from dreaming.mining.figures import in_figures
from dreaming.mining.likeness import likeness, stems_of, vectors
from dreaming.mining.meaning import meanings, together
from dreaming.mining.values import MemoryView

_ALIKE = 0.5
_ALIKE_BY_NUMBER = 0.34
_ALIKE_AMONG_FEW = 0.43
# In a store of some size, two that are each other's nearest by far say the same in few words of each other.
_STORE = 7
_NEAREST = 0.335
_NEAREST_BY_NUMBER = 0.25
_BY_FAR = 2
# Two of one subject share its name, and by chance another word.
_THINGS = 3
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z]\w+|\b\w*[A-Z]{2,}\w*")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two memories; `alike` holds their texts where these mean the same as a whole."""

    one: MemoryView
    two: MemoryView
    alike: frozenset[tuple[str, str]]


def near_pairs(memories: Sequence[MemoryView]) -> list[Pair]:
    """Return the pairs of memories that are alike, the most alike first."""
    if len(memories) < 2:
        return []
    texts = [memory.text for memory in memories]
    near = likeness_of(texts)
    np.fill_diagonal(near, -1)
    numbers = [numbers_of(text) for text in texts]
    alike = _ALIKE if len(texts) >= _STORE else _ALIKE_AMONG_FEW
    found = {}
    for one, two in np.argwhere(np.triu(near, 1) >= _ALIKE_BY_NUMBER).tolist():
        if near[one, two] >= (_ALIKE_BY_NUMBER if numbers[one] and numbers[one] == numbers[two] else alike):
            found[one, two] = Pair(memories[one], memories[two], frozenset())
    for one, two in _nearest(near) if len(texts) >= _STORE else []:
        both = texts[one], texts[two]
        same = numbers[one] == numbers[two] and _names(both[0]) == _names(both[1])
        if (
            (one, two) not in found
            and same
            and (numbers[one] or (_things_shared(*both) >= _THINGS and _stands_out(near, one, two)))
        ):
            found[one, two] = Pair(memories[one], memories[two], frozenset({both, both[::-1]}))
    return [found[at] for at in sorted(found, key=lambda at: (-near[at], at))]


def likeness_of(texts: Sequence[str]) -> Floats:
    """Return how alike each two texts are in words and meaning (-1 to 1), with amounts in one unit."""
    texts = [in_figures(text) for text in texts]
    words, meant = vectors(texts), meanings(texts)
    return together(likeness(words, words), meant @ meant.T)


def _nearest(near: Floats) -> list[tuple[int, int]]:
    """Return the pairs that are each other's nearest, and somewhat near."""
    best = near.max(axis=1)
    places = np.argwhere((np.triu(near, 1) >= _NEAREST_BY_NUMBER) & (near >= np.maximum.outer(best, best)))
    return [(one, two) for one, two in places.tolist()]


def _stands_out(near: Floats, one: int, two: int) -> bool:
    """Whether two are alike, and twice as much as either is like any other."""
    others = [at for at in range(len(near)) if at not in (one, two)]
    runner_up = near[np.ix_([one, two], others)].max()
    return bool(near[one, two] >= max(_NEAREST, _BY_FAR * runner_up))


def _things_shared(one: str, two: str) -> int:
    """Count the content words of both texts; those that follow one another in both, as "parking permit", are one thing."""
    stems = [[name for name, _ in stems_of(text)] for text in (one, two)]
    names = set(stems[0]) & set(stems[1])
    return len(names) - len(set(pairwise(stems[0])) & set(pairwise(stems[1])))


def _names(text: str) -> set[str]:
    return {name.lower() for name in _NAME.findall(in_figures(text))}
