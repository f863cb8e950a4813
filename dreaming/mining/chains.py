"""Orders of three steps and more that no two of their steps show: each session that lacks one may lack another part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from dreaming.mining.steps import Bits, Ints, Steps

_MOST_BEFORE = 12
_MOST = 200
_LONGEST = 5
# Other work may take the last step as often.
_SEARCHED = 0.5


_Counts = tuple[int, int, int, int]


@dataclass(slots=True)
class _Chance:
    """The sessions that took one step, `last`, and in how many of them what came before in which order."""

    table: Steps
    last: int
    rows: Ints
    totals: dict[tuple[int, ...], int] = field(default_factory=dict)

    def shows(self, before: tuple[int, ...]) -> Bits:
        return self.table.in_order(self.rows, (*before, self.last))

    def total(self, before: tuple[int, ...]) -> int:
        if before not in self.totals:
            self.totals[before] = int(self.shows(before).sum())
        return self.totals[before]

    def each_step_tells(self, before: tuple[int, ...]) -> bool:
        """Whether fewer sessions show the order than show it without any one of its steps."""
        return all(
            self.total(before[:at] + before[at + 1 :]) > self.total(before)
            for at in range(len(before))
            if len(before) > 1
        )


def chains(table: Steps, least: int, usual: float) -> Iterator[tuple[tuple[str, ...], dict[str, _Counts]]]:
    """Yield the steps of an order and its counts by contrast: successes and sessions that show it, and of the others that
    took its last step (`before`) or most of its steps (`most`), which is the same kind of work. What is yielded does not
    depend on outcomes: enough sessions show and lack the order, a share `usual` of those compared shows it, and each of
    its steps sets some of them apart.
    """
    for last, name in enumerate(table.names):
        rows = np.flatnonzero(table.last[:, last] >= 0)
        if len(rows) < 2 * least:
            continue
        chance = _Chance(table, last, rows)
        for before in _orders(chance, max(least, _SEARCHED * usual * len(rows))):
            if len(before) > 1 and chance.each_step_tells(before):
                counts = {
                    contrast: cells
                    for contrast, cells in _compared(chance, before).items()
                    if min(cells[1], cells[3]) >= least and cells[1] >= usual * (cells[1] + cells[3])
                }
                if counts:
                    yield (*(table.names[step] for step in before), name), counts


def _compared(chance: _Chance, before: tuple[int, ...]) -> dict[str, _Counts]:
    """Return for each contrast the successes and sessions that show the order, and those that lack it."""
    steps = (*before, chance.last)
    sides = {contrast: chance.table.compared(contrast, steps) for contrast in ("before", "most")}
    if np.array_equal(sides["before"][1], sides["most"][1]):
        del sides["most"]  # one comparison, not two to correct for
    return {contrast: chance.table.cells(*both) for contrast, both in sides.items()}


def _orders(chance: _Chance, floor: float) -> Iterator[tuple[int, ...]]:
    """What at least `floor` sessions did in this order before the last step, the shorter first."""
    steps = [step for step in range(len(chance.table.names)) if step != chance.last and chance.total((step,)) >= floor]
    steps = sorted(steps, key=lambda step: -chance.total((step,)))[:_MOST_BEFORE]
    level: list[tuple[int, ...]] = [(step,) for step in steps]
    given = 0
    while level and given < _MOST:
        yield from level
        given += len(level)
        longer = (
            (*order, step) for order in level for step in steps if step not in order and len(order) < _LONGEST - 1
        )
        level = [order for order in longer if chance.total(order) >= floor]
