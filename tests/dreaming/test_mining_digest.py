"""One session to one digest: joins, errors with and without a flag, what was changed after them."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreaming.mining import Digest, EventView, SessionView, digest_session
from dreaming.mining.changes import change_between, form
from dreaming.mining.commands import program
from tests.dreaming.test_mining_mine import Step, event, lock_steps, session


def digest(*steps: Step) -> Digest:
    return digest_session(session(1, steps))


def test_results_join_their_calls_by_id_else_by_adjacency() -> None:
    named = session(
        1, [("moor", {"rope": "hemp"}, "Error: rope too short", True), ("moor", {"rope": "silk"}, "moored")]
    )
    bare = replace(named, events=[replace(one, call_id="") for one in named.events])
    assert digest_session(named) == digest_session(bare)
    assert digest_session(named).repairs[0].helped


def test_calls_that_overlap_are_told_apart_by_id() -> None:
    events = [
        event(0, "tool_call", tool="moor", call_id="a", input='{"rope": "hemp"}'),
        event(1, "tool_call", tool="moor", call_id="b", input='{"rope": "silk"}'),
        event(2, "tool_result", call_id="b", output="moored"),
        event(3, "tool_result", call_id="a", output="Error: rope too short"),
    ]
    found = digest_session(replace(session(1, []), events=events))
    assert [(error.quote.seq, error.call.text) for error in found.errors] == [(3, '{"rope": "hemp"}')]


def test_an_error_event_and_a_result_without_a_call_count() -> None:
    events = [
        event(0, "error", text="the tide table is out of date"),
        event(1, "tool_result", tool="moor", output="please give exactly one rope", is_error=True),
    ]
    found = digest_session(replace(session(1, []), events=events))
    assert [(error.template, error.attached) for error in found.errors] == [
        ("the tide table is out of date", False),
        ("please give exactly one rope", False),
    ]


def test_a_storm_is_one_error_with_its_occurrences() -> None:
    found = digest(*[("moor", {"rope": f"r-{at}"}, f"Error: rope r-{at} too short", True) for at in range(100)])
    assert [(error.template, error.occurrences) for error in found.errors] == [("rope <id> too short", 100)]
    assert not found.errors[0].recovered


def test_an_identical_retry_is_noise_not_a_repair() -> None:
    found = digest(("moor", {"rope": "hemp"}, "Error: tide turned", True), ("moor", {"rope": "hemp"}, "moored"))
    assert (found.errors[0].retried, found.errors[0].healed_by_retry) == (1, 1)
    assert found.repairs == ()


def test_attempts_are_followed_until_one_works() -> None:
    found = digest(
        ("moor", {"rope": "hemp"}, "Error: no knot given", True),
        ("moor", {"rope": "hemp", "bend": "x"}, "Error: no such bend", True),
        ("moor", {"rope": "hemp", "knot": "bowline"}, "moored"),
        ("moor", {"rope": "jute", "knot": "hitch"}, "moored"),
    )
    made = {repair.change: repair.helped for repair in found.repairs if repair.template == "no knot given"}
    assert made == {"arguments: add bend": False, "arguments: add knot": True}


def test_where_the_new_value_came_from_is_known() -> None:
    found = digest(
        ("list_ropes", {"quay": "north"}, {"ropes": ["rope-77", "rope-78"]}),
        ("moor", {"rope": "rope-11", "knot": "hitch"}, "Error: rope rope-11 is not on this quay", True),
        ("say", "take rope-78 then"),
        ("moor", {"rope": "rope-78", "knot": "hitch"}, "moored"),
    )
    repair = found.repairs[0]
    assert (repair.change, repair.arguments, repair.sources) == (
        "other values",
        ("rope",),
        ("user", "tool:list_ropes"),
    )
    assert repair.asked


def test_a_call_about_something_else_is_no_repair() -> None:
    found = digest(
        ("moor", {"rope": "rope-11", "berth": "b-20"}, "Error: rope too short", True),
        ("moor", {"rope": "rope-12", "berth": "b-21"}, "moored"),
    )
    assert found.repairs == ()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("cd /x && bin/check tests/a.py -v", "bin/check"),
        ("python3.9 -m quaytest a b", "python -m quaytest"),
        ("/usr/bin/python3 run.py", "python <file>"),
        ("A=1 B=2 ./run.sh --fast | tail -3", "run.sh"),
        ("cat <<'EOF' > x.py\nimport os\nEOF", "cat"),
        ("", ""),
    ],
)
def test_the_program_of_a_command(command: str, name: str) -> None:
    assert program(command) == name


def test_a_command_that_only_looks_around_is_skipped() -> None:
    found = digest(
        ("shell", {"command": "quaytest a.py"}, "sh: quaytest: command not found", True),
        ("shell", {"command": "ls bin"}, "check"),
        ("shell", {"command": "bin/check a.py"}, "all well"),
    )
    assert [(repair.change, repair.helped) for repair in found.repairs] == [
        ("run: bin/check instead of quaytest", True)
    ]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("2031-04-05", "`9999-99-99`"),
        ("#W1", "`#A9`"),
        ([], "empty list"),
        (7, "whole number"),
        (7.5, "decimal number"),
        ("GBR", "`AAA`"),
        ("two words", "text"),
        (None, "null"),
    ],
)
def test_the_form_of_a_value(value: object, shape: str) -> None:
    assert form(value) == shape


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
events_of = st.builds(
    EventView,
    seq=st.integers(0, 10**6),
    type=st.sampled_from(["message", "tool_call", "tool_result", "correction", "error", "note"]),
    role=st.sampled_from(["user", "agent", "tool", ""]),
    text=st.text(max_size=60),
    tool=st.sampled_from(["", "moor", "quay.moor", "inspect"]),
    call_id=st.sampled_from(["", "a", "b", "c"]),
    input=values.map(lambda value: json.dumps(value, ensure_ascii=False)) | st.text(max_size=20),
    output=st.text(max_size=80) | values.map(json.dumps) | st.just("Error: the rope is too short"),
    is_error=st.sampled_from([True, False, None]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(events_of, max_size=25, unique_by=lambda one: one.seq))
def test_any_session_digests_with_exact_quotes_and_survives_json(events: list[EventView]) -> None:
    view = SessionView(1, "s", "a", "", "", "unknown", None, events)
    found = digest_session(view)
    by_seq = {one.seq: one for one in events}
    quotes = [quote for error in found.errors for quote in (error.quote, error.call, *error.earlier)]
    quotes += [quote for repair in found.repairs for quote in (repair.error, repair.repair, repair.result)]
    for quote in quotes:
        one = by_seq[quote.seq]
        assert any(quote.text in text for text in (one.text, one.output, one.input))
        assert len(quote.text) <= 300
    assert Digest.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_the_time_to_digest_a_session_grows_with_its_events_and_no_faster_and_the_digest_stays_small() -> None:
    (short, _), (long, found) = _digested(1_000), _digested(5_000)
    assert long < 5 * short * 2
    assert len(json.dumps(found.to_json())) < 250_000


def _digested(calls: int) -> tuple[float, Digest]:
    """Return the seconds of processor time that a session of many calls took to digest, and its digest."""
    rng = random.Random(3)
    steps: list[Step] = []
    for at in range(calls):
        failed = at % 7 == 0
        output = f"Error: fault of kind {rng.choice('abcdefgh')} at {at}" if failed else {"at": at, "log": "x" * 200}
        steps.append((f"tool_{at % 90}", {"id": f"id-{at % 300}", "n": at}, output, failed))
    view = session(1, [*steps, *lock_steps(rng)])
    assert len(view.events) > 2 * calls
    started = time.process_time()
    found = digest_session(view)
    return time.process_time() - started, found


def test_nothing_to_change_between_equal_calls() -> None:
    from dreaming.mining.calls import story_of

    calls = story_of(session(1, [("moor", {"a": 1}, "x"), ("moor", {"a": 1}, "x")]).events).calls
    assert change_between(*calls).text == "same call again"


TABLE = "| rope | quay |\n|------|------|\n| r-1 | north |\n-- the capstan is seized by rust\n| r-2 | south |"
LOG = "04:11:02 INFO rope r-1\n04:11:03 ERROR the capstan is seized by rust\n04:11:04 INFO 0 errors so far"
PAGE = "<?xml version='1.0'?><all><row>r-1</row><row>r-2</row><row>r-3</row><state>the capstan is seized by rust</state></all>"


@pytest.mark.parametrize("output", [TABLE, LOG, PAGE])
@pytest.mark.parametrize("flag", [True, None])
def test_an_error_is_found_among_rows_and_log_lines(output: str, flag: bool | None) -> None:
    (error,) = digest(("haul", {"rope": "r-1"}, output, flag)).errors
    assert error.template == "the capstan is seized by rust"


def test_a_sentence_among_answers_that_are_data_is_a_failure() -> None:
    data = {"rope": "r-1"}
    found = digest(("haul", data, data), ("haul", data, "capstan turned against the bell"), ("moor", data, data))
    assert [error.template for error in found.errors] == ["capstan turned against the bell"]


@pytest.mark.parametrize(
    ("first", "second", "change"),
    [
        ("quayctl rope haul --length 7m x", "quayctl rope haul --length 7km x", "form: --length from `9m` to `9km`"),
        ("quayctl rope haul -n q1 --fast", "quayctl rope haul -n q1", "arguments: leave out --fast"),
        ("quayctl rope haul old rope", "quayctl rope haul 'old rope'", "form: command from text to text in quotes"),
        ("quayctl rope haul --id QX12", "quayctl rope haul --id 12 --kind hemp", "arguments: add --kind"),
        ("quayctl rope haul --all a,b,c,d", "quayctl rope haul --all a,b", "form: --all from list to shorter list"),
        ("quayctl rope haul -n q1", "quayctl chain pull -n q1", "run: quayctl chain pull instead of quayctl rope haul"),
    ],
)
def test_what_changed_between_two_commands(first: str, second: str, change: str) -> None:
    found = digest(
        ("shell", {"command": first}, "Error: refused", True), ("shell", {"command": second}, "hauled", False)
    )
    assert [repair.change for repair in found.repairs] == [change]
    assert found.errors[0].tool == "shell: quayctl rope haul"


def test_what_changed_between_two_statements() -> None:
    found = digest(
        ("ask_ledger", {"query": "SELECT rope FROM quay.ropes LIMIT 7"}, "Error: no day given", True),
        ("ask_ledger", {"query": "SELECT rope FROM quay.ropes WHERE day = '2031-04-05' LIMIT 7"}, "r-1", False),
    )
    assert [repair.change for repair in found.repairs] == ["arguments: add day"]
    assert found.errors[0].tool == "ask_ledger: SELECT"


def test_a_batch_that_is_split_is_a_repair() -> None:
    ropes = [f"r-{number}" for number in range(9)]
    found = digest(("haul", {"ropes": ropes}, "Error: refused", True), ("haul", {"ropes": ropes[:3]}, "hauled"))
    assert [repair.change for repair in found.repairs] == ["form: ropes from list to shorter list"]
