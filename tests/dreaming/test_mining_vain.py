"""Answers that agents take for errors though nothing marks them, and tools that never work."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dreaming.mining.failures import plain_answer
from dreaming.mining.values import SessionView
from tests.dreaming.test_mining_mine import Step, code, corpus, only, passed

WORKS = ["mill", "forge", "smithy", "tannery", "brewery", "granary", "stable", "kiln", "quarry", "chapel"]


def again(tool: str, rng: random.Random, *answers: str) -> list[Step]:
    """The same call for each answer."""
    given = {"spot": code(rng)}
    return [(tool, given, said) for said in answers]


def test_an_answer_that_makes_agents_call_again_is_a_failure_however_sessions_end() -> None:
    worded = ["the harbour pilot stays unassigned tonight", "no pilot of the harbour came forward"]

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return again("sound_depth", rng, f"{rng.randrange(40)} fathoms of water over the shoal"), ""
        return again("book_pilot", rng, *rng.choices(worded, k=2 if ref % 40 == 0 else 1)), ""

    found = only(passed(corpus(400, special)))
    assert (found.kind, found.tool, found.support.sessions) == ("recurring_failure", "book_pilot", 40)


def test_an_answer_that_is_waited_for_is_none() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return again("sound_depth", rng, f"{rng.randrange(40)} fathoms of water over the shoal"), ""
        return again("dredge_basin", rng, "the dredger still works the basin", "the basin lies open to barges now"), ""

    assert passed(corpus(400, special)).findings == ()


def test_an_answer_that_is_an_error_elsewhere_is_one_though_some_servers_forget_the_flag() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return None
        said = f"capstan {code(rng)} turns against its pawl"
        flag = True if ref % 20 else None
        return [("turn_capstan", {"spot": code(rng)}, said, flag)], "success" if ref % 70 == 0 else "failure"

    found = only(passed(corpus(400, special)))
    assert found.support.sessions == 40


def test_a_tool_that_never_works_is_told_once() -> None:
    worded = [
        "the ferry chain rusts under water",
        "winch crew on strike since spring",
        "toll house burnt to its stones",
    ]

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 5:
            return None
        hailed = ("hail_ferry", {"spot": code(rng)}, worded[ref // 5 % 3], True)
        return [hailed] * (2 if ref % 15 == 0 else 1), ""

    found = only(passed(corpus(400, special)))
    assert (found.tool, found.support.sessions) == ("hail_ferry", 80)


def test_names_of_several_words_do_not_split_an_error() -> None:
    places = [
        "Upper Reach",
        "Low Quay Basin",
        "Hythe",
        "Barge Yard",
        "Old Swan",
        "Teal",
        "Eyot Cut",
        "Fen",
        "Rye",
        "Sedge",
    ]

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        barge = {"barge": code(rng)}
        if ref % 8:
            return [("moor_barge", barge, "moored")], ""
        said = f"berths along {places[ref // 8 % 10].lower()} are let until the autumn fair"
        return [("moor_barge", barge, said, True)], "success" if ref % 80 == 0 else "failure"

    found = next(item for item in passed(corpus(320, special)).findings if item.kind == "recurring_failure")
    assert found.template == "berths along <*> are let until the autumn fair"
    assert found.support.sessions == 40


def test_the_one_sentence_in_an_answer_is_what_it_says() -> None:
    assert plain_answer('{"status": "done", "text": "no slot before noon"}') == "no slot before noon"
    assert plain_answer('{"slot": null, "text": "we will call back"}') == "slot is null; text is we will call back"


def test_what_agents_do_after_an_answer_that_only_some_servers_mark_is_counted() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 5:
            return [("moor_barge", {"spot": code(rng), "ring": "iron"}, {"moored": 1})], ""
        given = {"spot": code(rng)}
        failed = ("moor_barge", given, f"no ring is named for {code(rng)}", True if ref % 15 else None)
        return [failed, ("moor_barge", {**given, "ring": "iron"}, {"moored": 1})], ""

    found = only(passed(corpus(300, special)))
    assert found.remedy is not None
    assert (found.kind, found.remedy.change, found.remedy.adopted) == ("workaround", "arguments: add ring", 60)


@pytest.mark.parametrize(("outcome", "kind"), [("success", "workaround"), ("failure", "recurring_failure")])
def test_another_tool_is_a_remedy_where_it_is_hardly_called_else_and_saves_the_day(outcome: str, kind: str) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return [("send_pilot", {"reach": code(rng), "at": "dawn"}, {"sent": 1})], ""
        failed = ("send_pilot", {"reach": code(rng), "at": "dusk"}, "Error: pilots rest at dusk", True)
        return [failed, ("ring_lightship", {"bell": rng.randrange(9)}, {"rung": 1})], outcome

    assert only(passed(corpus(300, special))).kind == kind


def test_a_plain_answer_that_denies_in_the_words_of_an_error_is_that_error() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 5:
            return [("moor_barge", {"spot": code(rng), "ring": "iron"}, "the barge lies safe at her berth")], ""
        given = {"spot": code(rng)}
        marked = ("moor_barge", given, f"bollard refuses hawser of {code(rng)}", True)
        plain = ("moor_barge", given, f"0 turns taken round any bollard near {code(rng)}", None)
        return [marked if ref % 10 else plain, ("moor_barge", {**given, "ring": "iron"}, {"moored": 1})], ""

    found = only(passed(corpus(300, special)))
    assert found.remedy is not None
    assert (found.kind, found.support.sessions) == ("workaround", 60)
    assert (found.remedy.change, found.remedy.adopted, found.remedy.usual) == ("arguments: add ring", 60, 0.0)


def test_an_answer_of_success_in_the_words_of_an_error_is_none() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        said = f"bollard holds the hawser of {code(rng)}"
        if ref % 5:
            return [("moor_barge", {"spot": code(rng), "ring": "iron"}, said)], ""
        given = {"spot": code(rng)}
        marked = ("moor_barge", given, f"bollard refuses hawser of {code(rng)}", True)
        return [marked, ("moor_barge", {**given, "ring": "iron"}, said)], ""

    assert only(passed(corpus(300, special))).support.sessions == 60


def test_one_failure_in_the_words_of_two_backends_is_told_once() -> None:
    worded = {0: "dredger idle, boiler pressure lost at {}", 1: "{} reports steam below mark"}
    sides = {"agent-a": 0, "agent-b": 0, "agent-c": 1, "agent-d": 1}

    def sessions() -> list[SessionView]:
        def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
            if ref % 8:
                return ([("dredge_basin", {"reach": code(rng)}, {"dug": 1})], "") if ref % 3 else None
            said = worded[ref // 8 % 2].format(code(rng))
            return [("dredge_basin", {"reach": code(rng)}, said, True)], "success" if ref % 40 == 0 else "failure"

        made = corpus(320, special)
        names = {side: [name for name, own in sides.items() if own == side] for side in (0, 1)}
        return [replace(one, agent=names[one.ref // 8 % 2][one.ref // 16 % 2]) for one in made]

    assert only(passed(sessions())).support.sessions == 40


def test_a_failure_that_nothing_marks_is_found_where_other_sessions_end_badly_for_another_reason() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 20 == 0:
            said = rng.choice(["no oil left in lantern {}", "wick drowned, lantern of {} not lit"]).format(code(rng))
            return [("light_beacon", {"spot": code(rng)}, said)], "success" if ref % 40 == 0 else "failure"
        if ref % 3 == 0:
            return [("haul_timber", {"spot": code(rng)}, f"raft {code(rng)} broke apart", True)], "failure"
        return [], "success" if ref % 5 else ""

    titles = [found.title for found in passed(corpus(400, special)).findings]
    assert len([title for title in titles if title.startswith("light_beacon")]) == 1
