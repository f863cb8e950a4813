"""What newer sessions say against a memory corrects it in its place."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dreaming.mining import MemoryView, SessionView, digest_session, mine
from dreaming.mining.values import Upkeep
from dreaming.writer import write
from tests.dreaming.test_mining_known import dreamt, tolls
from tests.dreaming.test_mining_mine import Step, code, corpus, event, toll_paid
from tests.dreaming.test_mining_preferences import ANCHORS, answered, corrected


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
