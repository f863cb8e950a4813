"""The planted corpora of `benchmarks.quality` in small: what is planted is found, and noise yields nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.corpora import noise, planted
from benchmarks.quality import KINDS, passed, score


def test_what_is_planted_is_found_and_little_else() -> None:
    total: Counter[str] = Counter()
    errors: list[float] = []
    for seed in (3, 5, 8):
        score(planted(seed), seed, total, errors, verbose=False)
    assert all(total[f"{kind} hit"] == total[f"{kind} planted"] == total[f"{kind} found"] for kind in KINDS)
    assert max(errors) <= 0.25
    assert total["valid"] == total["quotes"] > 0
    assert total["leaks"] == 0


@pytest.mark.parametrize("seed", range(6))
def test_noise_yields_nothing(seed: int) -> None:
    assert [item.title for item in passed(noise(seed))] == []


def test_a_corpus_is_the_same_for_the_same_seed() -> None:
    assert planted(4, 60).sessions == planted(4, 60).sessions
