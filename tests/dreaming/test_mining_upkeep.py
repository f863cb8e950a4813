"""What nobody reads is proposed to go, a few a pass, and a store too long is told."""

from __future__ import annotations

from dreaming.mining import MemoryView, digest_session, mine
from dreaming.mining.values import Upkeep
from tests.dreaming.test_mining_mine import corpus


def test_what_nobody_reads_is_proposed_to_go_and_a_store_too_long_is_told() -> None:
    memories = [
        MemoryView("/a.md", "x y z " * 12_000, 1, served=40),
        MemoryView("/b.md", "The bell rings.", 2, served=0),
        MemoryView("/c.md", "Nobody counted who reads this.", 3),
    ]
    result = mine([], memories=memories)
    (found,) = result.findings
    assert isinstance(found.lesson, Upkeep)
    assert (found.lesson.operation, found.lesson.path) == ("delete", "/b.md")
    assert any("too many to be read" in item.reason for item in result.discarded)


def test_what_is_too_new_to_have_been_read_stays() -> None:
    memories = [
        MemoryView("/a.md", "The bell rings at dawn.", 1, served=40, offered=40),
        MemoryView("/b.md", "Soup is served at noon.", 2, served=0, offered=3),
    ]
    assert mine([], memories=memories).findings == ()


def test_where_nobody_counted_who_was_offered_what_the_sessions_that_were_given_anything_count() -> None:
    sessions = corpus(60, lambda ref, rng: None)
    memories = [
        *(
            MemoryView(f"/{number}.md", f"Quay {number} floods at tide {number}.", 1, served=6)
            for number in (1, 2, 3, 4)
        ),
        MemoryView("/soup.md", "Soup is served at noon.", 2, served=0),
    ]
    served = {view.ref: [memories[view.ref % 4].text] for view in sessions if view.ref % 2}
    digests = [digest_session(view) for view in sessions]
    assert [item.template for item in mine(digests, memories=memories, served=served).findings] == ["/soup.md"]
    few = dict(list(served.items())[:12])
    assert mine(digests, memories=memories, served=few).findings == ()


def test_of_what_nobody_reads_a_few_are_proposed_a_pass() -> None:
    dishes = ("soup", "bread", "herring", "plums", "cheese", "porridge")
    idle = [
        MemoryView(f"/{dish}.md", f"There is {dish} on day {number}.", number, served=0, offered=30 + number)
        for number, dish in enumerate(dishes)
    ]
    result = mine([], memories=[MemoryView("/a.md", "The bell rings at dawn.", 9, served=40, offered=40), *idle])
    assert [item.template for item in result.findings] == ["/cheese.md", "/plums.md", "/porridge.md"]
    assert {item.template for item in result.discarded} == {"/bread.md", "/herring.md", "/soup.md"}
