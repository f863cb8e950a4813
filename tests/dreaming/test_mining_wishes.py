"""Wishes read from turns of phrase: what is wanted, given up or left alone, in which order, and about which thing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dreaming.mining import Finding, MiningResult
from dreaming.mining.frames import put_plainly
from dreaming.mining.orders import first_of
from dreaming.mining.polarity import leanings_of
from tests.dreaming.test_mining_preferences import corrected, dreamt


def wished(result: MiningResult) -> list[Finding]:
    return [item for item in result.findings if item.kind == "preference"]


def contested(result: MiningResult) -> bool:
    return any(item.reason.startswith("contested") for item in result.discarded)


def said_by_all(words: Sequence[str]) -> MiningResult:
    return dreamt(corrected(120, words))


@pytest.mark.parametrize(
    "text",
    [
        "Don't forget the ballast in the manifest.",
        "You left out the ballast.",
        "Where's the ballast?",
        "The manifest ought to name the ballast, it didn't.",
        "The ballast? It belongs in the manifest.",
        "The ballast is missing.",
        "I'd like the ballast in it, ok?",
        "Stop - I want the ballast named.",
    ],
)
def test_who_misses_a_thing_wants_it(text: str) -> None:
    assert leanings_of(text)["ballas"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "Replace the ballast by cargo.",
        "I'd rather you wrote cargo than ballast.",
        "We prefer cargo over ballast.",
        "Write cargo and leave ballast aside.",
        "The manifest with the ballast is too long, take it out, ok?",
        "You weigh the ballast every time. Quit it.",
        "The ballast was not supposed to be weighed.",
        "Keep the ballast from being weighed.",
        "Leave the ballast as it is.",
        "Ballast lines are wrong. Cargo, please.",
        "I do n\u200bot want the ballast weighed.",
    ],
)
def test_who_gives_a_thing_up_or_leaves_it_alone_refuses_it(text: str) -> None:
    assert leanings_of(text)["ballas"] == -1


def test_what_is_refused_itself_is_not_turned_round() -> None:
    assert put_plainly("Do not replace the ballast by cargo.") == "Do not replace the ballast by cargo."


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("The ballast before the cargo, please.", 1),
        ("Lead with the ballast and follow with the cargo.", 1),
        ("Don't begin with the cargo, the ballast goes on top.", 1),
        ("Why is the cargo first? It should be the ballast.", 1),
        ("The cargo must never come before the ballast.", 1),
        ("The ballast belongs below the cargo.", -1),
        ("Wrong way round: first cargo, ballast after it.", -1),
        ("The first ballast with the cargo.", 0),
        ("Ballast and cargo.", 0),
    ],
)
def test_the_order_of_two_things_is_read_from_the_words_around_them(text: str, first: int) -> None:
    assert first_of(text, "ballas", "cargo") == first


BEFORE = (
    "Put the ballast above the cargo.",
    "The ballast comes first, before the cargo.",
    "Don't begin with the cargo, the ballast goes on top.",
    "Why is the cargo first? It should be the ballast.",
    "Start with the ballast, then the cargo.",
)


def test_one_order_in_many_words_is_one_wish() -> None:
    (found,) = wished(said_by_all(BEFORE))
    assert found.support.sessions == 30


def test_opposite_orders_of_the_same_two_things_are_contested() -> None:
    swapped = [text.replace("ballast", "c").replace("cargo", "ballast").replace(" c", " cargo") for text in BEFORE]
    result = said_by_all([*BEFORE, *swapped])
    assert wished(result) == []
    assert contested(result)


def test_what_is_done_to_a_thing_is_refused_by_those_too_who_keep_it() -> None:
    words = (
        "Don't modernise the hymns.",
        "Please keep the hymns in the old tongue.",
        "The hymns must not be rewritten.",
        "Never shorten the hymns.",
        "The hymns stay what they are, always.",
    )
    (found,) = wished(said_by_all(words))
    assert "hymns" in found.title


def test_an_act_that_some_ask_for_and_others_refuse_is_contested() -> None:
    words = (
        "Don't laminate, I need the margins.",
        "Keep the margins, never laminate.",
        "Please leave the margins in, no laminating.",
        "Laminated is useless, margins please.",
        "Please laminate, margins are a mess.",
        "No margins, laminate it.",
        "Laminate the charts, no margins.",
        "Shiny sheets, please laminate.",
    )
    result = said_by_all(words)
    assert wished(result) == []
    assert contested(result)


def test_all_agree_who_want_one_word_instead_of_another_whatever_they_say_of_that() -> None:
    words = (
        "Say fathoms, not metres.",
        "Depth in fathoms, no metres please.",
        "Fathoms! Metres mean nothing at sea.",
        "Give depths as fathoms; metres are for landsmen.",
        "Please convert metres to fathoms.",
    )
    (found,) = wished(said_by_all(words))
    assert "athoms" in found.title


def test_a_wish_that_people_share_is_told_beside_one_that_divides_them_in_the_same_words() -> None:
    words = (
        "Please add the tonnage to the report.",
        "The report should show the tonnage.",
        "Don't forget the tonnage in the report.",
        "You left out the tonnage. Every report needs it.",
        "Please add the pilot to the report.",
        "The report should show the pilot.",
        "I'd rather have the report without the pilot.",
        "Never show the pilot in the report.",
    )
    result = said_by_all(words)
    assert [("tonnage" in item.title, "pilot" in item.title) for item in wished(result)] == [(True, False)]
    assert contested(result)


def test_who_only_wants_something_done_over_teaches_nothing() -> None:
    result = said_by_all(["This isn't right, have another look.", "Not good, please try that again."])
    assert wished(result) == []
