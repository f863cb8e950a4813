"""Which words of a wish take a side, and which remarks are wishes at all: what is said beside one, of when it holds, of how many."""

from __future__ import annotations

from dataclasses import replace

from dreaming.mining import SessionView
from dreaming.mining.asides import without_asides
from dreaming.mining.fillings import filled_in
from dreaming.mining.numerals import named_numbers, with_named_numbers
from dreaming.mining.polarity import leanings_of
from tests.dreaming.test_mining_mine import event
from tests.dreaming.test_mining_preferences import corrected, dreamt


def test_what_is_said_of_when_a_wish_holds_takes_no_side() -> None:
    assert leanings_of("Whisper to calves that nurse if the ewe isn't near -> bell") == leanings_of(
        "Whisper to calves that nurse if the ewe isn't near → bell"
    )
    assert leanings_of("if the ewe isn't penned -> bell")["bell"] == 1
    assert leanings_of("bell the ewes who are not penned") == {"bell": 1, "ewe": 1, "penn": 0}
    assert leanings_of("I hate it when you bell the ewes")["bell"] == -1


def test_who_refuses_a_number_of_things_does_not_refuse_the_thing() -> None:
    assert leanings_of("don't hang three bells per ewe")["bell"] == 0
    assert leanings_of("max two bells")["bell"] == 0
    assert leanings_of("there's a third bell on some ewes, get rid of it")["third"] == -1


def test_what_goes_with_a_wish_is_taken_off_without_a_full_stop_before_it() -> None:
    texts = [
        "bell the ewes Thanks",
        *(f"{word} That holds for all our herds." for word in ("shear it", "salt that", "pen it")),
    ]
    texts += [f"{word} That holds for all our herds." for word in ("comb goats", "weigh lambs", "bell the ewes")]
    assert without_asides(texts)[0] == without_asides(texts)[-1] == "bell the ewes"


def test_a_wording_with_another_name_each_time_is_data_of_its_task() -> None:
    names = ("Marlow Ltd", "Finch Ltd", "Tarn Sons", "Ockley", "Brill Ltd")
    said = [f"I said {name}, another farm." for name in names]
    assert all(filled_in(said))
    assert not any(filled_in(["I said Marlow Ltd, another farm.", "no goats in the barn", "never Marlow goats"]))
    assert dreamt(corrected(200, tuple(said))).findings == ()


def test_a_count_is_one_whether_in_digits_or_as_a_word() -> None:
    said = [("ann", "2 bells at most"), ("bo", "hang two bells"), ("cy", "only 2 bells please"), ("di", "shed 14")]
    named = named_numbers(said)
    assert named == {"2"}
    assert with_named_numbers("2 bells", named).split() == ["two", "bells"]


def test_a_contest_within_half_of_a_group_does_not_silence_the_other_half() -> None:
    feud = (
        "Lambs are shorn at dawn, always.",
        "Never have lambs shorn at dawn.",
        "Have the lambs shorn at dawn, please.",
        "No lambs shorn at dawn here.",
        "Dawn is when lambs must be shorn.",
        "Don't have lambs shorn at dawn.",
    )
    calm = (
        "Weigh lambs in stones, never in pounds.",
        "No pounds, weigh the lambs in stones.",
        "Lambs are weighed in stones, not pounds.",
    )
    titles = [item.title for item in dreamt(corrected(400, (*feud, *calm))).findings]
    assert not any("dawn" in title.lower() for title in titles)
    assert any("stones" in title for title in titles)


def test_acts_that_everybody_answers_do_not_join_wishes() -> None:
    shearing = ("Shear ewes from the left.", "Ewes: start at the left, please.", "Left first for ewes, always.")
    salting = ("Salt the hay twice.", "Never salt hay only once.", "Hay wants salt two times, please.")

    def done(ref: int, text: str) -> SessionView:
        view = corrected(ref + 1, (text,), every=1)[ref]
        events = [one for one in view.events if one.type != "correction"]
        events.append(event(len(events), "message", role="agent", text="All done, anything else?"))
        events.append(event(len(events), "correction", role="user", text=text))
        return replace(view, events=events)

    views = [done(ref, (shearing, salting)[ref % 2][ref // 2 % 3]) for ref in range(60)]
    assert len(dreamt(views).findings) == 2
