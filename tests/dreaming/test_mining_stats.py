"""The statistics against values that are known otherwise."""

from __future__ import annotations

import pytest
from scipy.stats import fisher_exact

from dreaming.mining.stats import (
    Table,
    adjusted,
    adjusted_in_groups,
    fisher,
    fisher_less,
    fisher_more,
    risk_difference,
    strata_less,
    stratified_difference,
    wilson,
    within_strata,
)


def test_one_stratum_is_fishers_test() -> None:
    table = Table(3, 10, 9, 12)
    expected = fisher_exact([[3, 7], [9, 3]]).pvalue
    assert fisher(table) == pytest.approx(expected)
    assert within_strata([table]) == pytest.approx(expected)
    assert fisher_more(table) == pytest.approx(fisher_exact([[3, 7], [9, 3]], alternative="greater").pvalue)
    less = fisher_exact([[3, 7], [9, 3]], alternative="less").pvalue
    assert fisher_less(table) == pytest.approx(less)
    assert strata_less([table]) == pytest.approx(less)


def test_a_confounder_between_strata_is_removed() -> None:
    """Hard tasks meet the error and fail, easy ones neither: pooled it looks harmful, within tasks not."""
    hard, easy = Table(2, 20, 1, 10), Table(9, 10, 18, 20)
    assert fisher(Table(11, 30, 19, 30)) < 0.1
    assert within_strata([hard, easy]) == pytest.approx(1.0)
    assert stratified_difference([hard, easy]).value == pytest.approx(0.0, abs=0.01)


def test_known_intervals() -> None:
    """Newcombe 1998, example (a) of table II: 56/70 against 48/80."""
    effect = risk_difference(Table(56, 70, 48, 80))
    assert effect.value == pytest.approx(0.2)
    assert (round(effect.low, 4), round(effect.high, 4)) == (0.0524, 0.3339)
    assert wilson(0, 0) == (0.0, 1.0)


def test_what_says_nothing_has_p_one() -> None:
    assert fisher(Table(0, 0, 5, 9)) == 1.0
    assert fisher(Table(4, 4, 5, 5)) == 1.0
    assert within_strata([]) == strata_less([]) == 1.0
    assert adjusted([]) == []


def test_adjusted_p_values_keep_their_places() -> None:
    assert adjusted([0.03, 0.01, 0.02]) == pytest.approx([0.03, 0.03, 0.03])


def test_a_hypothesis_among_few_alike_needs_less_proof_than_one_among_many() -> None:
    groups = ["order", *["pair"] * 99]
    found = adjusted_in_groups([0.004, *[0.5] * 99], groups)

    assert adjusted([0.004, *[0.5] * 99])[0] == pytest.approx(0.4)
    assert found[0] == pytest.approx(0.008)
    assert adjusted_in_groups([0.01, 0.02], ["pair", "pair"]) == adjusted([0.01, 0.02])
