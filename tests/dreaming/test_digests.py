"""Sessions are digested once, by whoever comes first: a worker after they came in, a sweep, or the pass itself."""

import contextlib
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty

import pytest
from celery.contrib.testing.worker import start_worker
from django.db import connection

from dreaming import digests, embedded, fanout, tasks
from dreaming.celery import app
from dreaming.models import SessionDigest
from dreaming.passes import run_dream
from dreaming.services import enqueue
from memory.models import MemoryStore
from sessions.models import Session
from tests.dreaming.fleet import dream, load_fleet, request
from tests.factories import make_agent, make_session, make_store
from tests.sessions.samples import line, make_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker_url(monkeypatch) -> Iterator[Callable[[str], None]]:
    """Sets where the broker is; that it was away before is forgotten."""
    before = app.conf.broker_url

    def move(url: str) -> None:
        monkeypatch.setattr(fanout._broker, "away_at", float("-inf"))
        app.conf.update(broker_url=url)

    yield move
    app.conf.update(broker_url=before)
    app.pool.force_close_all()


@pytest.fixture
def broker(broker_url, tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("DAYLIGHT_DATA", str(tmp_path))
    server = embedded.start_valkey()
    broker_url(embedded.redis_url())
    yield
    embedded.stop_valkey(server)


@contextlib.contextmanager
def worker() -> Iterator[None]:
    """A worker, which leaves the level of the log as it was: it would silence all tests after it."""
    level = logging.getLogger().level
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL", shutdown_timeout=10):
        yield
    logging.getLogger().setLevel(level)


@pytest.fixture
def send(client) -> Callable[..., int]:
    """Sends sessions over HTTP; returns the status."""
    _, key = make_key()

    def send(*lines: bytes) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return client.post("/api/v1/sessions", b"\n".join(lines), "application/json", headers=headers).status_code

    return send


def digested() -> set[str]:
    return set(Session.objects.filter(digest__isnull=False).values_list("external_id", flat=True))


def wait_for_digests(*names: str) -> None:
    deadline = time.monotonic() + 20
    while digested() != set(names):
        assert time.monotonic() < deadline, digested()
        time.sleep(0.05)


def messages() -> list[tuple[str, int]]:
    """What waits at the broker, in the order in which a worker is given it: task, and how many sessions."""
    found = []
    with (
        app.connection_for_read() as link,
        contextlib.suppress(Empty),
        link.SimpleQueue("celery", no_ack=True) as queue,
    ):
        while True:
            message = queue.get_nowait()
            [argument] = message.payload[0]
            found.append((message.headers["task"], len(argument) if isinstance(argument, list) else 1))
    return found


def row_versions() -> dict[int, str]:
    """The transaction that wrote each digest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_id, xmin::text FROM dreaming_sessiondigest")
        return dict(cursor.fetchall())


def test_sessions_that_come_in_over_http_are_digested_by_a_worker(send, broker):
    assert send(line("a")) == 201
    assert send(line("b"), line("c")) == 200
    assert digested() == set()

    with worker():
        wait_for_digests("a", "b", "c")
    assert messages() == []


def test_a_session_that_was_known_is_not_handed_out(send, broker):
    send(line("a"))
    send(line("a"))
    assert messages() == [("dreaming.tasks.digest", 1)]


def test_without_a_broker_sessions_go_in_and_a_sweep_has_them_digested(send, broker_url, request):
    broker_url("redis+socket:///nowhere/valkey.sock")
    began = time.monotonic()
    assert send(line("a")) == 201
    assert time.monotonic() - began < 2

    request.getfixturevalue("broker")
    assert messages() == []
    tasks.digest_missing()
    with worker():
        wait_for_digests("a")
    tasks.digest_missing()
    assert messages() == []


def test_what_a_sweep_handed_out_and_nobody_took_is_dropped_before_the_next_one(broker, monkeypatch):
    make_session(make_agent(), external_id="a")
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 0.01)
    tasks.digest_missing()
    time.sleep(0.02)
    make_session(make_agent(), external_id="b")
    fanout.hand_out([Session.objects.get(external_id="b").pk])

    with worker():
        wait_for_digests("b")


def test_only_the_first_request_waits_for_a_broker_that_hangs(send, broker_url, monkeypatch):
    monkeypatch.setattr(fanout, "BROKER_TIMEOUTS", fanout.BROKER_TIMEOUTS | {"socket_timeout": 0.3})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker_url(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert send(line("a")) == 201
        began = time.monotonic()
        for name in ("b", "c", "d", "e", "f"):
            assert send(line(name)) == 201
        assert time.monotonic() - began < 1.5  # 5 × 0.3 s, and as much again for a second try


def test_a_pass_digests_what_is_missing_and_only_that():
    store = load_fleet()
    dream(store)
    before = row_versions()
    make_session(store.agents.first())
    seen = []

    run_dream(request(store).pk, lambda *step: seen.append(step))

    assert [step for step in seen if step[0] == "digesting sessions"][-1] == ("digesting sessions", 1, 1)
    after = row_versions()
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_a_pass_asks_for_help_and_does_not_wait_for_it(broker, monkeypatch):
    monkeypatch.setattr(digests, "WORTH_WORKERS", 200)
    store = load_fleet()
    messages()

    assert dream(store).status == "completed"

    assert messages() == [("dreaming.tasks.digest", 100), ("dreaming.tasks.digest", 100)]


def test_a_dream_overtakes_the_digests_that_wait(broker):
    store = make_store(agents=[make_agent()])
    fanout.hand_out(range(250))
    enqueue(request(store))
    assert [task for task, _ in messages()] == ["dreaming.tasks.run", *["dreaming.tasks.digest"] * 3]


def test_a_batch_that_is_delivered_twice_changes_nothing():
    ids = [make_session(make_agent()).pk for _ in range(3)]
    tasks.digest(ids)
    before = row_versions()
    tasks.digest([*ids, 10**9])  # and a session that is gone
    assert row_versions() == before


def digest_elsewhere(ids: list[int]) -> None:
    try:
        tasks.digest(ids)
    finally:
        connection.close()


def test_several_who_digest_the_same_at_once_do_not_get_in_each_others_way():
    agent = make_agent()
    ids = [make_session(agent).pk for _ in range(60)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(digest_elsewhere, [ids, ids[::-1], ids[30:] + ids[:30], ids]))
    assert sorted(SessionDigest.objects.values_list("session_id", flat=True)) == sorted(ids)


def test_digests_of_an_older_version_are_made_anew():
    store = load_fleet()
    dream(store)
    SessionDigest.objects.update(version=1, data={})
    assert dream(store).sessions == 200


@pytest.mark.parametrize("spelt", ["\\u0000", "\\ud800", "\\udc00 \\ud83d\\ude00"])
def test_a_session_that_spells_what_postgresql_cannot_keep_is_digested(spelt):
    store = load_fleet()
    error = f'{{"error": "the ledger {spelt} is locked"}}'
    make_session(store.agents.first(), [error, f'"{spelt}"', error])

    ended = dream(store)

    assert (ended.status, ended.sessions) == ("completed", 201)
    assert "ledger \ufffd" in json.dumps(list(SessionDigest.objects.values_list("data", flat=True)), ensure_ascii=False)


def test_a_session_without_events_is_digested():
    store = make_store(agents=[make_agent()])
    Session.objects.filter(pk=make_session(store.agents.get(), ["x"]).pk).update(event_count=0)
    assert dream(store).sessions == 1
    assert MemoryStore.objects.get().revision == 0
