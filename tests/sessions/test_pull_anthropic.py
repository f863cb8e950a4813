"""`pull_anthropic`: sessions of Managed Agents through the real SDK, resumable wherever it stops."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.actors import Actor
from audit.models import Entry
from sessions import pulling, tasks
from sessions.foreign import session_line
from sessions.format import parse_session
from sessions.managed_agents import QUIET, outcome_of, session_of
from sessions.models import RemoteSession, RemoteSource, Session
from sessions.pulling import PullFailed, PullReport, pull
from tests.dreaming.claude_server import failure
from tests.dreaming.conftest import connected
from tests.factories import make_agent
from tests.sessions.managed_agents_server import EVENT, SessionsServer, agent, idle, text, user

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BY = Actor.system("test")


@pytest.fixture
def server(settings) -> Iterator[SessionsServer]:
    server = SessionsServer()
    connected(server, settings)
    yield server
    server.close()


@pytest.fixture
def source(db) -> RemoteSource:
    return RemoteSource.objects.create(agent=make_agent("desk-bot"))


def pulled(source: RemoteSource, **options) -> PullReport:
    source.refresh_from_db()
    return pull(source=source, actor=BY, **{"now": NOW, **options})


def ids() -> list[str]:
    return list(Session.objects.order_by("pk").values_list("external_id", flat=True))


def test_a_session_is_pulled_with_everything_that_was_said_and_done(server, source):
    call = {"type": "agent.tool_use", "id": "sevt_c1", "name": "bash", "input": {"command": "ls"}}
    mcp = {"type": "agent.mcp_tool_use", "id": "sevt_c2", "name": "get_order", "mcp_server_name": "shop", "input": {}}
    custom = {"type": "agent.custom_tool_use", "id": "sevt_c3", "name": "ask_boss", "input": {}}
    sent = [
        user("List the files"),
        {"type": "agent.thinking"},
        call,
        {"type": "agent.tool_result", "tool_use_id": "sevt_c1", "content": text("a.py"), "is_error": False},
        mcp,
        {"type": "agent.mcp_tool_result", "mcp_tool_use_id": "sevt_c2", "content": text("no such order"), "is_error": True},
        custom,
        {"type": "user.custom_tool_result", "custom_tool_use_id": "sevt_c3", "content": text("no")},
        {"type": "agent.message", "content": [{"type": "redacted"}]},
        {"type": "session.error", "error": {"type": "model_overloaded_error", "message": "busy", "retry_status": {"type": "retrying"}}},
        idle(),
    ]  # fmt: skip
    server.add("sesn_1", *sent, metadata={"user_id": "ann", "task_id": "t-1"}, title="Files")
    for one in server.events["sesn_1"]:
        EVENT.validate_python(one)
    report = pulled(source)
    assert (report.sessions, report.events, report.waiting, report.problems) == (1, 9, 0, [])
    session = Session.objects.get()
    assert [(e.type, e.role, e.tool, e.text or e.output or e.input, e.is_error) for e in session.events.all()] == [
        ("message", "user", "", "List the files", None),
        ("tool_call", "agent", "bash", '{"command": "ls"}', None),
        ("tool_result", "tool", "bash", "a.py", False),
        ("tool_call", "agent", "get_order", "{}", None),
        ("tool_result", "tool", "get_order", "no such order", True),
        ("tool_call", "agent", "ask_boss", "{}", None),
        ("tool_result", "tool", "ask_boss", "no", False),
        ("message", "agent", "", "[redacted]", None),
        ("error", "system", "", "model_overloaded_error: busy", None),
    ]
    assert (session.agent.slug, session.task, session.principal, session.task_id) == (
        "desk-bot",
        "List the files",
        "ann",
        "t-1",
    )
    assert (session.metadata["remote_agent"], session.metadata["model"], session.metadata["title"]) == (
        "agent_1",
        "claude-x",
        "Files",
    )
    assert str(session.started_at) == "2026-03-01 09:00:00+00:00"
    assert Entry.objects.filter(action="sessions.imported").count() == 1
    path, query = server.asked[0]
    assert (path, query["include_archived"]) == ("/v1/sessions", "true")


def test_a_denial_and_what_follows_an_interruption_are_corrections(server, source):
    deny = {"type": "user.tool_confirmation", "tool_use_id": "c1", "result": "deny"}
    server.add(
        "sesn_1",
        {"type": "agent.tool_use", "id": "c1", "name": "rm", "input": {}},
        {**deny, "deny_message": "Never delete"},
        {**deny},
        user("Move it instead"),
        {"type": "user.tool_confirmation", "tool_use_id": "c1", "result": "allow"},
        {"type": "user.interrupt"},
        user("Stop here"),
        user("Thanks"),
    )
    pulled(source)
    said = Session.objects.get().events.exclude(type="tool_call").values_list("type", "tool", "text")
    assert list(said) == [
        ("correction", "rm", "Never delete"),
        ("note", "rm", "Denied by the user."),
        ("correction", "", "Move it instead"),
        ("note", "", "Interrupted by the user."),
        ("correction", "", "Stop here"),
        ("message", "", "Thanks"),
    ]


def test_what_is_not_known_is_kept_as_a_note(server, source):
    server.add("sesn_1", {"type": "agent.daydreamed", "about": "sheep"}, idle("quota_of_2027"))
    pulled(source)
    assert list(Session.objects.get().events.values_list("type", "text")) == [
        ("note", 'agent.daydreamed: {"about": "sheep"}'),
        ("note", "Stopped: quota_of_2027"),
    ]


def test_only_what_is_over_is_pulled_and_the_rest_is_pulled_when_it_is(server, source):
    server.add("sesn_1", user("a"), status="terminated", at="2026-03-01T01:00:00Z")
    server.add("sesn_2", user("b"), status="running", at="2026-03-01T02:00:00Z")
    server.add("sesn_3", user("c"), at="2026-03-01T23:50:00Z")
    server.add("sesn_4", user("d"), status="terminated", at="2026-03-01T23:59:00Z")
    report = pulled(source)
    assert (ids(), report.waiting) == (["sesn_1", "sesn_4"], 2)
    source.refresh_from_db()
    assert source.cursor == datetime(2026, 3, 1, 1, tzinfo=UTC)
    server.sessions["sesn_2"] |= {"status": "terminated", "updated_at": "2026-03-02T00:00:00Z"}
    assert pulled(source, now=NOW + timedelta(hours=1)).sessions == 2
    assert ids() == ["sesn_1", "sesn_4", "sesn_2", "sesn_3"]


def test_a_session_that_went_on_loses_nothing(server, source):
    server.add("sesn_1", user("a"), agent("b"), idle())
    pulled(source)
    server.append("sesn_1", user("c"), agent("d"), idle())
    server.sessions["sesn_1"]["updated_at"] = "2026-03-01T12:00:00Z"
    assert pulled(source).sessions == 1
    assert ids() == ["sesn_1", "part-2/sesn_1"]
    assert list(Session.objects.get(external_id="part-2/sesn_1").events.values_list("text", flat=True)) == ["c", "d"]
    assert pulled(source).sessions == 0
    assert server.asked[-1][0] == "/v1/sessions"  # events of what did not change are not asked for


def test_a_long_session_comes_in_parts(server, source, monkeypatch):
    monkeypatch.setattr(pulling, "PART_EVENTS", 3)
    server.add("sesn_1", *[user(str(number)) for number in range(7)])
    assert pulled(source).sessions == 3
    assert ids() == ["sesn_1", "part-2/sesn_1", "part-3/sesn_1"]


@pytest.mark.parametrize("crash_at", range(1, 9))
def test_a_pull_that_ends_anywhere_goes_on_where_it_was(server, source, monkeypatch, crash_at):
    monkeypatch.setattr(pulling, "PART_EVENTS", 2)
    for number in range(1, 4):
        server.add(f"sesn_{number}", *[user(f"{number}.{at}") for at in range(3)], at=f"2026-03-01T0{number}:00:00Z")
    asked = server.get

    def breaking(path, query):
        if len(server.asked) + 1 == crash_at:
            server.asked.append((path, query))
            return failure(403, "permission_error", "for now")
        return asked(path, query)

    monkeypatch.setattr(server, "get", breaking)
    with pytest.raises(PullFailed, match="Anthropic answered 403"):
        pulled(source)
    assert RemoteSource.objects.get().trouble
    pulled(source)
    said = sorted(text for session in Session.objects.all() for text in session.events.values_list("text", flat=True))
    assert said == sorted(f"{number}.{at}" for number in range(1, 4) for at in range(3))
    assert RemoteSource.objects.get().trouble == ""


def test_two_pulls_that_meet_lose_and_double_nothing(server, source, monkeypatch):
    monkeypatch.setattr(pulling, "PART_EVENTS", 2)
    server.add("sesn_1", *[user(str(number)) for number in range(5)])
    fetch = pulling._fresh_events

    def overtaken(*args):
        mine = list(fetch(*args))
        monkeypatch.setattr(pulling, "_fresh_events", fetch)
        server.append("sesn_1", user("5"))
        server.sessions["sesn_1"]["updated_at"] = "2026-03-01T12:00:00Z"
        pulled(source)
        return iter(mine)

    monkeypatch.setattr(pulling, "_fresh_events", overtaken)
    pulled(source)
    said = [
        text for session in Session.objects.order_by("pk") for text in session.events.values_list("text", flat=True)
    ]
    assert said == list("012345")
    assert pulled(source).sessions == 0


def test_limits_and_faults_are_tried_again_by_the_sdk(server, source):
    server.add("sesn_1", user("a"))
    server.fails = [failure(429, "rate_limit_error"), failure(529, "overloaded_error"), failure(500, "api_error")]
    assert pulled(source).sessions == 1


def test_a_session_that_is_gone_is_named_and_the_others_come(server, source):
    server.add("sesn_1", user("a"))
    server.add("sesn_2", user("b"), at="2026-03-01T10:00:00Z")
    del server.events["sesn_1"]
    report = pulled(source)
    assert (ids(), report.problems) == (["sesn_2"], ["sesn_1: " + report.problems[0].partition(": ")[2]])
    assert "404" in report.problems[0]


def test_one_remote_agent_and_a_date_can_be_asked_for(server, source):
    server.add("sesn_1", user("a"))
    server.add("sesn_2", user("b"), at="2026-03-01T10:00:00Z")
    server.sessions["sesn_1"]["agent"] = {**server.sessions["sesn_1"]["agent"], "id": "agent_2"}
    RemoteSource.objects.update(remote_agent="agent_2")
    pulled(source)
    assert ids() == ["sesn_1"]
    RemoteSource.objects.update(remote_agent="", cursor=None, pulled_at=None)
    assert pulled(source, since=datetime(2026, 3, 1, 9, 30, tzinfo=UTC)).looked_at == 1
    assert ids() == ["sesn_1", "sesn_2"]


def test_a_later_start_does_not_carry_the_cursor_over_what_waits(server, source):
    server.add("sesn_1", user("a"), status="running")
    pulled(source)
    server.add("sesn_2", user("b"), status="terminated", at="2026-03-01T10:00:00Z")
    pulled(source, since=datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    server.sessions["sesn_1"]["status"] = "terminated"
    pulled(source)
    assert ids() == ["sesn_2", "sesn_1"]


def evaluation(result: str, **fields) -> dict:
    return {"type": "outcome_evaluation", "result": result, "explanation": "why", "outcome_id": "o", **fields}


@pytest.mark.parametrize(
    ("results", "status"),
    [
        (["satisfied"], "success"),
        (["failed"], "failure"),
        (["max_iterations_reached"], "partial"),
        (["satisfied", "failed"], "partial"),
        (["interrupted"], "unknown"),
        (["evaluating"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_graders_verdict_is_the_outcome(results, status):
    outcome = outcome_of({"outcome_evaluations": [evaluation(result) for result in results]}, [])
    assert outcome["status"] == status
    assert ("source" in outcome) == bool(set(results) - {"evaluating"})


def test_without_a_verdict_of_the_session_the_last_of_its_events_counts():
    end = {"type": "span.outcome_evaluation_end", "outcome_id": "o", "explanation": ""}
    events = [{**end, "result": "needs_revision"}, {**end, "result": "satisfied"}]
    assert outcome_of({}, events) == {
        "status": "success", "source": "anthropic outcome evaluation", "detail": "satisfied",
    }  # fmt: skip
    assert outcome_of({}, [idle("retries_exhausted")])["status"] == "failure"
    assert outcome_of({}, [idle("retries_exhausted"), idle()])["status"] == "unknown"


def test_the_command_pulls_and_says_what_it_did(server, source):
    server.add("sesn_1", user("a"), status="terminated")
    out = io.StringIO()
    call_command("pull_anthropic", agent="desk-bot", as_json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"looked_at": 1, "sessions": 1, "events": 1, "waiting": 0, "problems": []}
    with pytest.raises(CommandError, match="There is no agent nobody"):
        call_command("pull_anthropic", agent="nobody")
    with pytest.raises(CommandError, match="--since soon"):
        call_command("pull_anthropic", agent="desk-bot", since="soon")


def test_without_a_key_nothing_is_asked(server, source, settings):
    settings.ANTHROPIC_API_KEY = ""
    RemoteSource.objects.update(is_followed=True)
    tasks.pull_followed()
    with pytest.raises(CommandError, match="Set ANTHROPIC_API_KEY"):
        call_command("pull_anthropic", agent="desk-bot")
    assert server.asked == []


def test_what_is_followed_is_pulled_by_the_schedule_and_the_record_says_so(server, source):
    server.add("sesn_1", user("a"), status="terminated")
    tasks.pull_followed()
    assert server.asked == []
    call_command("pull_anthropic", agent="desk-bot", follow=True, stdout=io.StringIO())
    server.add("sesn_2", user("b"), status="terminated", at="2026-03-01T10:00:00Z")
    tasks.pull_followed()
    assert ids() == ["sesn_1", "sesn_2"]
    call_command("pull_anthropic", "--agent=desk-bot", "--unfollow", stdout=io.StringIO())
    changes = Entry.objects.filter(action="remote_source.changed").order_by("pk")
    assert [entry.data["is_followed"] for entry in changes] == [True, False]
    assert RemoteSession.objects.count() == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KINDS = [
    "user.message",
    "agent.tool_use",
    "agent.tool_result",
    "user.tool_confirmation",
    "session.error",
    "session.status_idle",
]
sent_events = st.fixed_dictionaries(
    {
        "type": st.sampled_from([*KINDS, "user.define_outcome", "span.outcome_evaluation_end", *sorted(QUIET)])
        | json_values
    },
    optional=dict.fromkeys(
        ["id", "content", "name", "input", "tool_use_id", "error", "stop_reason", "result", "is_error", "deny_message"],
        json_values,
    ),
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(sent_events, max_size=4),
    st.fixed_dictionaries({}, optional={"metadata": json_values, "agent": json_values}),
)
def test_whatever_they_send_makes_a_session_of_format_1_or_none(sent, session):
    made = session_of(session, sent, external_id="s", agent="a")
    if made is not None:
        parse_session(session_line(made))
