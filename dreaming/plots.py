"""Charts over time and over classes: columns that stack, and lines. Pure geometry; `templates/_parts/_plot.html` draws it.

Places and sizes are out of 100, for an SVG that is stretched to its frame; words stand beside it as HTML.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing that is counted, a value for each column. `tone` is the CSS class of its colour."""

    name: str
    tone: str
    values: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Part:
    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    x: float
    width: float
    parts: tuple[Part, ...]
    told: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """`number` is what to remember of it, `note` what that counts. `points` is a line over the columns, or empty."""

    title: str
    number: str
    note: str
    columns: tuple[Column, ...]
    series: tuple[Series, ...]
    peak: int
    points: str = ""
    few: bool = False

    @property
    def first(self) -> str:
        return self.columns[0].label

    @property
    def last(self) -> str:
        return self.columns[-1].label

    @property
    def legend(self) -> tuple[Series, ...]:
        """What the colours mean, of those that appear."""
        shown = tuple(series for series in self.series if series.total)
        return shown if len(self.series) > 1 else ()

    @property
    def spoken(self) -> str:
        """The chart in one sentence, for who cannot see it; the table has every value."""
        sums = ", ".join(f"{series.total:,} {series.name}" for series in self.series if series.total)
        what = f"highest {self.peak:,}" if self.points else f"{sums}; at most {self.peak:,} in one column"
        return f"{self.title}, {self.first} to {self.last}: {what}."

    def __bool__(self) -> bool:
        return any(series.total for series in self.series)


GAP = 0.16


def stacked(
    title: str, labels: Sequence[str], series: Sequence[Series], *, number: str, note: str, few: bool = False
) -> Plot:
    """Columns of the series on top of each other, the first at the bottom. `few` labels each column."""
    peak = max((sum(values) for values in zip(*(one.values for one in series), strict=True)), default=0)
    columns = tuple(_column(place, labels, series, peak or 1) for place in range(len(labels)))
    return Plot(title, number, note, columns, tuple(series), peak, few=few)


def line(title: str, labels: Sequence[str], series: Series, *, number: str, note: str) -> Plot:
    """One value's course."""
    peak, step = max(series.values, default=0), 100 / len(labels)
    columns = tuple(
        Column(label, place * step, step, (), f"{label}: {value:,} {series.name}", (value,))
        for place, (label, value) in enumerate(zip(labels, series.values, strict=True))
    )
    points = " ".join(
        f"{(place + 0.5) * step:.2f},{98 - 96 * value / (peak or 1):.2f}" for place, value in enumerate(series.values)
    )
    return Plot(title, number, note, columns, (series,), peak, points=points)


def _column(place: int, labels: Sequence[str], series: Sequence[Series], peak: int) -> Column:
    step, below, parts = 100 / len(labels), 0.0, []
    values = tuple(one.values[place] for one in series)
    for one, value in zip(series, values, strict=True):
        height = 100 * value / peak
        if value:
            parts.append(Part(one.tone, round(100 - below - height, 3), round(height, 3)))
        below += height
    told = ", ".join(f"{value:,} {one.name}" for one, value in zip(series, values, strict=True) if value)
    x, width = round((place + GAP / 2) * step, 3), round((1 - GAP) * step, 3)
    return Column(labels[place], x, width, tuple(parts), f"{labels[place]}: {told or 'none'}", values)


@dataclass(frozen=True, slots=True)
class Span:
    """The buckets of a chart over time: so many days, or the weeks that hold them."""

    starts: tuple[date, ...]
    weekly: bool

    @classmethod
    def of(cls, days: int, until: date) -> "Span":
        weekly, first = days > 31, until - timedelta(days=days - 1)
        if weekly:
            first -= timedelta(days=first.weekday())
        step = 7 if weekly else 1
        return cls(tuple(first + timedelta(days=at) for at in range(0, (until - first).days + 1, step)), weekly)

    @classmethod
    def weeks(cls, first: date, last: date) -> "Span":
        """Every week from the one of `first` to the one of `last`, the last half year at most."""
        start = max(first, last - timedelta(weeks=25))
        start -= timedelta(days=start.weekday())
        return cls(tuple(start + timedelta(days=at) for at in range(0, (last - start).days + 1, 7)), weekly=True)

    def start_of(self, day: date) -> date:
        """The bucket that a day falls into."""
        return day - timedelta(days=day.weekday()) if self.weekly else day

    @property
    def labels(self) -> list[str]:
        return [("week of " if self.weekly else "") + f"{start.day} {start:%b}" for start in self.starts]

    def values(self, counts: Iterable[tuple[date, int]]) -> tuple[int, ...]:
        """Counts by bucket start, in the order of the buckets; what lies outside is left out."""
        found = dict.fromkeys(self.starts, 0)
        for start, count in counts:
            if start in found:
                found[start] += count
        return tuple(found.values())
