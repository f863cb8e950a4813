"""What a session must look like, and what its producer is told when it does not."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import format as session_format
from sessions.format import FormatError, ParsedSession, parse_session
from tests.sessions.samples import event, line, session, with_event


def refusal(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        parse_session(data)
    return caught.value.reason


def outcome_of(data: bytes) -> ParsedSession | str:
    """The session, or the reason why it was refused."""
    try:
        return parse_session(data)
    except FormatError as error:
        return error.reason


def test_the_smallest_session_is_read():
    parsed = parse_session(b'{"id": "x", "agent": "a", "events": []}')
    assert (parsed.id, parsed.agent, parsed.events, parsed.outcome) == ("x", "a", [], "unknown")


def test_every_field_is_kept():
    sent = session(
        task="t",
        task_id="t1",
        principal="team-a",
        started_at="2026-03-03T09:30:00+02:00",
        ended_at="2026-03-03T09:31:00Z",
        outcome={"status": "partial", "score": 0.5, "source": "grader", "detail": "half"},
        metadata={"model": "m"},
    )
    sent["events"] = [
        event(0, type="tool_call", tool="find", call_id="c", input={"b": [1, "ä"], "a": None}),
        event(4, type="tool_result", output={"ok": True}, is_error=False, duration_ms=3, at="2026-03-03T09:30:01"),
        event(7, type="tool_result", output="plain"),
    ]
    parsed = parse_session(json.dumps(sent).encode())
    assert parsed.started_at == datetime(2026, 3, 3, 7, 30, tzinfo=UTC)
    assert (parsed.outcome, parsed.outcome_score, parsed.outcome_source) == ("partial", 0.5, "grader")
    call, result, plain = parsed.events
    assert call.input == '{"b": [1, "ä"], "a": null}'
    assert (result.output, result.output_is_json, result.duration_ms) == ('{"ok": true}', True, 3.0)
    assert result.at == datetime(2026, 3, 3, 9, 30, 1, tzinfo=UTC), "a naive time is taken as UTC"
    assert (plain.output, plain.output_is_json, plain.seq) == ("plain", False, 7)


def test_unknown_keys_are_kept_apart():
    sent = session(mood="good", outcome={"status": "success", "judge": "j"})
    sent["events"][0]["tokens"] = 12
    parsed = parse_session(json.dumps(sent).encode())
    assert parsed.extra == {"mood": "good", "outcome": {"judge": "j"}}
    assert parsed.events[0].extra == {"tokens": 12}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"seq": "x"}, 'events[0].seq: expected an integer ≥ 0, got "x"'),
        ({"seq": -1}, "events[0].seq: expected an integer ≥ 0, got -1"),
        ({"seq": True}, "events[0].seq: expected an integer ≥ 0, got true"),
        ({"seq": 1.5}, "events[0].seq: expected an integer ≥ 0, got 1.5"),
        ({"seq": 2**63}, "events[0].seq: expected an integer below 2**63, got 9223372036854775808"),
        ({"type": "thought"}, "events[0].type: expected one of message, tool_call"),
        ({"type": ["note"]}, "events[0].type: expected one of message, tool_call"),
        ({"role": "bot"}, "events[0].role: expected one of user, agent, system, tool"),
        ({"text": None}, "events[0].text: expected a string, got null"),
        ({"tool": 3}, "events[0].tool: expected a string, got 3"),
        ({"is_error": "no"}, 'events[0].is_error: expected true or false, got "no"'),
        ({"at": "yesterday"}, "events[0].at: expected a date and time such as"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "events[0].at: expected a date and time such as"),
        ({"at": 1700000000}, "events[0].at: expected a date and time such as"),
        ({"duration_ms": -1}, "events[0].duration_ms: expected a number of milliseconds ≥ 0, got -1"),
        ({"duration_ms": 10**400}, "events[0].duration_ms: expected a number that a 64-bit float can hold"),
        ({"text": "a\0b"}, "events[0].text: holds the character U+0000 (NUL), which PostgreSQL cannot keep; replace"),
        ({"input": {"a": ["\0"]}}, "events[0].input.a[0]: holds the character U+0000 (NUL)"),
        ({"output": {"\0": 1}}, "events[0].a key of output: holds the character U+0000 (NUL)"),
        ({"more": "\0"}, "events[0].more: holds the character U+0000 (NUL)"),
        ({"text": "a\ud800b"}, "events[0].text: holds half of a surrogate pair"),
        ({"input": {"a": "\udfff"}}, "events[0].input.a: holds half of a surrogate pair"),
    ],
)
def test_a_bad_event_is_refused_by_name(fields, reason):
    assert reason in refusal(with_event(**fields))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"session_id": ""}, 'id: expected a string of 1 to 255 characters, got ""'),
        ({"session_id": 7}, "id: expected a string of 1 to 255 characters, got 7"),
        ({"session_id": "x" * 256}, "id: 256 characters, and at most 255 can be kept"),
        ({"agent": "Alice Bot"}, "agent: expected 1 to 100 of a-z, 0-9, dot, dash and underscore"),
        ({"agent": "a\n"}, "agent: expected 1 to 100 of a-z"),
        ({"outcome": {}}, "outcome.status: is missing; expected one of success, failure, partial, unknown"),
        (
            {"outcome": {"status": "good"}},
            'outcome.status: expected one of success, failure, partial, unknown, got "good"',
        ),
        (
            {"outcome": {"status": "success", "score": 1.5}},
            "outcome.score: expected a number from 0 to 1, or null, got 1.5",
        ),
        ({"outcome": "success"}, 'outcome: expected a JSON object, got "success"'),
        ({"metadata": []}, "metadata: expected a JSON object, got an array"),
        ({"task": 3}, "task: expected a string, got 3"),
    ],
)
def test_a_bad_session_is_refused_by_name(fields, reason):
    assert reason in refusal(line(**({"session_id": "s"} | fields)))


def test_a_repeated_seq_is_refused():
    sent = session()
    sent["events"] = [event(1), event(2), event(1)]
    assert refusal(json.dumps(sent).encode()) == (
        "events[2].seq: 1 stands at events[0] already; number each event once"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (line()[:40], "not JSON: it breaks off at byte 40; send the whole session again"),
        (b"", "empty"),
        (b"{'id': 1}", "not JSON at byte 1"),
        (line() + b" " + line(), "a second value begins at byte"),
        (b'{"id": NaN}', "not JSON: NaN is no JSON number; send null, or a string"),
        (b'{"id": -Infinity}', "not JSON: -Infinity is no JSON number"),
        (b'{"id": 1e999}', "holds a number beyond the range of a 64-bit float"),
        (b'{"id": ' + b"9" * 5000 + b"}", "holds an integer of more than 4,300 digits"),
        (b'{"id": "\xff"}', "not UTF-8 at byte 8 (0xff)"),
        (b"[1, 2]", "expected a JSON object, got an array"),
        (b"[" * 100_000, "nested deeper than 100 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper than 100 levels"),
        (with_event(input=[])[:-3] + b"[" * 200 + b"]" * 200 + b"}]}", "not JSON"),
        (b'{"id": "x", "agent": "a"}', "events: is missing; expected an array of events"),
        (b'{"id": "x", "agent": "a", "events": {}}', "events: expected an array of events, got an object"),
        (b'{"id": "x", "agent": "a", "events": [3]}', "events[0]: expected an event (a JSON object), got 3"),
    ],
)
def test_what_is_no_session_is_refused_with_its_place(data, reason):
    assert reason in refusal(data)


def test_values_nested_too_deep_are_refused_by_name():
    deep = json.loads("[" * 101 + "]" * 101)
    assert refusal(with_event(input=deep)).startswith("events[0].input: nested deeper than 100 levels")
    assert parse_session(with_event(input=json.loads("[" * 100 + "]" * 100)))


def test_the_limits_are_named(monkeypatch):
    monkeypatch.setattr(session_format, "MAX_EVENTS", 3)
    assert "at most 3" in refusal(line(events=4))
    monkeypatch.setattr(session_format, "MAX_SESSION_BYTES", 2**20)
    assert refusal(b" " * (2**20 + 1)).startswith("larger than 1 MiB")


def test_an_error_carries_the_id_once_it_was_read():
    with pytest.raises(FormatError) as caught:
        parse_session(line("run-7", agent="NO"))
    assert caught.value.session_id == "run-7"


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    assert outcome_of(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@given(value=json_values, name=st.sampled_from(["input", "output", "text", "at", "seq", "other"]))
def test_any_json_value_is_kept_or_refused_by_name(value, name):
    outcome = outcome_of(with_event(**{name: value}))
    if isinstance(outcome, str):
        assert outcome.startswith("events[0]")
        return
    kept = outcome.events[0]
    if name == "input":
        assert kept.input == json.dumps(value, ensure_ascii=False)
    if name == "output":
        assert kept.output == (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def read_carefully(data: bytes) -> ParsedSession | str:
    """As `outcome_of`, without the way for plain sessions."""

    def refuse(_: bytes) -> None:
        raise ValueError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_format, "_decode_plain", refuse)
        return outcome_of(data)


def odd_or(*good: object) -> st.SearchStrategy:
    odd = st.sampled_from([None, True, -1, 2**63, 3.0, 1.5, 10**30, "", 'é\n"\\', "a\0", [], {}, [[1]], {"a": ["\0"]}])
    return st.sampled_from(good) | (odd if good else st.nothing())


EVENTS = st.fixed_dictionaries(
    {"seq": st.integers(0, 5) | odd_or(0), "type": odd_or("message", "note", "tool_call")},
    optional={
        "role": odd_or("user", "agent"),
        "text": odd_or("t", "ü\n"),
        "tool": odd_or("bash"),
        "call_id": odd_or("c"),
        "input": odd_or({"a": [1, "ä", None]}, "plain"),
        "output": odd_or({"a": 1.25}, "plain"),
        "is_error": odd_or(True, False),
        "at": odd_or("2026-03-03T09:30:00+02:00", "2026-03-03T09:30:00", "yesterday"),
        "duration_ms": odd_or(3, 2.5),
        "more": odd_or("x"),
        "extra": odd_or({"a": 1}),
        "output_is_json": odd_or(True),
    },
)
SESSIONS = st.fixed_dictionaries(
    {"id": odd_or("s"), "agent": odd_or("alice-bot"), "events": st.lists(EVENTS, max_size=3) | odd_or([])},
    optional={
        "task": odd_or("t"),
        "principal": odd_or("p"),
        "started_at": odd_or("2026-03-03T09:30:00Z"),
        "outcome": odd_or({"status": "success", "score": 1}, {"status": "x"}, {"status": "failure", "judge": 1}),
        "metadata": odd_or({"a": {"b": 1}}),
        "more": odd_or("x"),
    },
)


@given(SESSIONS, st.booleans())
def test_a_plain_session_is_read_as_the_careful_way_reads_it(sent, ascii_only):
    data = json.dumps(sent, ensure_ascii=ascii_only).encode()
    assert outcome_of(data) == read_carefully(data)


@pytest.mark.parametrize("depth", [98, 99, 100, 101, 500])
@pytest.mark.parametrize("name", ["input", "output"])
def test_plain_events_are_as_deep_as_others(depth, name):
    nested = json.loads("[" * depth + "]" * depth)
    assert outcome_of(with_event(**{name: nested})) == read_carefully(with_event(**{name: nested}))


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"a","agent":"a","events":[],"events":[{"seq":1,"type":"note"}]}',
        b'{"id":"a","agent":"a","events":[{"seq":1,"type":"note","type":"error","seq":2}]}',
        b'{"id":"a","agent":"a","events":[{"seq":"x","seq":1,"type":"n","type":"note"}]}',
        b'{"id":"a","agent":"a","events":[{"seq":1,"type":"no\\u0074e","te\\u0078t":"a"}]}',
        b'{"id":"a","agent":"a","events":[{"seq":1,"type":"note","text":"\xff"}]}',
        b'{"id":"a","agent":"a","events":[{"seq":1,"type":"note","text":"a\x00b"}]}',
        b'{"id":"a","agent":"a","events":[{"seq":1.0,"type":"note"},{"seq":1,"type":"note"}]}',
        b'{"id":"a","agent":"a","events":[{"seq":1e2,"type":"note"},{"seq":-0,"type":"note"}]}',
        b'{"id":"a","agent":"a","events":[{"seq":1,"type":"note","text":"\\ud800"}]} x',
    ],
)
def test_odd_json_is_read_as_the_careful_way_reads_it(data):
    assert outcome_of(data) == read_carefully(data)
