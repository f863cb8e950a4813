"""Turns of phrase in wishes: which words are asked for, which refused, and which neither."""

from __future__ import annotations

import pytest

from dreaming.mining.matters import at_last
from dreaming.mining.polarity import leanings_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("label the kilns with the glaze as a colour please, not 04/07/2025", "glaz"),
        ("put the kiln marks at the bottom please, not 12/07/2025", "kiln"),
    ],
)
def test_a_value_that_is_refused_refuses_nothing_else(text: str, wanted: str) -> None:
    assert leanings_of(text)[wanted] == 1


@pytest.mark.parametrize(
    "text", ["spell out the glyphs, visitors read this", "write the glyphs out", "glyphs have to be written out"]
)
def test_what_is_to_be_written_otherwise_is_neither_wanted_nor_refused(text: str) -> None:
    assert leanings_of(text)["glyph"] == 0


def test_wait_before_a_refusal_takes_nothing_back() -> None:
    assert at_last("Wait, no glitter on the masks please") == "Wait, no glitter on the masks please"


def test_wait_no_with_a_pause_takes_back_what_was_said() -> None:
    assert at_last("Paint it blue, no wait, paint the whole boat green") == "paint the whole boat green"
