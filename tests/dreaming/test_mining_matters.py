"""Wishes in long turns: one matter of a letter among others, what is said after a false start, and what is no wish at all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dreaming.mining import Finding, MiningResult
from dreaming.mining.asides import enquires
from dreaming.mining.matters import matters_of
from tests.dreaming.test_mining_preferences import corrected, dreamt

PLAIN = (
    "Give the tide height in metres.",
    "Tide heights in metres, please.",
    "I want every tide height in metres, never in feet.",
    "Please state each tide height in metres.",
    "Write the tide height in metres instead of feet.",
    "The tide height should always be in metres.",
)
LETTERS = tuple(
    f"Dear harbour office,\n\nmany points today. First, {beside} Secondly, {wish} Lastly, call me on Tuesday.\n\nBest wishes,\nOdile"
    for beside, wish in (
        ("the pilot boat needs paint.", "tide heights belong in metres, please."),
        ("our mooring fee went up.", "please put the tide height in metres and not in feet."),
        ("somebody lost an oar.", "I asked for the tide height in metres, not feet."),
        ("the lantern is lit again.", "always show the tide height in metres."),
    )
)


def wished(result: MiningResult) -> list[Finding]:
    return [item for item in result.findings if item.kind == "preference"]


def said_by_all(words: Sequence[str]) -> MiningResult:
    return dreamt(corrected(120, words))


def test_a_letter_is_read_as_its_matters_without_salutation_and_signature() -> None:
    letter = "Hello Bram,\n\nthe crane is back. Secondly, weigh each crate twice. No. 4 leaves late\n\nKind regards,\nTove Lund"
    assert matters_of(letter) == ["the crane is back.", "weigh each crate twice.", "No. 4 leaves late"]


def test_a_short_turn_stays_one_matter() -> None:
    assert matters_of("Weigh the crates twice. We lost one.") == ["Weigh the crates twice. We lost one."]


@pytest.mark.parametrize(
    "text",
    [
        "Ship it to the - no, wait. Weigh the crates twice.",
        "You can go on with berth four, hold on, actually: Weigh the crates twice.",
        "Fine, load them, or rather not yet. Weigh the crates twice.",
    ],
)
def test_what_is_taken_back_is_not_part_of_a_wish(text: str) -> None:
    assert matters_of(text) == ["Weigh the crates twice."]


def test_a_repair_that_leaves_next_to_nothing_keeps_the_turn() -> None:
    assert matters_of("Weigh the crates, or rather the sacks.") == ["Weigh the crates, or rather the sacks."]


def test_wishes_in_letters_count_and_are_quoted_without_what_stands_beside_them() -> None:
    alone, both = wished(said_by_all(PLAIN)), wished(said_by_all((*PLAIN, *LETTERS)))
    assert len(alone) == len(both) == 1
    assert all("tide" in ref.quote.lower() and "Odile" not in ref.quote for ref in both[0].evidence)


def test_what_stands_beside_wishes_in_letters_makes_no_wish() -> None:
    beside = [
        f"Dear all,\n\nplease confirm receipt of the crate list. {words} See you on Monday.\n\nRegards,\nOdile"
        for words in ("The ferry is late.", "The oars are wet.", "The crane broke.", "The lamp is dim.")
    ]
    assert not wished(said_by_all(beside))


@pytest.mark.parametrize(
    "text",
    [
        "Could you tell me when the ferry sank?",
        "Please let me know who steered it.",
        "Do you know how many crates came?",
    ],
)
def test_to_ask_for_one_fact_is_an_enquiry(text: str) -> None:
    assert enquires(text)


def test_to_ask_for_a_fact_of_every_case_is_a_wish() -> None:
    assert not enquires("Could you tell me who steered in each log?")
    assert not enquires("Please tell the skipper first.")


def test_frames_alike_about_other_things_each_time_are_no_wish() -> None:
    things = "anchor brazier capstan davit ensign fender gaff hawser jib keel lanyard mast".split()  # noqa: SIM905
    frames = (
        "always add the {} to the manifest",
        "no {} in the manifest, please",
        "where is the {}? it belongs in the manifest",
    )
    said = [frames[number % 3].format(thing) for number, thing in enumerate(things)]
    assert not wished(dreamt(corrected(12, said)))


def test_one_sentence_with_other_data_each_time_makes_and_joins_no_wish() -> None:
    slips = [
        f"Tide height is {number}.{number % 7} metres, you've written {number + 3}.4 metres."
        for number in range(20, 44)
    ]
    assert not wished(dreamt(corrected(96, slips)))
    assert max(item.support.sessions for item in wished(dreamt(corrected(192, [*PLAIN * 4, *slips])))) == 24
