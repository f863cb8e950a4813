"""What small charts show: shares of a whole, and how numbers spread. The templates draw them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """How many of some sessions, such as those that ended in success; `width` is out of 100."""

    label: str
    part: int
    total: int

    @property
    def width(self) -> int:
        return round(100 * self.part / self.total)


@dataclass(frozen=True, slots=True)
class Column:
    """One class of a histogram from `low` to `high`; `x` and `height` are out of 100."""

    low: float
    high: float
    count: int
    x: float
    height: float

    @property
    def top(self) -> float:
        return 100 - self.height


def columns_of(counts: Sequence[int]) -> list[Column]:
    """A histogram of numbers from 0 to 1 in equal classes, for `templates/_parts/_spread.html`."""
    width, most = 1 / len(counts), max(counts) or 1
    return [
        Column(number * width, (number + 1) * width, count, 100 * number * width, 100 * count / most)
        for number, count in enumerate(counts)
    ]
