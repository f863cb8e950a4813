"""Answers in a plain sentence that are all there is to say are no failures, and what comes after them no remedy."""

from __future__ import annotations

import random

from dreaming.mining import MemoryView, digest_session, mine
from dreaming.writer import write
from tests.dreaming.test_mining_mine import Step, code, corpus, lock_steps, only, passed, session


def inspected(rng: random.Random) -> Step:
    lock = code(rng)
    return ("inspect_lock", {"lock": lock}, {"lock": lock, "level": rng.randrange(9)})


def test_a_sentence_among_data_that_every_call_gives_is_no_failure() -> None:
    rng = random.Random(3)
    sessions = []
    for ref in range(200):
        painted = [("paint_buoy", {"buoy": code(rng)}, "two coats on the hull") for _ in range(1 + ref % 2)]
        steps = [inspected(rng) for _ in range(6)]
        steps += painted if ref % 5 == 0 else []
        sessions.append(session(ref, steps, outcome=rng.choice(["success", "success", "failure"])))
    assert passed(sessions).findings == ()


def test_a_sentence_among_data_with_which_nearly_all_sessions_fail_is_a_failure() -> None:
    rng = random.Random(4)
    sessions = []
    for ref in range(200):
        failing = ref % 5 == 0
        steps = [inspected(rng) for _ in range(6)]
        steps += [("read_tide", {"spot": code(rng)}, "tide table of last winter")] * 2 if failing else []
        won = ref % 25 == 0 if failing else ref % 4 > 0
        sessions.append(session(ref, steps, outcome="success" if won else "failure"))
    found = only(passed(sessions))
    assert (found.tool, found.support.sessions) == ("read_tide", 40)


def test_what_agents_do_after_hearing_that_there_is_nothing_is_their_next_step() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 5:
            return None
        steps: list[Step] = [("list_debts", {"barge": code(rng)}, {"debts": []})]
        return [*steps, ("ask_harbour", {"barge": code(rng)}, {"free": 1})] if ref % 3 else steps, ""

    assert [found.kind for found in passed(corpus(300, special)).findings if found.tool == "list_debts"] == []


def test_the_rationale_says_whom_the_sessions_are_compared_with() -> None:
    def unmarked(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return None
        return [
            ("sound_depth", {"spot": code(rng)}, "the lead line came up slack")
        ], "failure" if ref % 50 else "success"

    def marked(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return [("sound_depth", {"spot": code(rng)}, {"fathoms": rng.randrange(9)})], ""
        return [("sound_depth", {"spot": code(rng)}, "Error: the lead line came up slack", True)], "failure"

    everybody = write(only(passed(corpus(300, unmarked)))).rationale
    callers = write(only(passed(corpus(300, marked)))).rationale
    assert "among the other sessions compared, whatever they called," in everybody
    assert "among the other sessions that called the tool" in callers


def test_a_memory_that_names_what_the_error_names_and_says_its_words_says_it_already() -> None:
    rng = random.Random(5)
    sessions = []
    for ref in range(200):
        steps = lock_steps(rng)
        barred: Step = (
            "ask_archive",
            {"shelf": "toll_rolls"},
            f"BARRED toll_rolls: seal not shown for {code(rng)}",
            True,
        )
        open_shelf: Step = ("ask_archive", {"shelf": "tide_rolls"}, {"pages": rng.randrange(40)})
        steps += [barred] if ref % 5 == 0 else [open_shelf]
        sessions.append(session(ref, steps, outcome="failure" if ref % 5 == 0 and ref % 3 else "success"))
    digests = [digest_session(item) for item in sessions]
    known = MemoryView(
        "/rolls.md", "Opening toll_rolls is barred (seal not shown). Read quay_rolls, others are closed.", 1
    )
    assert [found.tool for found in mine(digests).findings] == ["ask_archive"]
    assert mine(digests, memories=[known]).findings == ()
