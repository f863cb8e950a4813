"""Mining over small corpora in an invented vocabulary: what is planted is found, what is noise is not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from dreaming.mining import (
    Digest,
    EventView,
    Finding,
    MiningResult,
    SessionView,
    Thresholds,
    digest_session,
    mine,
)
from dreaming.writer import write

Step = tuple[Any, ...]


def event(seq: int, kind: str, **given: Any) -> EventView:
    plain: dict[str, Any] = {
        "role": "", "text": "", "tool": "", "call_id": "", "input": "", "output": "", "is_error": None,
    }  # fmt: skip
    return EventView(seq=seq, type=kind, **{**plain, **given})


def calls(*steps: Step) -> list[EventView]:
    """Events of `("say", text)` and `(tool, arguments, output[, is_error])` steps."""
    events: list[EventView] = []
    for step in steps:
        seq = len(events)
        if step[0] == "say":
            events.append(event(seq, "message", role="user", text=step[1]))
            continue
        tool, arguments, output = step[:3]
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        given = json.dumps(arguments, ensure_ascii=False)
        events.append(event(seq, "tool_call", role="agent", tool=tool, call_id=f"c{seq}", input=given))
        failed = step[3] if len(step) > 3 else None
        events.append(
            event(
                seq + 1,
                "tool_result",
                role="tool",
                tool=tool,
                call_id=f"c{seq}",
                output=text,
                is_error=failed,
            )
        )
    return events


def session(ref: int, steps: Iterable[Step], **given: Any) -> SessionView:
    plain: dict[str, Any] = {
        "agent": f"bargee-{ref % 3}",
        "principal": f"guild-{ref % 7}",
        "task_id": f"haul-{ref % 20}",
        "outcome": "success",
    }
    return SessionView(ref=ref, external_id=f"s{ref:05}", score=None, events=calls(*steps), **{**plain, **given})


def code(rng: random.Random, head: str = "qx") -> str:
    return f"{head}-{rng.randrange(10_000, 99_999)}"


def lock_steps(rng: random.Random, length: int = 4) -> list[Step]:
    """Ordinary work: inspect a lock, weigh cargo, log the passage."""
    made: list[Step] = []
    for _ in range(length):
        lock, crate = code(rng), code(rng, "crate")
        made += [
            ("inspect_lock", {"lock": lock}, {"lock": lock, "level": rng.randrange(9)}),
            ("weigh_cargo", {"crate": crate, "scale": "brass"}, f"{rng.randrange(900)} stone"),
            ("log_passage", {"lock": lock, "note": "through"}, "logged"),
        ]
    return made


def corpus(
    size: int, special: Callable[[int, random.Random], tuple[list[Step], str] | None], seed: int = 1
) -> list[SessionView]:
    """Sessions of ordinary work, 60 % successful; `special` may give a session other steps and outcome."""
    rng = random.Random(seed)
    made = []
    for ref in range(size):
        steps, outcome = lock_steps(rng), "success" if rng.random() < 0.6 else "failure"
        planted = special(ref, rng)
        if planted is not None:
            extra, outcome = planted[0], planted[1] or outcome
            steps = steps[:3] + extra + steps[3:]
        made.append(session(ref, steps, outcome=outcome))
    return made


def passed(sessions: Iterable[SessionView], thresholds: Thresholds | None = None) -> MiningResult:
    return mine([digest_session(item) for item in sessions], thresholds)


def only(result: MiningResult) -> Finding:
    assert [item.title for item in result.findings] == [result.findings[0].title if result.findings else "one finding"]
    return result.findings[0]


def toll_without_ledger(rng: random.Random, repaired: bool) -> list[Step]:
    """The planted workaround: a toll needs its ledger and quay."""
    barge = code(rng, "barge")
    steps: list[Step] = [("pay_toll", {"barge": barge}, f"Error: toll for {barge} lacks a ledger entry", True)]
    if repaired:
        fixed = {"barge": barge, "ledger": code(rng, "ldg"), "quay": code(rng, "quay")}
        steps.append(("pay_toll", fixed, {"paid": rng.randrange(90)}))
    return steps


def toll_paid(rng: random.Random) -> list[Step]:
    fixed = {"barge": code(rng, "barge"), "ledger": code(rng, "ldg"), "quay": code(rng, "quay")}
    return [("pay_toll", fixed, {"paid": 3})]


def test_a_planted_workaround_is_found_with_its_exact_counts() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 8 == 0:
            return toll_without_ledger(rng, repaired=ref % 40 != 0), ""
        return (toll_paid(rng), "") if ref % 2 else None

    found = only(passed(corpus(320, special)))
    assert (found.kind, found.tool) == ("workaround", "pay_toll")
    assert found.support.sessions == 40
    assert found.support.eligible == 40 + 160
    assert found.support.agents == 3
    assert found.remedy is not None
    assert found.remedy.change == "arguments: add ledger, quay"
    assert (found.remedy.adopted, found.remedy.helped) == (32, 32)
    assert found.remedy.usual == 0.0


def test_a_failure_that_lowers_success_is_found_and_its_successes_are_counter_evidence() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        arguments = {"sluice": code(rng)}
        if ref % 10 == 0:
            failed = ("open_sluice", arguments, {"error": f"sluice {arguments['sluice']} is seized by frost"})
            return [failed], "success" if ref % 50 == 0 else "failure"
        return [("open_sluice", arguments, "open")], ""

    found = only(passed(corpus(300, special)))
    assert found.kind == "recurring_failure"
    assert (found.support.sessions, found.support.met_success, found.support.met_total) == (30, 6, 30)
    assert found.support.p_adjusted < 0.01
    assert found.support.effect < -0.2
    stances = [item.stance for item in found.evidence]
    assert stances.count("contradicts") >= 2
    assert stances.count("supports") >= 5
    assert len({item.agent for item in found.evidence}) == 3


def test_one_error_in_many_wrappers_is_one_finding() -> None:
    wrappers: list[Callable[[str], Any]] = [
        lambda said: f"Error: {said}",
        lambda said: {"error": said},
        lambda said: {"status": "error", "message": said},
        lambda said: f"HTTP 422 Unprocessable Entity: {said}",
        lambda said: json.dumps({"isError": True, "content": [{"type": "text", "text": said}]}),
        lambda said: f"ToolError: {said}",
        lambda said: f"Error executing tool harbour__pay_toll: {said}",
        lambda said: f"[ERROR] {said}.",
    ]
    names = ["pay_toll", "mcp__harbour__pay_toll", "harbour.payToll", "harbour/pay_toll"]

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        tool, barge = names[ref % 4], code(rng, "barge")
        said = f"toll for barge {barge} lacks a ledger entry"
        good = {"barge": barge, "ledger": code(rng, "ldg")}
        if ref % 5:
            return [(tool, good, "paid")], ""
        return [(tool, {"barge": barge}, wrappers[ref // 5 % 8](said)), (tool, good, "paid")], ""

    found = only(passed(corpus(320, special)))
    assert found.support.sessions == 64
    assert found.support.eligible == 320
    assert found.remedy is not None
    assert found.remedy.change == "arguments: add ledger"


def test_a_form_of_value_is_learnt() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        day = f"{rng.randrange(10, 28)}/{rng.randrange(10, 12)}/2031"
        good = "2031-{}-{}".format(*day.split("/")[1::-1])
        if ref % 6:
            return [("book_berth", {"day": good, "berth": code(rng)}, "booked")], ""
        berth = code(rng)
        wrong = ("book_berth", {"day": day, "berth": berth}, "invalid almanac day", None)
        return [wrong, ("book_berth", {"day": good, "berth": berth}, "booked")], ""

    found = only(passed(corpus(240, special)))
    assert found.remedy is not None
    assert found.remedy.change == "form: day from `99/99/9999` to `9999-99-99`"


def test_a_call_that_comes_too_late_is_told_as_an_order() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        hull = code(rng, "hull")
        paint, seal = {"hull": hull, "shade": "ochre"}, {"hull": hull}
        if ref % 9 == 0:
            return [
                ("seal_hull", seal, "sealed"),
                ("paint_hull", paint, "hull no longer takes paint", True),
            ], "failure"
        return [("paint_hull", paint, "painted"), ("seal_hull", seal, "sealed")], ""

    result = passed(corpus(270, special))
    found = only(result)
    assert found.kind == "workflow"
    assert found.title == "paint_hull → seal_hull"
    assert [item.reason for item in result.discarded] == ["covered by another finding: paint_hull → seal_hull"]


def test_a_call_that_comes_too_late_is_the_cause_where_outcomes_are_unknown() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        hull = code(rng, "hull")
        paint, seal = {"hull": hull, "shade": "ochre"}, {"hull": hull}
        if ref % 9 == 0:
            late = ("paint_hull", paint, "hull no longer takes paint", True)
            return [("seal_hull", seal, "sealed"), late], "unknown"
        return [("paint_hull", paint, "painted"), ("seal_hull", seal, "sealed")], "unknown"

    found = only(passed(corpus(270, special)))
    assert found.kind == "recurring_failure"
    assert found.causes[0].feature == "after-same:seal_hull:hull"
    assert (found.causes[0].met, found.causes[0].other) == (30, 0)


def test_an_extra_step_before_the_same_call_is_learnt() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        crane = {"crane": code(rng, "crane")}
        lift = ("lift_crate", crane, "lifted")
        if ref % 7:
            return [("release_brake", crane, "free"), lift], ""
        return [("lift_crate", crane, "crane brake is set", True), ("release_brake", crane, "free"), lift], ""

    found = only(passed(corpus(280, special)))
    assert found.remedy is not None
    assert found.remedy.change == "first: release_brake"


def test_a_remedy_that_others_do_better_without_is_a_warning() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        barge = code(rng, "barge")
        if ref % 3:
            return [("moor_barge", {"barge": barge, "rope": "hemp"}, "moored")], ""
        refused = ("moor_barge", {"barge": barge}, "mooring needs a rope chosen", True)
        if ref % 2:
            return [refused, ("moor_barge", {"barge": barge, "force": True}, "moored")], "failure"
        return [refused], "success"

    found = only(passed(corpus(300, special)))
    assert found.warning


def test_the_order_of_the_digests_means_nothing() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        return (toll_without_ledger(rng, repaired=bool(ref % 3)), "") if ref % 8 == 0 else (toll_paid(rng), "")

    digests = [digest_session(item) for item in corpus(240, special)]
    expected = mine(digests)
    for seed in range(3):
        mixed = list(digests)
        random.Random(seed).shuffle(mixed)
        assert mine(mixed) == expected


def test_a_claim_keeps_its_key_while_its_members_change() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        return (toll_without_ledger(rng, repaired=True), "") if ref % 8 == 0 else (toll_paid(rng), "")

    one = only(passed(corpus(160, special, seed=1)))
    other = only(passed(corpus(480, special, seed=2)))
    assert one.claim_key == other.claim_key
    assert one.support != other.support


def test_sessions_without_outcome_count_for_support_only() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        return (toll_without_ledger(rng, repaired=True), "unknown") if ref % 8 == 0 else (toll_paid(rng), "unknown")

    found = only(passed(corpus(160, special)))
    assert found.support.sessions == 20
    assert (found.support.met_total, found.support.other_total, found.support.p_value) == (0, 0, 1.0)


def test_every_quote_of_the_evidence_stands_in_its_event() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        return (toll_without_ledger(rng, repaired=bool(ref % 3)), "") if ref % 8 == 0 else (toll_paid(rng), "")

    sessions = corpus(240, special)
    events = {(item.external_id, one.seq): one for item in sessions for one in item.events}
    for item in only(passed(sessions)).evidence:
        where = events[item.session, item.seq]
        assert any(item.quote in text for text in (where.text, where.output, where.input))


def test_digests_survive_json() -> None:
    digests = [digest_session(item) for item in corpus(40, lambda ref, rng: (toll_without_ledger(rng, True), ""))]
    again = [Digest.from_json(json.loads(json.dumps(item.to_json()))) for item in digests]
    assert again == digests
    with pytest.raises(ValueError, match="version"):
        Digest.from_json({**digests[0].to_json(), "version": -1})


NAMES = ["Aurora", "Bellwether", "Cormorant", "Dunlin", "Eider", "Fulmar", "Gannet", "Heron", "Ibis", "Jacana"]


def test_names_that_look_like_words_do_not_split_an_error() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        barge = f"{rng.choice(NAMES)}{rng.choice(NAMES).lower()}"
        if ref % 8:
            return [("raise_flag", {"barge": barge, "pole": code(rng)}, "raised")], ""
        failed = ("raise_flag", {"barge": barge}, f"barge {barge} has no pole assigned for this flag", True)
        return [failed, ("raise_flag", {"barge": barge, "pole": code(rng)}, "raised")], ""

    found = only(passed(corpus(320, special)))
    assert found.support.sessions == 40
    assert found.template == "barge <*> has no pole assigned for this flag"


def test_one_error_on_many_tools_is_pooled_when_no_tool_has_the_support() -> None:
    tools = ["lift_gate", "ring_gong", "sweep_deck", "fold_canvas", "oil_hinge", "count_nets", "boil_tar", "mend_rope"]

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        tool, arguments = tools[ref % 8], {"spot": code(rng)}
        if ref % 11 == 0:
            return [(tool, arguments, "Error: the night watch has not signed the roster", True)], "failure"
        return [(tool, arguments, "done")], ""

    found = only(passed(corpus(308, special)))
    assert (found.tool, found.support.sessions) == ("", 28)
    assert write(found).path.startswith("/tools/any-tool/")


def test_a_constant_value_is_part_of_the_lesson_and_a_personal_one_is_not() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        keeper = code(rng, "keeper")
        good = {"cask": code(rng), "unit": "firkin", "keeper": keeper}
        if ref % 6:
            return [("fill_cask", good, "full")], ""
        return [("fill_cask", {"cask": good["cask"]}, "cask unit was not named", True), ("fill_cask", good, "full")], ""

    found = only(passed(corpus(240, special)))
    assert found.remedy is not None
    assert found.remedy.constants == (("unit", '"firkin"'),)
    content = write(found).content
    assert "firkin" in content
    assert "keeper-" not in content


def test_a_bare_message_is_enough_where_a_remedy_is_known() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        buoy = {"name": code(rng)}
        if ref % 7:
            return [("seek_buoy", buoy, [{"at": 3}])], ""
        return [("seek_buoy", buoy, "0 rows"), ("seek_buoy_by_colour", {"bay": code(rng)}, [{"at": 4}])], ""

    found = only(passed(corpus(280, special)))
    assert found.remedy is not None
    assert found.remedy.to_tool == "seek_buoy_by_colour"


def test_an_answer_that_nothing_marks_as_an_error_is_found_by_how_sessions_end() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        bay = {"bay": code(rng)}
        if ref % 6 == 0:
            said = f"the tide over bay {bay['bay']} runs too low for soundings"
            return [("sound_depth", bay, said)], "success" if ref % 60 == 0 else "failure"
        return [("sound_depth", bay, f"{rng.randrange(40)} fathoms at bay {bay['bay']} now")], "success"

    found = only(passed(corpus(240, special)))
    assert (found.kind, found.tool, found.support.sessions) == ("recurring_failure", "sound_depth", 40)


def test_answers_that_go_with_no_loss_are_not_told() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        words = ["the tide over the bay runs low", "the tide over the bay runs high", "slack water over this bay"]
        return [("sound_depth", {"bay": code(rng)}, rng.choice(words))], ""

    assert passed(corpus(240, special)).findings == ()


def test_a_silent_failure_that_two_tools_word_in_many_ways_is_found_by_the_word_they_share() -> None:
    answers = [
        ("book_pilot", "the roster holds a moored pilot"),
        ("book_pilot", "pilots: all moored until the morning tide"),
        ("call_pilotage", "sorry for this, moored crews stay ashore"),
        ("call_pilotage", "desk three says moored vessels come later"),
    ]

    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 10:
            return None
        tool, said = answers[ref // 10 % len(answers)]
        return [(tool, {"barge": code(rng)}, said)], "success" if ref % 70 == 0 else "failure"

    found = only(passed(corpus(400, special)))
    assert (found.kind, found.support.sessions) == ("recurring_failure", 40)
    assert "moored" in found.template


def test_the_tool_to_call_first_is_named_as_agents_call_it() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 8:
            return None
        slot = {"slot": code(rng)}
        refused = ("tide.write", slot, "the slot is read-only for this quay", True)
        return [refused, ("quay.claim", slot, "claimed"), ("tide.write", slot, "written")], ""

    draft = write(only(passed(corpus(240, special))))
    assert "`quay.claim`" in draft.title


def test_a_trace_that_every_call_carries_does_not_make_two_unlike_calls_a_repair() -> None:
    def baking(ref: int, *, traced: bool) -> SessionView:
        rng = random.Random(ref)
        carried = {"trace": code(rng, "trace"), "v": 2, "client": "desk"} if traced else {}

        def loaf(**given: str) -> Step:
            return ("bake_bread", {"oven": code(rng), "grain": code(rng), **given, **carried}, "baked")

        failed: Step = ("bake_bread", loaf(rush="yes")[1], "the loaf stayed raw inside", True)
        rest: list[Step] = [("sweep_floor", {"room": code(rng), **carried}, "swept") for _ in range(2)]
        return session(ref, [failed, loaf(), *rest] if ref % 3 == 0 else [loaf(), *rest])

    for traced in (True, False):
        found = passed(baking(ref, traced=traced) for ref in range(120)).findings
        assert not [item for item in found if item.remedy is not None]


LOCKS = ["Aln", "Bure", "Cree", "Dove", "Esk"]


def test_a_form_shows_the_letters_that_all_values_that_worked_begin_with() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 6:
            return None
        refused: Step = (
            "book_berth",
            {"berth": f"north quay of {rng.choice(LOCKS)}"},
            "Error: berth not in the pilot book",
            True,
        )
        worked: Step = ("book_berth", {"berth": f"QUAY-{rng.randrange(1000, 9999)}"}, {"booked": 1})
        return [refused, worked], ""

    found = only(passed(corpus(240, special)))
    assert "`QUAY-1234`" in write(found).content
