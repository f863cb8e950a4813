"""Which memories of a store are so alike that they may say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dreaming.mining.cases import numbers_of
from dreaming.mining.figures import in_figures
from dreaming.mining.likeness import likeness, vectors
from dreaming.mining.meaning import meanings, together
from dreaming.mining.values import MemoryView

_ALIKE = 0.5
_ALIKE_BY_NUMBER = 0.34
_ALIKE_AMONG_FEW = 0.43
# In a store of some size, two that are each other's nearest by far say the same in few words of each other.
_STORE = 7
_NEAREST = 0.335
_NEAREST_BY_NUMBER = 0.25
_BY_FAR = 0.12
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
    near = likeness_of([memory.text for memory in memories])
    np.fill_diagonal(near, -1)
    places = sorted(
        np.argwhere(np.triu(near, 1) >= _NEAREST_BY_NUMBER).tolist(), key=lambda at: (-near[at[0], at[1]], at)
    )
    return [pair for one, two in places if (pair := _pair(memories, near, one, two))]


def likeness_of(texts: Sequence[str]) -> Floats:
    """Return how alike each two texts are in words and meaning (-1 to 1), with amounts in one unit."""
    texts = [in_figures(text) for text in texts]
    words, meant = vectors(texts), meanings(texts)
    return together(likeness(words, words), meant @ meant.T)


def _pair(memories: Sequence[MemoryView], near: Floats, one: int, two: int) -> Pair | None:
    texts = memories[one].text, memories[two].text
    numbers = [numbers_of(text) for text in texts]
    by_number = bool(numbers[0]) and numbers[0] == numbers[1]
    alike = _ALIKE if len(memories) >= _STORE else _ALIKE_AMONG_FEW
    if near[one, two] >= (_ALIKE_BY_NUMBER if by_number else alike):
        return Pair(memories[one], memories[two], frozenset())
    if (
        len(memories) < _STORE
        or near[one, two] < (_NEAREST_BY_NUMBER if by_number else _NEAREST)
        or near[one, two] < max(near[one].max(), near[two].max())
        or not (by_number or near[one, two] - _runner_up(near, one, two) >= _BY_FAR)
        or numbers[0] != numbers[1]
        or _names(texts[0]) != _names(texts[1])
    ):
        return None
    return Pair(memories[one], memories[two], frozenset({texts, (texts[1], texts[0])}))


def _runner_up(near: Floats, one: int, two: int) -> float:
    """Return how near either is to its nearest but for the other."""
    others = [at for at in range(len(near)) if at not in (one, two)]
    return float(max(near[one, others].max(), near[two, others].max()))


def _names(text: str) -> set[str]:
    return {name.lower() for name in _NAME.findall(in_figures(text))}
