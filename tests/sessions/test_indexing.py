"""New sessions get their index from a worker, each once, and none is forgotten."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from audit.actors import Actor
from sessions import indexing, tasks
from sessions.models import Session, SessionIndex, SessionWords, UnindexedSession
from sessions.preparing import prepare
from sessions.services import ingest
from tests.factories import make_agent, make_session

pytestmark = pytest.mark.django_db

EVENTS = [
    {"seq": 0, "type": "message", "role": "user", "text": "Post the entry"},
    {"seq": 1, "type": "tool_call", "tool": "bash", "call_id": "1", "input": {"command": "post\nnow"}},
    {"seq": 2, "type": "tool_result", "tool": "bash", "call_id": "1", "output": "ledger locked", "is_error": True},
    {"seq": 3, "type": "tool_result", "tool": "mail", "output": {"sent": True}},
]


def send(**fields) -> Session:
    line = {
        "id": "run-1",
        "agent": "teller",
        "task": "Close the month",
        "principal": "rita@example.org",
        "events": EVENTS,
    }
    ingest(sessions=[prepare(json.dumps(line | fields).encode())], actor=Actor.system("test"))
    return Session.objects.get(external_id=fields.get("id", "run-1"))


def test_ingest_asks_for_the_index_in_its_own_transaction_and_a_worker_makes_it():
    session = send()
    assert UnindexedSession.objects.get().pk == session.pk

    tasks.index_pending()

    index = SessionIndex.objects.get()
    assert not UnindexedSession.objects.exists()
    assert (index.tools, index.failing_tools, index.error_count) == (["bash", "mail"], ["bash"], 1)
    assert (index.agent_id, index.occurred_at, index.outcome) == (session.agent_id, session.occurred_at, "unknown")


def test_a_duplicate_is_not_indexed_again():
    send()
    tasks.index_pending()
    send()
    assert not UnindexedSession.objects.exists()


@pytest.mark.parametrize(("waiting", "asked"), [(0, 0), (1, 1), (200, 1), (201, 2), (5_000, 8)])
def test_as_many_workers_are_asked_as_there_is_work_for(monkeypatch, waiting, asked):
    UnindexedSession.objects.bulk_create(UnindexedSession(pk=pk) for pk in range(waiting))
    sent = []
    monkeypatch.setattr(tasks.index_pending, "apply_async", lambda **options: sent.append(options["expires"]))

    tasks.hand_out_index()

    assert sent == [tasks.EVERY_SECONDS] * asked


def test_beat_looks_for_new_sessions_as_often_as_a_task_is_kept(settings):
    entry = settings.CELERY_BEAT_SCHEDULE["index-sessions"]
    assert (entry["task"], entry["schedule"]) == (tasks.hand_out_index.name, tasks.EVERY_SECONDS)


def test_a_session_that_is_gone_keeps_nobody_waiting():
    UnindexedSession.objects.create(pk=999)
    assert indexing.index_pending(seconds=60) == 1
    assert not UnindexedSession.objects.exists()


def test_indexing_again_changes_nothing():
    session = send()
    indexing.index_sessions([session.pk])
    before = list(SessionWords.objects.values_list("words", flat=True))
    indexing.index_sessions([session.pk])

    assert list(SessionWords.objects.values_list("words", flat=True)) == before
    assert SessionIndex.objects.count() == 1


def test_a_long_event_is_cut_into_stretches_and_short_ones_share_one():
    long = make_session(make_agent(), ["short", "y " * indexing.STRETCH, "end"])
    indexing.index_sessions([long.pk])

    rows = SessionWords.objects.order_by("pk").values_list("first_seq", "start", "last_seq")
    assert list(rows) == [
        (indexing.HEAD, 0, 0),
        (1, 0, 1),
        (1, indexing.STRETCH, 1),
        (2, 0, 2),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2_000_000,
        "'\\ \" : * & | ! <-> $$",
        "\u202e\x1b[31m\x07",
        "a " * 500_000,
        " ".join(map(str, range(200_000))),
    ],
    ids=["a megabyte in one word", "signs", "control characters", "one word for ever", "many words"],
)
def test_no_text_is_too_odd_or_too_long(text):
    session = make_session(make_agent(), [text], task=text[:5_000], principal=text)
    indexing.index_sessions([session.pk])
    assert SessionIndex.objects.filter(pk=session.pk).exists()


def test_the_words_of_failed_steps_are_also_kept_apart():
    indexing.index_sessions([send().pk])
    with connection.cursor() as cursor:
        cursor.execute("SELECT lexeme FROM agent_sessions_sessionwords, unnest(words) WHERE lexeme LIKE 'e:%%'")
        assert {row[0] for row in cursor.fetchall()} == {"e:ledger", "e:locked"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work_and_neither_waits_for_the_other(monkeypatch):
    monkeypatch.setattr(indexing, "BATCH", 1)
    first, second = send(id="run-1"), send(id="run-2")

    def meanwhile() -> int:
        try:
            return indexing.index_pending(seconds=60)
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as other:
        UnindexedSession.objects.select_for_update().get(pk=first.pk)
        assert other.submit(meanwhile).result(timeout=30) == 1

    assert list(UnindexedSession.objects.values_list("pk", flat=True)) == [first.pk]
    assert SessionIndex.objects.get().pk == second.pk
