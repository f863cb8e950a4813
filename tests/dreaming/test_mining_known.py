"""What memory says already, and what it served: a dream never tells it again and never feeds on itself."""

from __future__ import annotations

import random

from dreaming.mining import MemoryView, MiningResult, SessionView, digest_session, mine
from tests.dreaming.test_mining_mine import Step, code, corpus, event, toll_paid, toll_without_ledger
from tests.dreaming.test_mining_preferences import ANCHORS, corrected


def dreamt(sessions: list[SessionView], *texts: str, served: dict[int, list[str]] | None = None) -> MiningResult:
    memories = [MemoryView(f"/m{number}.md", text, number + 10, served=30) for number, text in enumerate(texts)]
    return mine([digest_session(item) for item in sessions], memories=memories, served=served)


def tolls() -> list[SessionView]:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        return (toll_without_ledger(rng, repaired=bool(ref % 3)), "") if ref % 8 == 0 else (toll_paid(rng), "")

    return corpus(240, special)


def test_what_memory_says_already_is_left_out_with_the_place() -> None:
    result = dreamt(tolls(), "# Tolls\n\nFor pay_toll give ledger and quay in the first call.\n")
    assert result.findings == ()
    assert "memory says it already: /m0.md" in [item.reason for item in result.discarded]


def test_a_wish_that_memory_holds_in_other_words_is_left_out() -> None:
    assert dreamt(corrected(120, ANCHORS), "The weight of an anchor is noted in quintals.").findings == ()


def test_a_wish_about_the_thing_that_a_memory_speaks_of_is_not_what_it_says() -> None:
    result = dreamt(corrected(120, ANCHORS), "The weight of an anchor is painted on its crown in red.")
    assert not any(item.reason.startswith("memory says it already") for item in result.discarded)


def test_a_memory_that_shares_one_word_with_a_wish_is_about_something_else() -> None:
    (found,) = dreamt(corrected(120, ANCHORS), "The anchor bar opens at six.").findings
    assert found.kind == "preference"


def test_what_was_served_is_no_new_evidence() -> None:
    sessions = corrected(120, ANCHORS)
    assert len(dreamt(sessions).findings) == 1
    served = {view.ref: ["\n".join(ANCHORS)] for view in sessions}
    assert dreamt(sessions, served=served).findings == ()


def test_an_error_read_from_memory_is_no_new_evidence() -> None:
    text = "Error: the toll house lacks a ledger entry for this barge and wants a quay"
    sessions = []
    for view in corpus(80, lambda ref, rng: None):
        call = event(900, "tool_call", role="agent", tool="recall_notes", call_id="m", input="{}")
        read = event(901, "tool_result", role="tool", tool="recall_notes", call_id="m", output=text, is_error=True)
        sessions.append(
            SessionView(
                view.ref,
                view.external_id,
                view.agent,
                view.principal,
                view.task_id,
                "failure" if view.ref % 2 else "success",
                None,
                [*view.events, call, read],
            )
        )
    served = {view.ref: [f"# Tolls\n\n{text}, says the keeper."] for view in sessions}
    told = dreamt(sessions, served=served)
    assert "recall_notes" not in [item.tool for item in (*told.findings, *told.discarded)]
    assert "recall_notes" in [item.tool for item in (*dreamt(sessions).findings, *dreamt(sessions).discarded)]


def test_an_order_is_not_known_where_memory_names_one_of_its_steps_alone() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        bale = {"bale": code(rng)}
        parts: list[Step] = [("weigh_wool_bale", bale, "12"), ("bind_wool_bale", bale, "bound")]
        return (parts, "success") if rng.random() < 0.6 else (parts[::-1], "failure")

    alone = "Call `bind_wool_bale` before the carts leave; call it with the number of the bale."
    both = "Call `weigh_wool_bale` before `bind_wool_bale`."
    assert [found.kind for found in dreamt(corpus(300, special), alone).findings] == ["workflow"]
    assert dreamt(corpus(300, special), both).findings == ()
