"""What agents say of themselves, or of another numbered thing, corrects no memory; users' words and tools' answers do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dreaming.mining import SessionView
from dreaming.writer import write
from tests.dreaming.test_mining_known import dreamt, tolls
from tests.dreaming.test_mining_mine import corpus, event
from tests.dreaming.test_mining_news import corrected_texts
from tests.dreaming.test_mining_preferences import ANCHORS, corrected


def saying(text: str, role: str, every: int = 6) -> list[SessionView]:
    """Sessions of which every so many hold what an agent, a user or a tool says."""

    def view(one: SessionView) -> SessionView:
        if one.ref % every:
            return one
        if role == "tool":
            call = event(900, "tool_call", role="agent", tool="ask_desk", call_id="d", input="{}")
            answer = event(901, "tool_result", role="tool", tool="ask_desk", call_id="d", output=text)
            return replace(one, events=[*one.events, call, answer])
        return replace(one, events=[*one.events, event(900, "message", role=role, text=text)])

    return [view(one) for one in corpus(120, lambda ref, rng: None)]


@pytest.mark.parametrize(
    ("memory", "said", "after"),
    [
        (
            "The lower lock takes 6 hours to fill.",
            "The lower lock takes 4 hours to fill now, not 6 hours.",
            "The lower lock takes 4 hours to fill.",
        ),
        (
            "The Halvor ferry is moored by the Brennick crew.",
            "The Halvor ferry is moored by the Osterby crew now.",
            "The Halvor ferry is moored by the Osterby crew.",
        ),
    ],
)
def test_what_only_agents_say_corrects_no_memory(memory: str, said: str, after: str) -> None:
    path = "/river/halvor-lock.md"
    assert corrected_texts(saying(said, "agent"), memory, path) == []
    assert corrected_texts(saying(said, "user"), memory, path) == [after]
    assert corrected_texts(saying(said, "tool"), memory, path) == [after]


def test_the_number_of_a_thing_is_no_amount() -> None:
    memory = "Gate 3 lets barges through at dawn."
    said = memory.replace("Gate 3", "Gate 12")
    assert corrected_texts(saying(said, "user"), memory, "/river/gates.md") == []


def test_an_amount_behind_the_first_word_of_a_sentence_falls_where_several_name_the_old_one() -> None:
    memory = "Wait 6 minutes for the lower lock."
    said = "Wait 9 minutes for the lower lock, not 6 minutes."
    assert corrected_texts(saying(said, "user"), memory, "/river/lock.md") == ["Wait 9 minutes for the lower lock."]


def test_a_memory_that_a_dream_wrote_is_not_contradicted_by_what_has_little_to_do_with_it() -> None:
    (lesson,) = dreamt(tolls()).findings
    found = dreamt(corrected(120, ANCHORS), write(lesson).content).findings
    assert [item.kind for item in found] == ["preference"]
    (wish,) = found
    assert [item.kind for item in dreamt(tolls(), write(wish).content).findings] == ["workaround"]
