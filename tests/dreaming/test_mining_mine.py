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


def test_shuffled_outcomes_leave_nothing_of_an_association() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        arguments = {"sluice": code(rng)}
        if ref % 10 == 0:
            return [("open_sluice", arguments, "Error: the sluice is seized by frost", True)], "failure"
        return [("open_sluice", arguments, "open")], ""

    sessions = corpus(300, special)
    assert len(passed(sessions).findings) == 1
    for seed in range(10):
        outcomes = [item.outcome for item in sessions]
        random.Random(seed).shuffle(outcomes)
        shuffled = [session(item.ref, [], outcome=outcome) for item, outcome in zip(sessions, outcomes, strict=True)]
        mixed = [
            SessionView(
                item.ref,
                item.external_id,
                item.agent,
                item.principal,
                item.task_id,
                other.outcome,
                None,
                item.events,
            )
            for item, other in zip(sessions, shuffled, strict=True)
        ]
        assert passed(mixed).findings == ()


@pytest.mark.parametrize("seed", range(20))
def test_pure_noise_yields_nothing(seed: int) -> None:
    rng = random.Random(seed)
    tools = ["grind_meal", "sift_husk", "raise_vane", "trim_sail", "call_miller", "tally_sack"]
    troubles = [
        "gear tooth {} slipped",
        "wind fell below {} knots",
        "sack {} burst at the seam",
        "the {} vane jammed",
    ]

    def noisy(ref: int) -> SessionView:
        steps: list[Step] = []
        for _ in range(rng.randrange(6, 16)):
            tool, arguments = (
                rng.choice(tools),
                {"mill": code(rng, "mill"), "grade": rng.choice(["fine", "coarse"])},
            )
            if rng.random() < 0.3:
                arguments["stone"] = code(rng, "st")
            if rng.random() < 0.08:
                steps.append((tool, arguments, "Error: " + rng.choice(troubles).format(rng.randrange(99)), True))
                if rng.random() < 0.3:
                    steps.append((tool, arguments, "ok"))
            else:
                steps.append((tool, arguments, {"ok": True, "count": rng.randrange(500)}))
        outcome = rng.choices(["success", "failure", "unknown"], [0.55, 0.35, 0.1])[0]
        return session(ref, steps, outcome=outcome, task_id=f"mill-{rng.randrange(40)}")

    assert [item.title for item in passed(noisy(ref) for ref in range(200)).findings] == []


def test_an_error_that_heals_on_an_identical_retry_is_left_out_as_transient() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref % 6:
            return None
        arguments = {"lock": code(rng)}
        busy = ("ring_bell", arguments, {"error": {"message": "bell rope tangled", "code": 17}})
        return [busy, ("ring_bell", arguments, "rung")], ""

    result = passed(corpus(240, special))
    assert result.findings == ()
    assert [item.reason.split(":")[0] for item in result.discarded] == ["transient"]


def test_a_storm_in_one_session_is_left_out() -> None:
    def special(ref: int, rng: random.Random) -> tuple[list[Step], str] | None:
        if ref != 17:
            return None
        return [("dredge_silt", {"reach": code(rng)}, "Error: the dredge bucket is bent", True) for _ in range(100)], ""

    result = passed(corpus(240, special))
    assert result.findings == ()
    assert [item.reason for item in result.discarded] == ["one-session storm: 100 times in a single session"]


def test_what_one_agent_saw_for_one_principal_is_left_out() -> None:
    sessions = [
        session(ref, toll_without_ledger(random.Random(ref), repaired=True), agent="bargee-0", principal="guild-0")
        for ref in range(20)
    ]
    result = passed([*sessions, *(session(99 + ref, lock_steps(random.Random(ref))) for ref in range(50))])
    assert result.findings == ()
    assert "only one agent" in result.discarded[0].reason


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


def test_nothing_in_nothing_out() -> None:
    assert mine([]) == MiningResult((), (), 0, 0)
    assert mine([digest_session(session(1, []))]).findings == ()


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
