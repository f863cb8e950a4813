"""Two changes of one text become one, or say where they cannot."""

import time

from hypothesis import given
from hypothesis import strategies as st

from reviews.merging import Conflict, merge

TEXTS = st.lists(st.sampled_from(["Wait.", "Call.", "", "Ask the admin.", "Then post."]), max_size=12).map("\n".join)


@given(TEXTS, TEXTS)
def test_a_side_that_changed_nothing_leaves_the_other_as_it_is(base, changed):
    for merged in (merge(base, changed, base), merge(base, base, changed)):
        assert merged.conflicts == []
        assert merged.text == changed


@given(TEXTS, TEXTS)
def test_the_same_change_on_both_sides_is_that_change(base, changed):
    merged = merge(base, changed, changed)
    assert merged.conflicts == []
    assert merged.text == changed


@given(TEXTS, TEXTS, TEXTS)
def test_the_sides_may_change_places(base, ours, theirs):
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert [(c.base, c.ours, c.theirs) for c in one.conflicts] == [(c.base, c.theirs, c.ours) for c in other.conflicts]
    if not one.conflicts:
        assert one.text == other.text


@given(TEXTS, TEXTS, TEXTS)
def test_no_line_comes_from_nowhere_and_no_new_line_is_lost(base, ours, theirs):
    lines = set(merge(base, ours, theirs).text.split("\n"))
    known = {*base.split("\n"), *ours.split("\n"), *theirs.split("\n")}
    added = {*ours.split("\n"), *theirs.split("\n")} - set(base.split("\n"))
    assert lines <= known
    assert added <= lines


def test_changes_apart_from_each_other_both_count():
    base = "Wait for noon.\n\nCall first.\n\nThen post."
    ours, theirs = base.replace("noon", "one"), base.replace("post", "close")
    assert merge(base, ours, theirs).text == "Wait for one.\n\nCall first.\n\nThen close."


def test_one_line_changed_in_two_ways_is_a_conflict_with_both():
    merged = merge("Top.\nWait for noon.\nEnd.", "Top.\nNever wait.\nEnd.", "Top.\nWait for one.\nEnd.")
    assert merged.parts == [["Top."], Conflict(["Wait for noon."], ["Never wait."], ["Wait for one."]), ["End."]]
    assert merged.text == "Top.\nWait for one.\nNever wait.\nEnd."


def test_long_and_repetitive_texts_do_not_make_a_reviewer_wait():
    base = "same\n" * 10_000
    started = time.monotonic()
    merge(base, base.replace("same", "other", 5_000), f"{base}more")
    assert time.monotonic() - started < 2
