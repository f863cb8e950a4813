"""`import_sessions ~/.claude/projects`: what people said and what tools answered, and nothing lost when a file grows."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dreaming.mining.remarks import is_refusal, reason_of_refusal
from sessions.claude_code import REJECTED, is_record
from sessions.format import parse_session
from sessions.models import Session
from sessions.sources import Line
from sessions.transcripts import Open, Reading, with_transcripts
from tests.sessions.test_import_command import run

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
REJECTION = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). "
)
STOP = "STOP what you are doing and wait for the user to tell you how to proceed."


class Transcript:
    """Records as Claude Code writes them, a minute apart."""

    def __init__(self, session: str = "5e55-1", at: datetime = NOW - timedelta(hours=9), **common) -> None:
        self.common = {
            "sessionId": session, "cwd": "/srv/shop", "gitBranch": "main", "version": "2.0.1", "isSidechain": False, **common,
        }  # fmt: skip
        self.at, self.records = at, []

    def add(self, kind: str, **fields) -> "Transcript":
        stamp = self.at.isoformat().replace("+00:00", "Z")
        uuid = f"{self.common['sessionId']}-{len(self.records)}"
        self.records.append({"type": kind, "uuid": uuid, "timestamp": stamp, **self.common, **fields})
        self.at += timedelta(minutes=1)
        return self

    def user(self, content, **fields) -> "Transcript":
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def says(self, *blocks, **fields) -> "Transcript":
        blocks = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        return self.add("assistant", message={"role": "assistant", "model": "claude-x", "content": blocks}, **fields)

    def calls(self, call_id: str, tool: str = "Bash", **arguments) -> "Transcript":
        return self.says({"type": "tool_use", "id": call_id, "name": tool, "input": arguments})

    def result(self, call_id: str, content, is_error: bool = False) -> "Transcript":
        block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": is_error}
        return self.user([block], toolUseResult="…")

    def later(self, **pause) -> "Transcript":
        self.at += timedelta(**pause)
        return self

    def text(self) -> str:
        return "".join(json.dumps(record) + "\n" for record in self.records)


def read(transcript: "Transcript | str", **options) -> list[dict]:
    """The sessions that a file gives, as JSON; all of them are of format 1."""
    text = transcript if isinstance(transcript, str) else transcript.text()
    lines = [Line("p/5e55-1.jsonl", n, line.encode()) for n, line in enumerate(text.splitlines(), 1)]
    sessions = []
    for line in with_transcripts(lines, Reading(agent="claude-code", now=NOW, **options), Open()):
        assert not line.reason
        parse_session(line.data)
        sessions.append(json.loads(line.data))
    return sessions


def steps(session: dict) -> list[tuple]:
    return [(e["type"], e["role"], e.get("text", e.get("output", e.get("input")))) for e in session["events"]]


def test_messages_calls_results_and_errors_become_events():
    talk = (
        Transcript()
        .add("file-history-snapshot", snapshot={}, messageId="m")
        .user("Fix the login test")
        .says({"type": "thinking", "thinking": "hm", "signature": "s"}, "I will run it.")
        .calls("t1", command="pytest")
        .result("t1", "Exit code 1\nno module named app", is_error=True)
        .calls("t2", "Read", file_path="/srv/shop/app.py")
        .result("t2", [{"type": "text", "text": "x = 1"}, {"type": "image", "source": {"media_type": "image/png", "data": "A" * 999}}])
        .says("Done.")
    )  # fmt: skip
    (session,) = read(talk)
    assert steps(session) == [
        ("message", "user", "Fix the login test"),
        ("message", "agent", "I will run it."),
        ("tool_call", "agent", {"command": "pytest"}),
        ("tool_result", "tool", "Exit code 1\nno module named app"),
        ("tool_call", "agent", {"file_path": "/srv/shop/app.py"}),
        ("tool_result", "tool", "x = 1\n[image image/png]"),
        ("message", "agent", "Done."),
    ]
    assert [(e["tool"], e["is_error"]) for e in session["events"] if e["type"] == "tool_result"] == [
        ("Bash", True),
        ("Read", False),
    ]
    assert (session["id"], session["agent"], session["task"]) == ("5e55-1", "claude-code", "Fix the login test")
    assert (session["started_at"], session["ended_at"]) == ("2026-03-03T03:01:00+00:00", "2026-03-03T03:07:00+00:00")
    assert session["metadata"] == {
        "source": "claude-code", "cwd": "/srv/shop", "git_branch": "main", "version": "2.0.1", "models": ["claude-x"],
    }  # fmt: skip
    assert "outcome" not in session


def test_what_a_user_says_who_rejects_a_call_is_a_correction():
    note = "\n\nNote: The user's next message may contain a correction or preference."
    said = f"{REJECTION}To tell you how to proceed, the user said:\nUse uv, not pip{note}"
    (session,) = read(Transcript().user("Install it").calls("t1", command="pip install x").result("t1", said, True))
    assert steps(session)[2:] == [
        ("tool_result", "tool", "Rejected by the user."),
        ("correction", "user", "Use uv, not pip"),
    ]
    assert session["events"][2]["is_error"] is True
    # Mining reads the reason out of a refusal where it finds one; here it has the correction, and should not count twice.
    assert (is_refusal(REJECTED), reason_of_refusal(REJECTED)) == (True, "")


def test_what_follows_a_rejection_or_an_interruption_is_a_correction_once():
    talk = Transcript().user("Clean up").calls("t1", command="rm -rf build").result("t1", REJECTION + STOP, True)
    talk.user([{"type": "text", "text": "[Request interrupted by user for tool use]"}])
    talk.user("Never delete build/").says("Right.").user("Now run the tests").says("…")
    talk.user("[Request interrupted by user]").user("Only the unit tests")
    (session,) = read(talk)
    kinds = [(e["type"], e["text"]) for e in session["events"] if e.get("text") and e["role"] == "user"]
    assert kinds == [
        ("message", "Clean up"),
        ("note", "[Request interrupted by user for tool use]"),
        ("correction", "Never delete build/"),
        ("message", "Now run the tests"),
        ("note", "[Request interrupted by user]"),
        ("correction", "Only the unit tests"),
    ]


def test_what_nobody_typed_is_a_note_or_left_out():
    talk = (
        Transcript()
        .user("Caveat: …", isMeta=True)
        .user("<command-name>/review</command-name>")
        .user("This session continues …", isCompactSummary=True)
        .add("system", subtype="compact_boundary", content="Conversation compacted", level="info")
        .add("progress", data={})
        .says("API Error: 529 overloaded", isApiErrorMessage=True)
    )
    assert [step[0] for step in steps(read(talk)[0])] == ["note", "note", "note", "error"]


def test_what_a_user_says_while_the_agent_works_is_heard():
    talk = Transcript().user("Fix it").calls("t1").add("attachment", attachment={"type": "todo", "content": []})
    talk.add("attachment", attachment={"type": "queued_command", "prompt": "And the docs"})
    assert steps(read(talk)[0])[-1] == ("message", "user", "And the docs")


def test_a_part_in_which_only_the_program_was_told_something_is_no_session():
    talk = Transcript().user("<command-name>/clear</command-name>").later(hours=2).user("Fix it")
    assert [session["id"] for session in read(talk)] == ["5e55-1"]


def test_subagents_are_sessions_of_their_own():
    talk = Transcript().user("Look around").calls("t1", "Task", prompt="explore")
    main = talk.text()
    inside = Transcript(isSidechain=True)
    inside.user("explore", uuid="r", parentUuid=None).user("mind the tests", uuid="r2", parentUuid="r")
    own_file = Transcript(isSidechain=True, agentId="a1b2").user("explore").says("found")
    assert [(s["id"], len(s["events"])) for s in read(main + inside.text())] == [("5e55-1", 2), ("5e55-1/agent-r", 2)]
    (session,) = read(own_file)
    assert session["id"] == "5e55-1/agent-a1b2"
    assert (session["metadata"]["session"], session["metadata"]["subagent"]) == ("5e55-1", "a1b2")


def test_what_was_copied_from_another_session_or_stands_twice_is_not_counted_again():
    talk = (
        Transcript()
        .user("old", forkedFrom={"sessionId": "x", "messageUuid": "y"})
        .user("new", uuid="u")
        .user("new", uuid="u")
    )
    assert [step[2] for step in steps(read(talk)[0])] == ["new"]


def test_a_part_that_may_still_grow_waits_and_a_pause_makes_parts_that_never_change():
    talk = (
        Transcript(at=NOW - timedelta(hours=4))
        .user("one")
        .says("ok")
        .later(hours=2)
        .user("two")
        .says("ok")
        .later(hours=1)
    )
    first = read(talk)
    assert [session["id"] for session in first] == ["5e55-1", "5e55-1/2"]
    talk.later(minutes=10).user("three")
    assert read(talk) == first
    assert [session["id"] for session in read(talk, include_open=True)] == ["5e55-1", "5e55-1/2", "5e55-1/3"]


def test_a_session_that_never_pauses_is_cut_before_it_is_too_large():
    talk = Transcript(at=NOW - timedelta(hours=9))
    for number in range(60):
        talk.calls(f"t{number}", "Read").result(f"t{number}", f"{number}" + "x" * 300_000)
    sessions = read(talk)
    assert [session["id"] for session in sessions] == ["5e55-1", "5e55-1/2"]
    assert sum(len(session["events"]) for session in sessions) == 120
    assert "characters left out" in sessions[0]["events"][1]["output"]


@pytest.mark.django_db
def test_a_folder_of_projects_is_imported_and_a_file_that_grew_loses_nothing(tmp_path):
    project = tmp_path / "-srv-shop"
    (project / "5e55-1" / "subagents").mkdir(parents=True)
    talk = Transcript().user("My key is sk-ant-" + "api03-" + "a" * 90).says("ok")
    broken = '{"type":"user","sess\n'
    (project / "5e55-1.jsonl").write_text(talk.text() + broken + talk.says("really").text())
    (project / "5e55-1" / "subagents" / "agent-b.jsonl").write_text(
        Transcript(isSidechain=True, agentId="b").user("explore").text()
    )
    (tmp_path / "native.jsonl").write_text('{"id": "n", "agent": "nat", "events": []}\n')
    report = run(tmp_path, code=1)
    assert (report["sessions_imported"], report["left_open"], report["differing"]) == (3, 0, 0)
    assert [(error["line"], "breaks off" in error["reason"]) for error in report["errors"]] == [(3, True)]
    assert report["agents_created"] == ["claude-code", "nat"]
    assert report["redactions"] == {"api_key": 2}  # in the task, and in the message that it is
    with (project / "5e55-1.jsonl").open("a") as file:
        file.write(Transcript(at=NOW).user("Another day").text().replace("5e55-1-0", "5e55-1-new"))
    again = run(tmp_path, code=1)
    assert (again["sessions_imported"], again["duplicates"], again["differing"]) == (1, 3, 0)
    assert set(Session.objects.values_list("external_id", flat=True)) == {"5e55-1", "5e55-1/agent-b", "5e55-1/2", "n"}


@pytest.mark.django_db
def test_a_transcript_that_is_being_written_is_left_for_later_and_said(tmp_path):
    path = tmp_path / "5e55-1.jsonl"
    path.write_text(Transcript(at=datetime.now(UTC)).user("hello").text() + '{"type":"assis')
    report = run(tmp_path, agent="my-coder", principal="ann")
    assert (report["sessions_imported"], report["left_open"], report["errors"]) == (0, 1, [])
    assert run(tmp_path, agent="my-coder", principal="ann", include_open=True)["sessions_imported"] == 1
    session = Session.objects.get()
    assert (session.agent.slug, session.principal, session.outcome) == ("my-coder", "ann", "unknown")


def test_files_are_told_apart_by_what_stands_in_them():
    assert is_record(b'{"type":"summary","summary":"x","leafUuid":"y"}') is True
    assert is_record(b'{"type":"last-prompt","sessionId":"y"}') is True
    assert is_record(b'{"id":"a","agent":"b","events":[]}') is False
    assert is_record(b"[]") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("a\0b\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "tool_use", "tool_result", "image", "thinking", "odd"]) | json_values},
    optional=dict.fromkeys(
        ["text", "id", "name", "input", "tool_use_id", "content", "is_error", "source"], json_values
    ),
)
records = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["user", "assistant", "system", "summary", "odd"]),
        "sessionId": st.just("s") | json_values,
        "message": st.fixed_dictionaries({"content": json_values | st.lists(blocks, max_size=3), "model": json_values})
        | json_values,
    },
    optional={
        "timestamp": st.sampled_from(["2026-03-03T09:00:00Z", "0001-01-01T00:00:00+14:00", "soon"]) | json_values,
        **dict.fromkeys(
            ["uuid", "parentUuid", "isSidechain", "agentId", "isMeta", "content", "cwd", "forkedFrom"], json_values
        ),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records, min_size=1, max_size=4), st.binary(max_size=20))
def test_whatever_stands_in_a_transcript_gives_sessions_or_a_reason(some, noise):
    lines = [Line("f", 1, b'{"type":"summary"}')]
    lines += [Line("f", n, json.dumps(record).encode()) for n, record in enumerate(some, 2)] + [Line("f", 9, noise)]
    for line in with_transcripts(lines, Reading(agent="a", now=NOW, include_open=True), Open()):
        if not line.reason and line.data.startswith(b'{"id'):
            parse_session(line.data)


def test_nesting_without_end_is_cut_off():
    deep: dict = {}
    for _ in range(200):
        deep = {"a": [deep]}
    (session,) = read(Transcript().says({"type": "tool_use", "id": "t", "name": "Bash", "input": deep}))
    assert "[nested deeper]" in json.dumps(session)
