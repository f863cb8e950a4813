"""The few statistics that mining needs, each from a named source; SciPy does the distributions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, fisher_exact, hypergeom

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Table:
    """A 2x2 table: successes of how many in those that show something, and in the others."""

    met_success: int
    met_total: int
    other_success: int
    other_total: int

    @property
    def informative(self) -> bool:
        """Whether the table can say anything: both rows and both columns are filled."""
        good = self.met_success + self.other_success
        return bool(self.met_total and self.other_total) and 0 < good < self.met_total + self.other_total


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference of rates (first minus second, -1 to 1) with its 95 % interval."""

    value: float
    low: float
    high: float


def fisher(table: Table) -> float:
    """Two-sided p of Fisher's exact test; 1.0 for a table that says nothing."""
    if not table.informative:
        return 1.0
    rows = [
        [table.met_success, table.met_total - table.met_success],
        [table.other_success, table.other_total - table.other_success],
    ]
    return min(1.0, float(fisher_exact(rows).pvalue))


def fisher_more(table: Table) -> float:
    """One-sided p that the first row's rate is not the greater one."""
    if not table.informative:
        return 1.0
    total = table.met_total + table.other_total
    good = table.met_success + table.other_success
    return min(1.0, float(hypergeom.sf(table.met_success - 1, total, good, table.met_total)))


def fisher_less(table: Table) -> float:
    """One-sided p that the first row's rate is not the lesser one."""
    return fisher_more(Table(table.other_success, table.other_total, table.met_success, table.met_total))


def within_strata(tables: Sequence[Table]) -> float:
    """Two-sided exact conditional test of no association in any stratum; 1.0 when no stratum is informative."""
    weights, place = _conditional(tables)
    return min(1.0, float(weights[weights <= weights[place] * (1 + 1e-7)].sum()))


def strata_less(tables: Sequence[Table]) -> float:
    """One-sided p of the same test that the first row's rate is not the lesser one in the strata."""
    weights, place = _conditional(tables)
    return min(1.0, float(weights[: place + 1].sum()))


def _conditional(tables: Sequence[Table]) -> tuple[npt.NDArray[np.float64], int]:
    """Return the probabilities of all sums of first-row successes given the margins, and the place of the one seen.

    The sum of the strata's hypergeometric counts, by convolution, as in Mehta, Patel and Gray, "Computing an
    exact confidence interval for the common odds ratio in several 2x2 contingency tables" (JASA 1985): the
    exact form of the Cochran-Mantel-Haenszel test.
    """
    weights, low, seen = np.ones(1), 0, 0
    for table in (item for item in tables if item.informative):
        total, good = table.met_total + table.other_total, table.met_success + table.other_success
        first, last = max(0, good - table.other_total), min(good, table.met_total)
        weights = np.convolve(weights, hypergeom.pmf(np.arange(first, last + 1), total, good, table.met_total))
        low += first
        seen += table.met_success
    return weights, seen - low


def risk_difference(table: Table) -> Effect:
    """Difference of two rates with Newcombe's hybrid score interval (Stat. Med. 1998, method 10)."""
    if not table.met_total or not table.other_total:
        return Effect(0.0, -1.0, 1.0)
    first, second = table.met_success / table.met_total, table.other_success / table.other_total
    low1, high1 = wilson(table.met_success, table.met_total)
    low2, high2 = wilson(table.other_success, table.other_total)
    value = first - second
    low = value - math.hypot(first - low1, high2 - second)
    return Effect(value, low, value + math.hypot(high1 - first, second - low2))


def stratified_difference(tables: Iterable[Table]) -> Effect:
    """Mantel-Haenszel risk difference with Sato's variance (Biometrics 1989)."""
    top = bottom = spread = 0.0
    for table in tables:
        a, m, c, n = table.met_success, table.met_total, table.other_success, table.other_total
        if not m or not n:
            continue
        total = m + n
        top += (a * n - c * m) / total
        bottom += m * n / total
        spread += (a * (m - a) * n**3 + c * (n - c) * m**3) / (m * n * total**2)
    if not bottom:
        return Effect(0.0, -1.0, 1.0)
    value, reach = top / bottom, _Z * math.sqrt(spread) / bottom
    return Effect(value, max(-1.0, value - reach), min(1.0, value + reach))


def wilson(good: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % score interval for a rate (JASA 1927)."""
    if not total:
        return 0.0, 1.0
    rate, square = good / total, _Z * _Z
    middle = (rate + square / (2 * total)) / (1 + square / total)
    reach = _Z * math.sqrt(rate * (1 - rate) / total + square / (4 * total * total)) / (1 + square / total)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Benjamini-Hochberg adjusted p-values (JRSS B 1995), in the order given."""
    return [float(p) for p in false_discovery_control(p_values)] if p_values else []


def adjusted_in_groups(p_values: Sequence[float], groups: Sequence[str]) -> list[float]:
    """Adjust as `adjusted` does, each group with an equal part of the errors that may be made, however many it has.

    Genovese, Roeder and Wasserman, "False discovery control with p-value weighting" (Biometrika 2006): a p-value is
    divided by its weight, of mean 1. The groups must not depend on what is tested.
    """
    sizes = Counter(groups)
    share = len(sizes) / max(1, len(groups))
    return adjusted([min(1.0, p * sizes[group] * share) for p, group in zip(p_values, groups, strict=True)])
