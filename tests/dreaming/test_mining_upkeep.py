"""Upkeep, what memory says already, and what it served: a dream changes single memories and never feeds on itself."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dreaming.mining import MemoryView, MiningResult, SessionView, digest_session, mine
from dreaming.mining.values import Upkeep
from dreaming.writer import write
from tests.dreaming.test_mining_mine import Step, code, corpus, event, toll_paid, toll_without_ledger
from tests.dreaming.test_mining_preferences import ANCHORS, answered, corrected


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


def test_a_memory_that_tells_the_error_of_a_tool_and_its_way_out_says_it_already() -> None:
    text = "When `pay_toll` answers that the toll house lacks a ledger entry: the clerk knows which ledger and quay."
    assert dreamt(tolls(), text).findings == ()
    assert dreamt(tolls(), "`pay_toll` is slow at night; the ledger is kept by the clerk.").findings != ()


def test_a_memory_that_quotes_an_error_says_it_already_though_it_names_no_tool() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return [("lower_sluice", {"gate": code(rng)}, {"lowered": 1})], ""
        frozen = "gate stays up: ice has grown between the sluice and its chain since dusk"
        return [("lower_sluice", {"gate": code(rng)}, frozen, True)], "success" if ref % 50 == 0 else "failure"

    (found,) = dreamt(corpus(300, special), "Ice on the river means that barges wait for the thaw in port.").findings
    assert found.kind == "recurring_failure"
    quoted = "When 'ice has grown between the sluice and its chain' is all you hear, pour warm brine over it."
    assert dreamt(corpus(300, special), quoted).findings == ()
    another = quoted.replace("When", "When `raise_sluice` answers")
    assert len(dreamt(corpus(300, special), another).findings) == 1


def test_a_memory_that_refuses_what_mends_the_error_is_corrected() -> None:
    (found,) = dreamt(
        tolls(), "payToll needs the barge alone; leave ledger and quay out.", "Tolls go to the bank."
    ).findings
    assert isinstance(found.lesson, Upkeep)
    assert (found.kind, found.lesson.operation, found.lesson.path) == ("upkeep", "update", "/m0.md")


def test_a_memory_that_shares_one_word_with_a_wish_is_about_something_else() -> None:
    (found,) = dreamt(corrected(120, ANCHORS), "The anchor bar opens at six.").findings
    assert found.kind == "preference"


def test_a_memory_that_users_contradict_is_corrected_in_its_place_alone() -> None:
    text = "# Harbour\n\n- Give anchor weights in stones, never in quintals.\n- The bell rings at dawn.\n"
    (found,) = dreamt(corrected(120, ANCHORS), text).findings
    assert found.kind == "upkeep"
    assert isinstance(found.lesson, Upkeep)
    assert (found.lesson.operation, found.lesson.path, found.lesson.version) == ("update", "/m0.md", 10)
    assert "- The bell rings at dawn." in found.lesson.content
    assert "never in quintals" not in found.lesson.content
    assert write(found).path == "/m0.md"
    assert write(found).content == found.lesson.content
    assert all(item.stance == "supports" for item in found.evidence)


def test_a_memory_with_the_old_form_of_a_value_is_corrected() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        day = f"{rng.randrange(10, 28)}/{rng.randrange(10, 12)}/2031"
        good = "2031-{}-{}".format(*day.split("/")[1::-1])
        berth = code(rng)
        right: Step = ("book_berth", {"day": good, "berth": berth}, "booked")
        return (
            [("book_berth", {"day": day, "berth": berth}, "invalid almanac day", None), right]
            if ref % 6 == 0
            else [right]
        ), ""

    (found,) = dreamt(corpus(240, special), "book_berth takes the day as DD/MM/YYYY.").findings
    assert found.kind == "upkeep"
    assert isinstance(found.lesson, Upkeep)
    assert "`1234-56-78`" in found.lesson.after


def test_two_memories_that_say_the_same_become_one_where_a_session_speaks_of_it() -> None:
    one = "Before pay_toll, look up the ledger of the barge. Keep the receipt for the guild.\n"
    two = "Look up the ledger of the barge before pay_toll.\n"
    sessions = corpus(60, lambda ref, rng: (toll_paid(rng), ""))
    (found,) = dreamt(sessions, one, two).findings
    assert isinstance(found.lesson, Upkeep)
    assert (found.lesson.operation, found.lesson.path, found.lesson.other) == ("delete", "/m1.md", "/m0.md")
    assert found.evidence


def test_what_only_one_of_two_doubles_says_is_kept() -> None:
    one = "Look up the ledger of the barge before pay_toll. The keeper wants the quay too. Keep the receipt of each toll.\n"
    two = "Before pay_toll, look up the ledger of the barge. The quay too, the keeper wants. Lanterns stay lit.\n"
    update, delete = dreamt(corpus(60, lambda ref, rng: (toll_paid(rng), "")), one, two).findings
    assert isinstance(update.lesson, Upkeep)
    assert isinstance(delete.lesson, Upkeep)
    assert (update.lesson.operation, update.lesson.path) == ("update", "/m0.md")
    assert update.lesson.content == f"{one.rstrip()}\n\n- Lanterns stay lit.\n"
    assert (delete.lesson.operation, delete.lesson.path, delete.lesson.other) == ("delete", "/m1.md", "/m0.md")
    assert "Lanterns stay lit. Approve this after the update" in write(delete).rationale


def test_doubles_that_disagree_in_a_number_stay() -> None:
    one, two = "pay_toll is refused after 40 barges a day.", "After 60 barges a day pay_toll is refused."
    result = dreamt(corpus(60, lambda ref, rng: (toll_paid(rng), "")), one, two)
    assert result.findings == ()
    assert "disagree" in result.discarded[0].reason


def test_a_duplicate_that_no_session_speaks_of_rests_on_the_two_texts() -> None:
    result = dreamt(
        corpus(60, lambda ref, rng: None), "The moon pool is salty in March.", "In March the moon pool is salty."
    )
    (found,) = result.findings
    assert (found.evidence, found.support.sessions) == ((), 0)
    assert "No session speaks of it" in write(found).rationale


def test_memories_that_say_opposite_things_are_no_duplicates() -> None:
    one, two = "Never call pay_toll at night by lantern.", "Always call pay_toll at night by lantern."
    assert dreamt(corpus(60, lambda ref, rng: (toll_paid(rng), "")), one, two).findings == ()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("The upper lock of the canal opens at dawn.", "The lower lock of the canal opens at dusk."),
        ("A loaded barge waits ten minutes at the quay.", "An empty barge waits twenty minutes at the bollard."),
    ],
)
def test_another_word_in_the_same_place_is_another_case_and_no_duplicate(one: str, two: str) -> None:
    assert dreamt(corpus(60, lambda ref, rng: None), one, two).findings == ()


def test_not_older_than_and_younger_than_are_no_disagreement() -> None:
    one = "Skippers of the ferry need a licence not older than four years."
    two = "A licence younger than four years is needed of each skipper of the ferry."
    result = dreamt(corpus(60, lambda ref, rng: None), one, two)
    assert [item.kind for item in result.findings] == ["upkeep"]


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


def test_what_sessions_say_is_over_in_many_wordings_is_corrected_in_a_users_words() -> None:
    said = (
        ("user", "The towing horses have been abolished for good."),
        ("user", "Towing horses? Nobody keeps them any more."),
        ("agent", "Barges are no longer pulled by towing horses."),
        ("tool", "towing horses: stable closed down"),
    )

    def view(one: SessionView, number: int) -> SessionView:
        role, text = said[number % 4] if number >= 0 else ("", "")
        kind = {"user": "correction", "agent": "message", "tool": "tool_result"}.get(role, "")
        if not kind:
            return one
        call = event(900, "tool_call", role="agent", tool="ask_stable", call_id="s", input="{}")
        answer = {"output": text, "tool": "ask_stable", "call_id": "s"} if role == "tool" else {"text": text}
        return replace(one, events=[*one.events, call, event(901, kind, role=role, **answer)])

    memory = MemoryView("/horses.md", "Barges are pulled by the towing horses of the stable.\nKeep the ropes dry.", 1)

    def found(share: int, only: int | None = None) -> list[str]:
        views = [
            view(one, -1 if one.ref % share else only if only is not None else one.ref // share)
            for one in corpus(240, lambda ref, rng: None)
        ]
        result = mine([digest_session(item) for item in views], memories=[memory])
        return [item.lesson.content for item in result.findings if isinstance(item.lesson, Upkeep)]

    (content,) = found(12)
    assert content.endswith("\nKeep the ropes dry.")
    assert content.partition("\n")[0] in {f"{text.rstrip('.')}." for _, text in said[:2]}
    assert found(120) == []
    assert found(12, only=3) == []


def test_of_what_nobody_reads_a_few_are_proposed_a_pass() -> None:
    dishes = ("soup", "bread", "herring", "plums", "cheese", "porridge")
    idle = [
        MemoryView(f"/{dish}.md", f"There is {dish} on day {number}.", number, served=0, offered=30 + number)
        for number, dish in enumerate(dishes)
    ]
    result = mine([], memories=[MemoryView("/a.md", "The bell rings at dawn.", 9, served=40, offered=40), *idle])
    assert [item.template for item in result.findings] == ["/cheese.md", "/plums.md", "/porridge.md"]
    assert {item.template for item in result.discarded} == {"/bread.md", "/herring.md", "/soup.md"}


@pytest.mark.parametrize("agreed", [True, False])
def test_an_amount_that_sessions_state_otherwise_is_corrected(agreed: bool) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 12:
            return None
        hours = 4 if agreed else rng.randrange(10, 99)
        return [("read_gauge", {"lock": code(rng)}, f"the lower lock takes {hours} hours to fill since spring")], ""

    memory = MemoryView("/locks.md", "The lower lock takes 6 hours to fill.\nKeep the ropes dry.", 1)
    findings = mine([digest_session(item) for item in corpus(240, special)], memories=[memory]).findings
    assert [item.lesson.content for item in findings if isinstance(item.lesson, Upkeep)] == (
        ["The lower lock takes 4 hours to fill.\nKeep the ropes dry."] if agreed else []
    )


def test_numbers_in_words_and_units_cut_short_count_as_the_amounts_they_are() -> None:
    said = (
        "the lower lock needs four hours since spring",
        "lower lock fill time 4 h",
        "no, four hours for the lower lock",
    )

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        return ([("read_gauge", {"lock": code(rng)}, said[ref // 12 % 3])], "") if ref % 12 == 0 else None

    memory = MemoryView("/locks.md", "The lower lock takes one hour to fill.", 1)
    (found,) = mine([digest_session(item) for item in corpus(240, special)], memories=[memory]).findings
    assert isinstance(found.lesson, Upkeep)
    assert (found.lesson.content, found.support.sessions) == ("The lower lock takes four hours to fill.", 20)


@pytest.mark.parametrize(
    ("text", "said", "corrected_to"),
    [
        (
            "The sluice opens for barges on Tuesday; book by Monday noon.",
            (
                "The sluice opens for barges on Thursday now, not Tuesday.",
                "Barges: sluice day is Thursday, no longer Tuesday.",
            ),
            "The sluice opens for barges on Thursday; book by Monday noon.",
        ),
        (
            "Send damage reports of the lock to the duty officer.",
            (
                "Damage reports of the lock now go to the night manager, not the duty officer.",
                "Lock damage reports: the night manager takes them, no longer the duty officer.",
            ),
            "Send damage reports of the lock to the night manager.",
        ),
    ],
)
def test_a_word_that_sessions_say_otherwise_is_corrected(text: str, said: tuple[str, str], corrected_to: str) -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        return ([("read_board", {"lock": code(rng)}, said[ref // 12 % 2])], "") if ref % 12 == 0 else None

    digests = [digest_session(item) for item in corpus(240, special)]
    (found,) = mine(digests, memories=[MemoryView("/lock.md", text, 1)]).findings
    assert isinstance(found.lesson, Upkeep)
    assert found.lesson.content == corrected_to
    assert mine(digests, memories=[MemoryView("/lock.md", corrected_to, 1)]).findings == ()
    assert mine(digests, memories=[MemoryView("/cook.md", "The cook serves soup on Tuesday.", 1)]).findings == ()


def test_a_memory_read_aloud_does_not_outvote_the_sessions() -> None:
    text = "The lower lock takes 6 hours to fill."

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 4 == 0:
            return [("read_notes", {"about": code(rng)}, f"/locks.md: {text}")], ""
        said = "since spring the lower lock fills in 4 hours, 6 hours was before"
        return ([("read_gauge", {"lock": code(rng)}, said)], "") if ref % 16 == 1 else None

    memory = MemoryView("/locks.md", text, 1)
    (found,) = mine([digest_session(item) for item in corpus(240, special)], memories=[memory]).findings
    assert isinstance(found.lesson, Upkeep)
    assert found.lesson.content == "The lower lock takes 4 hours to fill."


def test_a_memory_that_asks_for_what_users_object_to_is_corrected() -> None:
    words = (
        "Cases stay open until a person has looked.",
        "Do not close cases.",
        "Leave the case open, closing it is for me to do.",
        "A case stays open when you are done, please.",
    )

    def closing(ref: int) -> SessionView:
        if ref % 4:
            return answered(ref, ANCHORS[ref % len(ANCHORS)], f"The anchor weighs {ref} stones.")
        return answered(ref, words[ref // 4 % len(words)], f"I have closed the case {ref}.")

    result = dreamt([closing(ref) for ref in range(160)], "Close the case yourself when the last letter is answered.")
    assert [item.lesson.path for item in result.findings if isinstance(item.lesson, Upkeep)] == ["/m0.md"]


def test_a_memory_that_shows_the_refused_value_is_corrected() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        barge = code(rng)
        paid = ("pay_toll", {"barge": barge, "coin": "florin"}, "paid")
        if ref % 6:
            return [paid], ""
        return [("pay_toll", {"barge": barge, "coin": "thaler"}, "the toll house turns this away", True), paid], ""

    digests = [digest_session(item) for item in corpus(240, special)]
    stale = MemoryView("/tolls.md", "pay_toll takes coin=thaler.", 1)
    known = MemoryView("/tolls.md", "pay_toll takes coin=florin; thaler is refused.", 1)
    (found,) = mine(digests, memories=[stale]).findings
    assert isinstance(found.lesson, Upkeep)
    assert (found.lesson.path, found.lesson.why) == ("/tolls.md", "contradicted")
    assert mine(digests, memories=[known]).findings == ()


def replying(said: tuple[tuple[str, str], ...], before: str, every: int = 6) -> list[SessionView]:
    """Sessions of which every so many hold one of the sayings: a `user`'s reply to what the agent says, or a tool's answer."""

    def view(one: SessionView) -> SessionView:
        if one.ref % every:
            return one
        role, text = said[one.ref // every % len(said)]
        if role == "user":
            talk = event(900, "message", role="agent", text=before), event(901, "message", role="user", text=text)
            return replace(one, events=[*one.events, *talk])
        call = event(900, "tool_call", role="agent", tool="ask_desk", call_id="d", input="{}")
        answer = event(901, "tool_result", role="tool", tool="ask_desk", call_id="d", output=text)
        return replace(one, events=[*one.events, call, answer])

    return [view(one) for one in corpus(120, lambda ref, rng: None)]


def corrected_texts(sessions: list[SessionView], text: str, path: str = "/desk/memo.md") -> list[str]:
    result = mine([digest_session(item) for item in sessions], memories=[MemoryView(path, text, 1)])
    return [item.lesson.content for item in result.findings if isinstance(item.lesson, Upkeep)]


LEDGERS = (
    ("user", "no Inkwell anymore, use Quillion"),
    ("tool", "Ledgers: Quillion. Inkwell was retired."),
    ("user", "that's old, it's Quillion instead of Inkwell"),
    ("tool", "ledger desk: quillion (inkwell: decommissioned)"),
    ("user", "Inkwell is gone, ledgers are in Quillion now"),
    ("user", "we moved the ledgers from Inkwell to Quillion"),
)


def test_a_name_that_is_said_to_be_over_in_any_wording_gives_way_to_the_one_that_most_say_instead() -> None:
    sessions = replying(LEDGERS, "I look it up in Inkwell.")
    assert corrected_texts(sessions, "Ledgers are kept in Inkwell.") == ["Ledgers are kept in Quillion."]


@pytest.mark.parametrize(
    "text", ["Ledgers are kept in Quillion.", "Ledgers are in Quillion; Inkwell was switched off."]
)
def test_what_took_the_place_of_the_old_is_not_over_itself(text: str) -> None:
    assert corrected_texts(replying(LEDGERS, "I look it up in Quillion."), text) == []


def test_a_word_that_sessions_write_in_another_form_is_replaced_by_a_users_sentence() -> None:
    said = (
        ("user", "We have a steam crane now, nobody hauls the crates by rope any more."),
        ("user", "hauling by rope was abandoned, the steam crane does it"),
        ("user", "the steam crane replaced the hauling by rope"),
    )
    (content,) = corrected_texts(replying(said, "I note crates for hauling."), "Crates are hauled by rope at dusk.")
    assert content.removesuffix(".").lower() in {text.removesuffix(".").lower() for _, text in said}


FERRYMEN = (
    ("user", "why did you send the ferry log to Aldous Wren, he is retired. Corvin."),
    ("user", "the ferry log is Corvin's to sign"),
    ("tool", "ferry log 12: signed by Corvin"),
    ("user", "Corvin took over the ferry from Aldous Wren"),
    ("user", "Aldous lost the ferry, Corvin won it"),
    ("user", "ask Corvin about that ferry"),
)


def test_who_many_name_for_the_matter_takes_the_place_of_who_a_few_say_is_gone() -> None:
    text = "Signatures come from Aldous Wren, who keeps the ferry log."
    (corrected,) = corrected_texts(replying(FERRYMEN, "Sent it.", every=4), text, "/river/ferry.md")
    assert "Corvin" in corrected


def test_a_reply_to_the_memorys_amount_is_about_it_also_without_its_words_or_unit() -> None:
    said = (
        ("user", "you still find them: it is 45 days"),
        ("user", "14 is wrong, 45 days since the flood"),
        ("tool", "tide notices are kept for 45 days"),
        ("user", "it's 45, not 14"),
    )
    sessions = replying(said, "The notices are gone after 14 days.")
    assert corrected_texts(sessions, "Tide notices are kept for 14 days.") == ["Tide notices are kept for 45 days."]
    assert corrected_texts(sessions, "Tide notices are kept for 45 days.") == []


def test_an_amount_that_a_log_repeats_does_not_crowd_out_what_is_stated() -> None:
    log = "\n".join(f"mark {number} read at gauge {number} in {number + 3} ms" for number in range(20))

    def view(one: SessionView) -> SessionView:
        calls = [
            event(800 + at, kind, role=role, tool="read_log", call_id="l", **{key: text})
            for at, (kind, role, key, text) in enumerate(
                (("tool_call", "agent", "input", "{}"), ("tool_result", "tool", "output", log))
            )
        ]
        return replace(one, events=[*one.events[:1], *calls, *one.events[1:]])

    said = (("tool", "the lower lock now takes 4 hours to fill"),)
    sessions = [view(one) for one in replying(said, "")]
    text = "The lower lock takes 6 hours to fill."
    assert corrected_texts(sessions, text) == ["The lower lock takes 4 hours to fill."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "A mooring permit expires at the end of the year.",
            (
                ("user", "my permit has expired, can you renew it"),
                ("user", "the permit was cancelled by mistake"),
                ("tool", "mooring permit P-4411 expired"),
            ),
        ),
        (
            "A seat on the ferry is held for 45 minutes.",
            (
                ("user", "how long is a barge seat held? 30 minutes?"),
                ("tool", "barge: held 30 minutes"),
                ("user", "for the barge it is 30 minutes, right"),
            ),
        ),
        (
            "Bills in florins are converted at the rate of 3 days before.",
            (("user", "they have 14 days to pay the bill"), ("tool", "bill: payment due in 14 days")),
        ),
        (
            "The lower crane is behind the customs shed.",
            tuple(("tool", f"crane list is outdated since dawn, crane K{number}7 not moved") for number in range(9)),
        ),
    ],
)
def test_what_is_over_for_one_or_holds_for_another_case_contradicts_nothing(
    text: str, said: tuple[tuple[str, str], ...]
) -> None:
    assert corrected_texts(replying(said, "I am looking into it."), text) == []


def test_users_who_say_what_is_new_now_make_no_wish_beside_the_correction() -> None:
    sessions = replying(tuple(item for item in LEDGERS if item[0] == "user"), "I look it up in Inkwell.")
    (found,) = mine(
        [digest_session(item) for item in sessions], memories=[MemoryView("/l.md", "Ledgers are kept in Inkwell.", 1)]
    ).findings
    assert found.kind == "upkeep"


def test_an_approved_correction_is_not_turned_back_by_the_same_sessions() -> None:
    sessions = replying(
        (
            ("user", "since spring it's 11 florins, not 8"),
            ("tool", "pilot fee: 11 florins (was 8 florins)"),
            ("user", "8 florins is the old pilot fee"),
            ("user", "the pilot fee went from 8 to 11 florins"),
        ),
        "The pilot fee is 8 florins.",
    )
    (content,) = corrected_texts(sessions, "The pilot fee is 8 florins.", "/harbour/pilot-fee.md")
    assert content == "The pilot fee is 11 florins."
    assert corrected_texts(sessions, content, "/harbour/pilot-fee.md") == []


def test_to_forbid_and_to_let_nobody_are_no_disagreement() -> None:
    one = "Nobody may stand between barges while the sluice is running."
    two = "While the sluice is running, standing between barges is forbidden to everybody."
    result = dreamt(corpus(60, lambda ref, rng: None), one, two)
    assert [item.kind for item in result.findings] == ["upkeep"]


def test_a_duplicate_of_which_only_what_is_private_speaks_is_told_without_a_quote() -> None:
    one, two = "The moon pool is salty in March.", "In March the moon pool is salty."
    said = ("user", "the moon pool is salty again, my password: Tr0ub4dor-and-3")
    sessions = replying((said,), "I look at it.")
    (found,) = dreamt(sessions, one, two).findings
    assert isinstance(found.lesson, Upkeep)
    assert (found.lesson.why, found.evidence) == ("duplicate", ())


def test_an_order_is_not_known_where_memory_names_one_of_its_steps_alone() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        bale = {"bale": code(rng)}
        parts: list[Step] = [("weigh_wool_bale", bale, "12"), ("bind_wool_bale", bale, "bound")]
        return (parts, "success") if rng.random() < 0.6 else (parts[::-1], "failure")

    alone = "Call `bind_wool_bale` before the carts leave; call it with the number of the bale."
    both = "Call `weigh_wool_bale` before `bind_wool_bale`."
    assert [found.kind for found in dreamt(corpus(300, special), alone).findings] == ["workflow"]
    assert dreamt(corpus(300, special), both).findings == ()
