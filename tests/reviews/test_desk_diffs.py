"""The pure helpers: a difference loses no letter, and nothing hidden stays hidden."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews import diffs
from reviews.diffs import FOLD_ABOVE, Piece, diff, diff_lines
from reviews.templatetags.desk import claim, marked, pieces, visible
from reviews.visible import segments

CLOSE_TEXTS = st.text(alphabet="ab, .\n\r\u202e", max_size=40)


def before_of(found: list[Piece]) -> str:
    return "".join(piece.text for piece in found if piece.op != "ins")


def after_of(found: list[Piece]) -> str:
    return "".join(piece.text for piece in found if piece.op != "del")


@given(CLOSE_TEXTS, CLOSE_TEXTS)
def test_a_difference_holds_both_texts_letter_by_letter(before, after):
    found = diff(before, after)

    assert (before_of(found), after_of(found)) == (before, after)


@given(CLOSE_TEXTS, CLOSE_TEXTS)
def test_so_does_the_coarse_one_for_texts_that_are_dear_to_match(before, after):
    limit, diffs.MAX_PAIRS = diffs.MAX_PAIRS, 2
    try:
        found = diff(before, after)
    finally:
        diffs.MAX_PAIRS = limit

    assert (before_of(found), after_of(found)) == (before, after)


def test_one_changed_word_is_one_deletion_and_one_insertion():
    found = diff("Ask the user for a card.\nThen stop.\n", "Ask the admin for a card.\nThen stop.\n")

    assert found == [
        Piece("same", "Ask the "),
        Piece("del", "user"),
        Piece("ins", "admin"),
        Piece("same", " for a card.\nThen stop.\n"),
    ]


def test_a_word_kept_by_chance_between_larger_changes_counts_as_changed():
    found = diff("payment is refused, ask the user", "the booking and its total is wrong, add the bag fees")

    assert [piece.op for piece in found] == ["del", "ins"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n" * 100_000, "a" + "\n" * 99_000 + "b"),
        ("a " * 50_000, "b " + "a b " * 25_000),
        (" ".join(f"k{n} a" for n in range(12_000)), " ".join(f"k{n} b" for n in range(12_000))),
        ("ab\n" * 33_000, "ba\n" * 33_000),
        ("x" * 100_000, "y" * 100_000),
    ],
)
def test_a_hundred_kilobytes_built_to_hurt_take_seconds_at_most(before, after):
    start = time.monotonic()

    found = diff(before, after)

    assert time.monotonic() - start < 5
    assert (before_of(found), after_of(found)) == (before, after)


def test_long_unchanged_stretches_are_folded_and_lose_nothing():
    lines = [f"line {number}\n" for number in range(100)]
    before, after = "".join(lines), "".join([*lines[:50], "new\n", *lines[50:]])

    found = diff_lines(before, after)

    assert after_of(found) == after
    assert [piece.lines for piece in found if piece.lines] == [47, 47]
    assert all(piece.lines or piece.text.count("\n") <= FOLD_ABOVE for piece in found)
    assert '<details class="fold"><summary>47 unchanged lines</summary>' in pieces(found)


@given(st.text(max_size=60))
def test_showing_hidden_characters_drops_no_character(text):
    assert "".join(segment.text for segment in segments(text)) == text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("admin\u202etxt.exe", "U+202E"),
        ("zero\u200bwidth", "U+200B"),
        ("tag\U000e0041", "U+E0041"),
        ("\x1b[31mred", "ESC"),
        ("over\rwritten", "CR"),
        ("no\u00a0break", "U+00A0"),
        ("line\u2028end", "U+2028"),
        ("selector\ufe01", "U+FE01"),
        ("bell\x07", "U+0007"),
        ("lonely \u200d joiner", "U+200D"),
    ],
)
def test_a_hidden_character_becomes_a_box_with_its_code_point(text, label):
    assert f"⟦{label}⟧" in visible(text)


@pytest.mark.parametrize("text", ["👨\u200d👩\u200d👧", "می\u200cخواهم", "café\tand\nmore", "日本語"])
def test_text_that_needs_its_joiners_stays_whole(text):
    assert visible(text) == f'<bdi class="quoted">{text}</bdi>'


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


@pytest.mark.parametrize(
    "shown",
    [
        visible(HOSTILE),
        claim(f"`{HOSTILE}` and {HOSTILE}"),
        marked(f"a {HOSTILE} b", HOSTILE),
        marked("nothing", HOSTILE),
        pieces(diff(HOSTILE, HOSTILE[::-1])),
        pieces([Piece("same", HOSTILE, lines=9)]),
    ],
)
def test_every_way_to_show_text_escapes_it(shown):
    assert "<script" not in shown
    assert "<img" not in shown


def test_a_claim_keeps_its_backticks():
    assert claim("call `book` now") == '<bdi class="quoted">call <code><i>`</i>book<i>`</i></code> now</bdi>'
    assert claim("an odd ` one") == '<bdi class="quoted">an odd ` one</bdi>'
