"""Since when a line stands in a memory: pure, over any texts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.blame import blame


def told(*texts: str) -> list[tuple[str, int]]:
    return [(line.text, line.since) for line in blame(enumerate(texts, 1))]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        ([""], []),
        (["a\nb"], [("a", 1), ("b", 1)]),
        (["a\nb\nc", "a\nB\nc"], [("a", 1), ("B", 2), ("c", 1)]),
        (["a\nc", "a\nb\nc", "b\nc"], [("b", 2), ("c", 1)]),
        (["a", "b", "a"], [("a", 3)]),
        (["a", "a\n", "a\nb"], [("a", 1), ("b", 3)]),
        (["a\n\nb", "a\n\nnew\n\nb"], [("a", 1), ("", 1), ("new", 2), ("", 2), ("b", 1)]),
        (["x\nx\nx", "x\nx\nx\nx"], [("x", 1), ("x", 1), ("x", 1), ("x", 2)]),
    ],
)
def test_each_line_names_the_version_that_it_came_with(texts, expected):
    assert told(*texts) == expected


LINES = st.lists(st.sampled_from(["", "a", "b", "c", "- item", "ä "]), max_size=12)


@given(st.lists(LINES, min_size=1, max_size=8))
def test_its_lines_are_the_last_text_and_each_stands_in_every_version_since(versions):
    found = told(*("\n".join(lines) for lines in versions))
    texts = ["\n".join(lines).splitlines() for lines in versions]

    assert [text for text, _ in found] == texts[-1]
    for at, held in enumerate(texts, 1):
        kept = [text for text, since in found if since <= at]
        rest = iter(held)
        assert all(text in rest for text in kept), "the lines that are as old stand in it in the same order"


@given(st.lists(LINES, min_size=1, max_size=6), st.integers(0, 6))
def test_a_version_that_changes_nothing_changes_no_answer(versions, place):
    texts = list(enumerate(("\n".join(lines) for lines in versions), 1))
    place = min(place, len(texts) - 1)
    again = [*texts[: place + 1], (99, texts[place][1]), *texts[place + 1 :]]

    assert blame(again) == blame(texts)


@given(st.lists(st.integers(0, 10_000), unique=True, min_size=1, max_size=40), st.data())
def test_where_no_line_occurs_twice_what_stayed_in_place_keeps_its_age(numbers, data):
    kept = data.draw(st.lists(st.sampled_from(numbers), unique=True).map(lambda some: sorted(some, key=numbers.index)))
    after = [f"new {number}" for number in range(3)] + [str(number) for number in kept]

    assert told("\n".join(map(str, numbers)), "\n".join(after)) == [
        *((f"new {number}", 2) for number in range(3)),
        *((str(number), 1) for number in kept),
    ]


def test_hundreds_of_versions_of_the_largest_text_take_a_moment():
    lines = [f"When ledger {number} is locked, wait for the close and post again." for number in range(1800)]
    versions = []
    for number in range(300):
        lines[(number * 37) % len(lines)] = f"Changed by version {number}."
        versions.append((number, "\n".join(lines)))
    assert len(versions[-1][1]) > 90_000

    began = time.process_time()
    found = blame(versions)
    assert time.process_time() - began < 3
    assert len(found) == len(lines)
    assert {line.since for line in found} == set(range(300))
