"""Steps that go with success, of all that are looked at alike: pairs in three contrasts, and longer orders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.stats import hypergeom

from dreaming.mining.chains import chains
from dreaming.mining.stats import adjusted_in_groups
from dreaming.mining.steps import Ints, Steps
from dreaming.mining.values import Thresholds

CONTRASTS = ("order", "before", "after", "most")
_CHUNK = 512
_LARGE = 0.3
_LESS_SURE = 5
_OWN = 2
_BOUND = 0.7
_BOUND_SURE = 2
_ANYBODYS = 0.1
_SHOWN = 0.25
_TOGETHER = 0.5
_SELDOM = 0.2
_MOST = 400


class Candidate(NamedTuple):
    """Steps that go with success, of all that were looked at alike."""

    contrast: str
    first: str
    second: str
    between: tuple[str, ...]
    gain: float
    group: str = ""
    p_adjusted: float = 1.0

    @property
    def steps(self) -> tuple[str, ...]:
        return self.first, *self.between, self.second


def candidates(table: Steps, limits: Thresholds, least: int) -> list[Candidate]:
    """Return the steps that are associated with success: pairs, and pairs with a step between them.

    What is looked at does not depend on outcomes: pairs that enough sessions show and lack, that a good share
    of those with the chance show, and of which one step is not seldom taken with the other. The same sessions in
    another contrast are one hypothesis, and so is a longer order: the smaller of its p-values, times how many there are
    (Bonferroni).
    """
    tested: dict[tuple[int, ...], Candidate] = {}
    p_values: list[float] = []
    for contrast, one, two in _pairs(table, least):
        counts = table.cells(*table.compared(contrast, (one, two)))
        good, total, bad, rest = counts
        if (one, two, *counts) in tested or min(total, rest) < least or total < _SHOWN * (total + rest):
            continue
        p_values.append(_tail(*counts))
        tested[one, two, *counts] = Candidate(
            contrast, table.names[one], table.names[two], (), good / total - bad / rest
        )
    for steps, contrasts in chains(table, least, _SHOWN):
        if not any(_is_twice(*names) for names in combinations(steps, 2)):
            p_value, contrast = min((_tail(*counts), contrast) for contrast, counts in contrasts.items())
            p_values.append(min(1.0, p_value * len(contrasts)))
            good, total, bad, rest = contrasts[contrast]
            places = tuple(table.place[step] for step in steps)
            tested[places] = Candidate(contrast, steps[0], steps[-1], steps[1:-1], good / total - bad / rest)
    grouped = [candidate._replace(group=_group(candidate, table)) for candidate in tested.values()]
    told = adjusted_in_groups(p_values, [candidate.group for candidate in grouped])
    fit = [
        candidate._replace(p_adjusted=p_value)
        for candidate, p_value in zip(grouped, told, strict=True)
        if p_value <= _level(candidate) * limits.alpha and candidate.gain >= limits.min_gain
    ]
    return sorted(fit, key=lambda item: (item.p_adjusted, item[:4]))[:_MOST]


def _group(candidate: Candidate, table: Steps) -> str:
    """What is alike before any outcome is looked at: longer orders, pairs of which hardly one step is taken without the
    other, and pairs of steps that are taken together at least twice as often as if sessions took them independently; and
    of what has a step of anybody's, or two steps that mostly are not taken together, the two ways round, and the rest.
    """
    taken = [table.tried_last[:, table.place[name]] >= 0 for name in candidate.steps]
    every = np.logical_and.reduce(taken)
    if candidate.contrast == "order" and every.sum() < _TOGETHER * min(one.sum() for one in taken):
        return "either way"
    for at, one in enumerate(taken):
        rest = np.logical_and.reduce(taken[:at] + taken[at + 1 :])
        if every.mean() < _OWN * one.mean() * rest.mean():
            return "either way" if candidate.contrast == "order" else "anybody's"
    if candidate.between:
        return "order"
    one, two = taken
    return "bound" if (one & two).sum() >= _BOUND * max(one.sum(), two.sum()) else "pair"


def _level(candidate: Candidate) -> float:
    if candidate.group == "anybody's":
        return _ANYBODYS
    if candidate.gain < _LARGE or candidate.group == "either way":
        return 1
    return _BOUND_SURE if candidate.group == "bound" else _LESS_SURE


def _tail(good: int, total: int, bad: int, rest: int) -> float:
    """Fisher's exact test, one-sided: that many successes or more among those that show it."""
    return min(1.0, max(0.0, float(hypergeom.sf(good - 1, total + rest, good + bad, total))))


def is_nested(one: str, two: str) -> bool:
    """Whether two names are of the same steps, one of them longer."""
    longer, shorter = sorted((one, two), key=len, reverse=True)
    return longer == shorter or longer.startswith((f"{shorter} ", f"{shorter}: ", f"{shorter}("))


def _is_twice(one: str, two: str) -> bool:
    """Whether an order names a step twice; a trial with a switch on before the step itself is another one."""
    return is_nested(one, two) and not one.startswith(f"{two}(")


def _pairs(table: Steps, least: int) -> Iterator[tuple[str, int, int]]:
    """Yield the pairs of two steps, by contrast, that enough sessions show and lack, neither seldom taken with the other."""
    ran = (table.tried_last >= 0).sum(axis=0)
    rarer = np.minimum(ran[:, None], ran[None, :])
    for contrast in CONTRASTS[:3]:
        shown, lacked = _counts(table, contrast)
        usual = shown >= _SHOWN / 2 * (shown + lacked)
        with_it = shown + lacked if contrast == "order" else shown
        together = with_it >= _SELDOM * rarer
        for one, two in np.argwhere((shown >= least) & (lacked >= least) & usual & together):
            if not _is_twice(table.names[one], table.names[two]):
                yield contrast, int(one), int(two)


def _counts(table: Steps, contrast: str) -> tuple[Ints, Ints]:
    """Count, for every ordered pair, the sessions with it and those that had the chance and lack it."""
    size = len(table.names)
    with_it, without = np.zeros((size, size), dtype=np.int64), np.zeros((size, size), dtype=np.int64)
    for start in range(0, len(table.sessions), _CHUNK):
        chance, shows = table.masks(contrast, slice(start, start + _CHUNK))
        with_it += shows.sum(axis=0)
        without += (chance & ~shows).sum(axis=0)
    return with_it, without
