"""Where each session takes each step: the table that pairs of steps are counted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dreaming.mining.values import StepSeen
from dreaming.mining.window import Window

NEVER = 10_000
_MAX_NAMES = 100
_FOLLOWS = 2
Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Steps:
    """Per session the first and last place of each step; `NEVER` or -1 where it was not taken.

    `troubles` are the sessions that met something that is told by itself and decides how they end, one row for each.
    """

    names: list[str]
    place: dict[str, int]
    sessions: list[int]
    tried_first: Ints
    tried_last: Ints
    first: Ints
    last: Ints
    won: Bits
    troubles: Bits

    @classmethod
    def of(cls, window: Window, troubles: Sequence[Collection[int]] = ()) -> Steps:
        """Index the sessions of known outcome by the steps that most of them take."""
        known = [at for at in range(len(window.digests)) if window.won(at) is not None]
        counts = Counter(name for at in known for name in {step.signature for step in window.digests[at].steps})
        names = sorted(counts, key=lambda name: (-counts[name], name))[:_MAX_NAMES]
        place = {name: number for number, name in enumerate(names)}
        shape = (len(known), len(names))
        table = cls(
            names,
            place,
            known,
            np.full(shape, NEVER),
            np.full(shape, -1),
            np.full(shape, NEVER),
            np.full(shape, -1),
            np.array([bool(window.won(at)) for at in known], dtype=bool),
            np.array([[at in trouble for at in known] for trouble in troubles], dtype=bool).reshape(
                len(troubles), len(known)
            ),
        )
        for row, at in enumerate(known):
            table.fill(row, window.digests[at].steps)
        return table

    def fill(self, row: int, steps: Sequence[StepSeen]) -> None:
        """Note where a session takes its steps."""
        for number, step in enumerate(steps):
            name = self.place.get(step.signature)
            if name is None:
                continue
            self.tried_first[row, name] = min(self.tried_first[row, name], number)
            self.tried_last[row, name] = number
            if step.worked:
                self.first[row, name] = min(self.first[row, name], number)
                self.last[row, name] = number

    def masks(self, contrast: str, rows: slice | Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return (had the chance, shows it) for every ordered pair: arrays of sessions x first x second."""
        ran, tried = self.last[rows] >= 0, self.tried_last[rows] >= 0
        if contrast == "order":
            chance = tried[:, :, None] & tried[:, None, :]
            return chance, chance & (self.tried_first[rows][:, :, None] < self.tried_first[rows][:, None, :])
        shows = self.first[rows][:, :, None] < self.last[rows][:, None, :]
        in_vain = tried & ~ran
        chance = ran[:, None, :] & ~in_vain[:, :, None]
        if contrast == "after":
            chance = chance.transpose(0, 2, 1)
        return chance, chance & shows

    def in_order(self, rows: Ints, steps: Sequence[int]) -> Bits:
        """Which of these rows worked through the steps in this order; of each step its first or last time counts."""
        place = self.first[rows, steps[0]]
        for step in steps[1:-1]:
            early, late = self.first[rows, step], self.last[rows, step]
            place = np.where(early > place, early, np.where(late > place, late, NEVER))
        return np.asarray(place < self.last[rows, steps[-1]])

    def chance(self, contrast: str, steps: Sequence[int]) -> Bits:
        """Which sessions had the chance to take these steps in this order: they worked through the last step, through the
        first one (`after`) or through more than half (`most`), and tried none in vain. Who is refused a step does not
        leave it out.
        """
        worked, tried = self.last[:, list(steps)] >= 0, self.tried_last[:, list(steps)] >= 0
        half = 2 * worked.sum(axis=1) > len(steps)
        chance = half if contrast == "most" else worked[:, 0 if contrast == "after" else -1]
        return np.asarray(chance & (worked == tried).all(axis=1))

    def cells(self, shows: Bits, lacks: Bits) -> tuple[int, int, int, int]:
        """Count successes and sessions that show it, and successes and sessions that lack it."""
        return int((shows & self.won).sum()), int(shows.sum()), int((lacks & self.won).sum()), int(lacks.sum())

    def whole(self, contrast: str, names: Sequence[str]) -> tuple[int, int, int, int]:
        """Count how all sessions end that show the steps or had the chance, also those that are not compared."""
        return self.cells(*self.sides(contrast, [self.place[name] for name in names]))

    def split(self, contrast: str, names: Sequence[str]) -> tuple[list[int], list[int]]:
        """Return the sessions that are compared: those that show the steps, and those that had the chance and do not."""
        shows, lacks = self.compared(contrast, [self.place[name] for name in names])
        return [self.sessions[row] for row in np.flatnonzero(shows)], [
            self.sessions[row] for row in np.flatnonzero(lacks)
        ]

    def compared(self, contrast: str, steps: Sequence[int]) -> tuple[Bits, Bits]:
        """Mark the sessions that show the steps, and those that had the chance and do not: without those that met what
        decides by itself how they end. What mostly those meet that take both steps the other way round may come of that,
        and stays.
        """
        shows, lacks = self.sides(contrast, steps)
        troubled = self.troubles
        if contrast == "order":
            rates = [(troubled & side).sum(axis=1) / max(1, side.sum()) for side in (shows, lacks)]
            troubled = troubled[rates[1] <= _FOLLOWS * rates[0]]
        calm = ~troubled.any(axis=0)
        return shows & calm, lacks & calm

    def sides(self, contrast: str, steps: Sequence[int]) -> tuple[Bits, Bits]:
        """Mark all sessions that show the steps, and all that had the chance and do not."""
        if contrast == "order":
            chance = (self.tried_last[:, steps] >= 0).all(axis=1)
            shows = chance & (self.tried_first[:, steps[0]] < self.tried_first[:, steps[1]])
        else:
            chance = self.chance(contrast, steps)
            shows = chance & self.in_order(np.arange(len(self.sessions)), steps)
        return shows, chance & ~shows
