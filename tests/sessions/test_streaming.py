"""A session sent as it runs: opened, added to, closed; retried as one likes, and nothing of it lost."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.actors import Actor
from audit.models import Entry
from audit.verifying import verify_record
from sessions import format as session_format
from sessions import pressure, streaming
from sessions.models import ApiKey, Event, OpenEvent, OpenSession, OutcomeCorrection, Session
from sessions.withdrawing import correct_outcome
from tests.sessions.samples import make_key

pytestmark = pytest.mark.django_db
URL = "/api/v1/sessions/team/run-1"
SECRET = "sk-ant-api03-" + "a1B2" * 20


@pytest.fixture
def send(client):
    _, text = make_key()

    def send(method: str, path: str = "", body: object = None, key: str = text):
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        headers = {"Authorization": f"Bearer {key}"}
        return client.generic(method.upper(), URL + path, data, content_type="application/json", headers=headers)

    return send


def event(seq: int, text: str = "step", **more: object) -> bytes:
    return json.dumps({"seq": seq, "type": "message", "role": "agent", "text": text, **more}).encode()


def test_a_session_is_opened_added_to_and_closed(send):
    opened = send("put", body={"task": "Exchange the keyboard"})
    added = send("post", "/events", event(0) + b"\n" + event(1))
    assert Session.objects.count() == 0, "no dream reads what still runs"
    closed = send("post", "/close", {"outcome": {"status": "success", "source": "grader"}})

    assert (opened.status_code, opened.json()) == (201, {"id": "team/run-1", "status": "open", "next_seq": 0})
    assert (added.status_code, added.json()["accepted"], added.json()["next_seq"]) == (200, 2, 2)
    assert (closed.status_code, closed.json()) == (201, {"id": "team/run-1", "status": "closed"})
    session = Session.objects.get()
    assert (session.task, session.outcome, session.event_count) == ("Exchange the keyboard", "success", 2)
    assert not OpenSession.objects.exists()
    assert not OpenEvent.objects.exists()


def test_every_step_may_be_sent_again(send):
    send("put", body={"task": "one"})
    send("post", "/events", event(0))
    again = send("put", body={"task": "two"})
    repeated = send("post", "/events", event(0, "other") + b"\n" + event(1))

    assert (again.status_code, again.json()["next_seq"]) == (200, 1)
    assert (repeated.json()["accepted"], repeated.json()["duplicates"]) == (1, 1)
    send("post", "/close")
    assert list(Event.objects.values_list("text", flat=True)) == ["step", "step"]
    assert Session.objects.get().task == "one"


def test_a_bad_event_is_refused_and_the_others_stay(send):
    send("put")
    answer = send("post", "/events", event(0) + b"\n{\n" + event(1, type="dance") + b"\n" + event(2))

    assert (answer.status_code, answer.json()["accepted"]) == (207, 2)
    assert [error["line"] for error in answer.json()["errors"]] == [2, 3]
    assert "one of message" in answer.json()["errors"][1]["reason"]
    assert send("post", "/events", b"{").status_code == 422
    assert send("post", "/events", b"\n").status_code == 422


def test_what_waits_holds_no_secret(send):
    send("put", body={"task": f"use {SECRET}"})
    send("post", "/events", event(0, f"the key is {SECRET}"))

    waiting = json.dumps(OpenSession.objects.get().head) + OpenEvent.objects.get().body
    assert SECRET not in waiting
    send("post", "/close")
    assert sum(Session.objects.get().redactions.values()) == 2


def test_what_is_not_open_says_so(send):
    unknown = send("post", "/events", event(0))
    assert (unknown.status_code, unknown.json()["error"]) == (409, "not_open")
    assert send("get").status_code == 404
    send("put")
    assert send("get").json() == {"id": "team/run-1", "status": "open", "next_seq": 0}
    send("post", "/close")
    assert send("get").json() == {"id": "team/run-1", "status": "closed"}
    for answer in (send("put"), send("post", "/events", event(0)), send("post", "/close")):
        assert (answer.status_code, "a session is written once" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"events": []}, 422),
        ({"id": "other"}, 422),
        ({"agent": "bob-bot"}, 403),
        ({"started_at": "soon"}, 422),
        (b"[]", 422),
        (b"{", 422),
    ],
)
def test_a_bad_opening_is_refused(send, body, status):
    assert send("put", body=body).status_code == status
    assert not OpenSession.objects.exists()


def test_a_bad_close_leaves_it_open(send):
    send("put")
    for closing in ({"outcome": {"status": "fine"}}, {"events": []}):
        assert send("post", "/close", closing).status_code == 422
    assert send("get").json()["status"] == "open"


def test_another_agents_session_is_unknown(send):
    send("put")
    _, other = make_key("bob-bot")

    assert send("get", key=other).status_code == 404
    assert send("post", "/events", event(0), key=other).status_code == 409


def test_what_was_sent_whole_meanwhile_stays_and_what_ran_is_kept(send, client):
    send("put")
    send("post", "/events", event(0))
    _, key = make_key()
    whole = {"id": "team/run-1", "agent": "alice-bot", "events": [{"seq": 0, "type": "note", "text": "whole"}]}
    headers = {"Authorization": f"Bearer {key}"}
    client.post("/api/v1/sessions", whole, content_type="application/json", headers=headers)

    assert send("post", "/close").status_code == 409
    assert Event.objects.get().text == "whole"
    assert OpenEvent.objects.exists()


def test_a_session_that_nobody_closes_is_closed_with_what_there_is(send):
    send("put")
    send("post", "/events", event(0))
    assert streaming.close_idle() == 0
    OpenSession.objects.update(touched_at=timezone.now() - timedelta(hours=7))

    assert streaming.close_idle() == 1
    session = Session.objects.get()
    assert (session.outcome, session.metadata) == ("unknown", {"closed_by": "idle"})


def open_for_long(send, *names: str) -> None:
    """Sessions of which nothing was heard for hours, the first for longest."""
    for hours, name in zip(range(20, 0, -1), names, strict=False):
        send("put", f"-{name}")
        send("post", f"-{name}/events", event(0))
        OpenSession.objects.filter(external_id__endswith=name).update(
            touched_at=timezone.now() - timedelta(hours=hours)
        )


def test_one_that_cannot_be_closed_is_logged_and_keeps_no_other_open(send, monkeypatch, caplog):
    open_for_long(send, "large", "small")
    send("post", "-large/events", event(1, "x" * 2_000))
    OpenSession.objects.filter(external_id="team/run-1-large").update(touched_at=timezone.now() - timedelta(hours=30))
    monkeypatch.setattr(session_format, "MAX_SESSION_BYTES", 1_000)

    assert streaming.close_idle() == 1
    assert Session.objects.get().external_id == "team/run-1-small"
    assert "was not closed: larger than" in caplog.text
    assert send("get", "-large").json() == {"id": "team/run-1-large", "status": "open", "next_seq": 2}


def test_those_that_cannot_be_closed_go_to_the_end_of_the_line(send, client, monkeypatch):
    monkeypatch.setattr(streaming, "SWEEP", 2)
    open_for_long(send, "a", "b", "c", "d")
    _, key = make_key()
    for name in "ab":
        whole = {"id": f"team/run-1-{name}", "agent": "alice-bot", "events": []}
        client.post(
            "/api/v1/sessions", whole, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )

    assert [streaming.close_idle() for _ in range(3)] == [0, 2, 0]
    assert sorted(OpenSession.objects.values_list("external_id", flat=True)) == ["team/run-1-a", "team/run-1-b"]


def test_a_session_has_room_for_so_much(send, monkeypatch):
    send("put")
    monkeypatch.setattr(streaming, "ROOM", 300)
    answer = send("post", "/events", event(0) + b"\n" + event(1, "x" * 400))

    assert (answer.status_code, answer.json()["accepted"]) == (207, 1)
    assert "close it and open another" in answer.json()["errors"][0]["reason"]


def test_when_too_much_is_sent_senders_are_told_to_wait(send, monkeypatch):
    monkeypatch.setattr(pressure, "PATIENCE", 0.05)
    send("put")
    taken = [pressure._writing.acquire(blocking=False) for _ in range(2)]
    try:
        answer = send("post", "/events", event(0))
    finally:
        for _ in filter(None, taken):
            pressure._writing.release()

    assert (answer.status_code, answer["Retry-After"]) == (429, "2")
    assert not OpenEvent.objects.exists()
    assert send("post", "/events", event(0)).status_code == 200


def test_a_key_that_asks_too_often_is_told_when_to_come_back(send):
    ApiKey.objects.update(per_minute=3)
    answers = [send("get") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert "3 requests a minute" in answers[-1].json()["detail"]


def test_an_outcome_may_arrive_later_and_be_corrected_with_a_reason(send):
    send("put")
    early = send("post", "/outcome", {"status": "success"})
    send("post", "/close")
    later = send("post", "/outcome", {"status": "success", "score": 0.9, "source": "grader"})
    again = send("post", "/outcome", {"status": "success"})
    bare = send("post", "/outcome", {"status": "failure"})
    corrected = send("post", "/outcome", {"status": "failure", "reason": "The customer called back."})

    assert (early.status_code, early.json()["error"]) == (409, "not_closed")
    assert (later.status_code, later.json()["status"], again.json()["status"]) == (200, "set", "unchanged")
    assert (bare.status_code, "how you know" in bare.json()["detail"]) == (422, True)
    assert corrected.json() == {"id": "team/run-1", "outcome": "failure", "status": "set"}
    assert list(OutcomeCorrection.objects.order_by("pk").values_list("earlier", "earlier_source", "outcome")) == [
        ("unknown", "", "success"),
        ("success", "grader", "failure"),
    ]


def test_another_score_for_the_same_outcome_is_a_correction(send):
    send("put")
    send("post", "/close", {"outcome": {"status": "success"}})
    first = send("post", "/outcome", {"status": "success", "score": 0.9, "source": "grader"})
    again = send("post", "/outcome", {"status": "success", "score": 0.9})
    bare = send("post", "/outcome", {"status": "success", "score": 0.4})
    corrected = send("post", "/outcome", {"status": "success", "score": 0.4, "reason": "Half of it was refunded."})

    assert [answer.json()["status"] for answer in (first, again, corrected)] == ["set", "unchanged", "set"]
    assert (bare.status_code, "how you know" in bare.json()["detail"]) == (422, True)
    assert Session.objects.get().outcome_score == 0.4
    assert list(OutcomeCorrection.objects.order_by("pk").values_list("earlier", "earlier_score", "reason")) == [
        ("success", None, "Nobody had said it before."),
        ("success", 0.9, "Half of it was refunded."),
    ]
    entry = Entry.objects.filter(action="session.outcome_corrected").latest("seq")
    assert entry.data["scores"] == [0.9, 0.4]
    assert verify_record().error == ""


@pytest.mark.django_db(transaction=True)
def test_whoever_says_an_outcome_second_corrects_what_the_first_said(send):
    send("put")
    send("post", "/close")
    answers: list[int] = []

    def second() -> None:
        try:
            answers.append(send("post", "/outcome", {"status": "failure"}).status_code)
        finally:
            connection.close()

    late = threading.Thread(target=second)
    with transaction.atomic():
        correct_outcome(
            session_id=Session.objects.get().pk, outcome="success", reason="Confirmed.", actor=Actor.system("test")
        )
        late.start()
        late.join(timeout=0.5)
        assert late.is_alive(), "it waits for the first"
    late.join(timeout=10)

    assert answers == [422]
    assert Session.objects.get().outcome == "success"


@pytest.mark.parametrize("said", [{}, {"status": "fine"}, {"status": "success", "score": 2}])
def test_an_outcome_that_is_none_is_refused(send, said):
    send("put")
    send("post", "/close")
    assert send("post", "/outcome", said).status_code == 422
    assert Session.objects.get().outcome == "unknown"


def test_the_outcome_of_an_unknown_session_is_not_found(send):
    assert send("post", "/outcome", {"status": "success"}).status_code == 404
