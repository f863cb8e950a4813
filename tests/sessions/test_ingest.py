"""The one way in: all of a batch or nothing, once, and on the record."""

import json
import threading

import pytest
from django.db import connection, transaction

from audit.actors import Actor
from audit.models import Entry
from audit.verifying import verify_record
from sessions import services
from sessions.models import Agent, Event, Session
from sessions.preparing import prepare
from sessions.services import ingest
from sessions.signals import agents_seen
from tests.sessions.samples import ADMIN, line, with_event

pytestmark = pytest.mark.django_db


def send(*lines: bytes, store: str = "") -> services.IngestResult:
    return ingest(sessions=[prepare(data) for data in lines], actor=ADMIN, store=store)


def test_a_session_and_its_events_are_kept():
    text = 'tab\t line\nreturn\r backslash \\ \\N quote " ünïcødé 😀 \x7f\x0b'
    result = send(with_event(text=text, at="2026-03-03T09:30:00.123456Z", is_error=False, duration_ms=1.5, tool="\\."))
    assert (result.statuses, result.events) == (["created"], 1)
    event = Event.objects.get()
    assert event.text == text
    assert (event.tool, event.is_error, event.duration_ms) == ("\\.", False, 1.5)
    assert event.at.isoformat() == "2026-03-03T09:30:00.123456+00:00"
    assert (event.input, event.output, event.output_is_json, event.extra) == ("", "", False, {})


def test_json_values_are_kept_as_the_text_that_quotes_come_from():
    send(with_event(type="tool_result", input={"a": [1, "\n"]}, output={"ok": "ä\\"}, other={"k": None}))
    event = Event.objects.get()
    assert event.input == '{"a": [1, "\\n"]}'
    assert (event.output, event.output_is_json) == ('{"ok": "ä\\\\"}', True)
    assert event.extra == {"other": {"k": None}}
    assert event.says('"ok": "ä')


def test_the_session_row_has_what_was_sent():
    send(
        line(
            "s-9",
            task="t",
            task_id="t1",
            principal="p",
            started_at="2026-03-03T09:30:00Z",
            outcome={"status": "failure", "score": 0.25, "source": "grader", "detail": "d"},
            metadata={"model": "m", "n": [1.5]},
            mood="good",
        )
    )
    kept = Session.objects.get()
    assert (kept.external_id, kept.agent.slug, kept.task, kept.task_id, kept.principal) == (
        "s-9",
        "alice-bot",
        "t",
        "t1",
        "p",
    )
    assert (kept.outcome, kept.outcome_score, kept.outcome_source, kept.outcome_detail) == (
        "failure",
        0.25,
        "grader",
        "d",
    )
    assert (kept.metadata, kept.extra, kept.event_count) == ({"model": "m", "n": [1.5]}, {"mood": "good"}, 2)
    assert kept.occurred_at == kept.started_at


def test_a_session_without_times_occurred_when_it_was_received():
    send(line())
    kept = Session.objects.get()
    assert kept.started_at is None
    assert kept.occurred_at == kept.received_at


def test_ids_follow_the_order_of_the_batch():
    send(line("b"), line("a"), line("c", agent="a-bot"))
    assert list(Session.objects.order_by("id").values_list("external_id", flat=True)) == ["b", "a", "c"]


def test_sending_again_changes_nothing():
    send(line("a"), line("b"))
    result = send(line("a"), line("b", task="changed"), line("c"))
    assert result.statuses == ["duplicate", "differs", "created"]
    assert (Session.objects.count(), Event.objects.count()) == (3, 6)
    assert Session.objects.get(external_id="b").task == ""


def test_the_same_session_twice_in_a_batch_is_kept_once():
    assert send(line("a", task="1"), line("a", task="1"), line("a", task="2")).statuses == [
        "created",
        "duplicate",
        "differs",
    ]
    assert Session.objects.get().task == "1"
    assert Event.objects.count() == 2


def test_ids_are_unique_within_an_agent_only():
    assert send(line("a"), line("a", agent="b-bot")).statuses == ["created", "created"]


def test_new_agents_are_gated_and_on_the_record():
    assert send(line(agent="new-bot")).agents_created == ["new-bot"]
    assert Agent.objects.get().mode == Agent.Mode.GATED
    assert Agent.objects.get().history.count() == 1
    assert Entry.objects.filter(action="agent.created").count() == 1
    assert send(line("s-2", agent="new-bot")).agents_created == []


def test_a_batch_is_one_entry_with_counts_and_no_content():
    send(line("a"), with_event(text="my password is hunter2"))
    entry = Entry.objects.get(action="sessions.imported")
    assert entry.data == {
        "sessions": 2,
        "duplicates": 0,
        "differing": 0,
        "events": 3,
        "redactions": {"password": 1},
    }
    assert Session.objects.get(external_id="s-1").redactions == {"password": 1}
    assert not verify_record().error


def test_a_batch_that_adds_nothing_leaves_no_entry():
    send(line("a"))
    send(line("a"))
    assert Entry.objects.filter(action="sessions.imported").count() == 1


def test_nothing_is_half_written_when_the_record_fails(monkeypatch):
    def broken(**_):
        raise RuntimeError("no record")

    monkeypatch.setattr(services, "record", broken)
    with pytest.raises(RuntimeError, match="no record"), transaction.atomic():
        send(line("a"))
    assert not Session.objects.exists()
    assert not Event.objects.exists()
    assert not Agent.objects.exists()


def test_listeners_are_told_once_a_batch_and_may_warn():
    heard = []

    def listener(*, store, agents, created, **_):
        heard.append((store, [agent.slug for agent in agents], len(created)))
        return ["mind the gap"]

    agents_seen.connect(listener)
    try:
        assert "mind the gap" in send(line(agent="b-bot"), line(agent="a-bot"), store="desk").warnings
        assert heard == [("desk", ["a-bot", "b-bot"], 2)]
        send(line("s-2", agent="b-bot"))
        assert len(heard) == 1, "without a store nobody is attached"
    finally:
        agents_seen.disconnect(listener)


def test_no_secret_reaches_the_database():
    send(
        line(
            events=0,
            task="use sk-ant-api03-AbCdEf0123456789abcdefGH",
            principal="x PASSWORD=hunter2",
            metadata={"password": "hunter2", "card": 4111111111111111},
            outcome={"status": "success", "detail": "token=hunter2hunter2"},
            more={"api_key": "hunter2hunter2"},
        ),
        with_event(
            text="PASSWORD=hunter2",
            output={"password": "hunter2"},
            input={"command": "x --password hunter2"},
            more={"password": "hunter2"},
        ).replace(b'"s-1"', b'"s-2"'),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(s::text, ' ') FROM agent_sessions_session s")
        rows = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(e::text, ' ') FROM agent_sessions_event e")
        rows += cursor.fetchone()[0]
    assert not any(secret in rows for secret in ("hunter2", "AbCdEf", "411111"))
    first, second = Session.objects.order_by("id")
    assert first.redactions == {"api_key": 1, "password": 2, "secret": 2, "card": 1}
    assert second.redactions == {"password": 4}


@pytest.mark.django_db(transaction=True)
def test_racing_imports_keep_each_session_once():
    batches = [
        [prepare(line(f"s-{n}", agent=f"bot-{n % 3}")) for n in order] for order in (range(60), range(59, -1, -1))
    ]
    created, errors = [], []
    gate = threading.Barrier(8)

    def racer(batch):
        try:
            gate.wait()
            created.append(ingest(sessions=batch, actor=Actor.system("racer")).statuses.count("created"))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=racer, args=(batches[n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert sum(created) == Session.objects.count() == 60
    assert Event.objects.count() == 120
    assert Entry.objects.filter(action="agent.created").count() == 3


def test_names_and_call_ids_are_redacted_and_results_still_find_their_calls():
    first, second = ("sk-ant-api03-" + letters * 12 for letters in ("Ab1", "Cd2"))
    events = [
        {"seq": 0, "type": "tool_call", "tool": f"run {first}", "call_id": first},
        {"seq": 1, "type": "tool_call", "tool": "run", "call_id": second},
        {"seq": 2, "type": "tool_result", "tool": "run", "call_id": second, "output": "b"},
        {"seq": 3, "type": "tool_result", "tool": "run", "call_id": first, "output": "a"},
    ]
    session = prepare(json.dumps({"id": "s-1", "agent": "a-bot", "task_id": first, "events": events}).encode())
    rows = [row.split("\t") for row in session.copy_rows.decode().splitlines()]
    assert not any(secret in str(session) for secret in (first, second))
    assert (session.task_id, rows[0][5]) == ("[redacted:api_key]", "run [redacted:api_key]")
    assert rows[0][6] == rows[3][6] != rows[1][6] == rows[2][6]
    assert session.redactions == {"api_key": 4}
