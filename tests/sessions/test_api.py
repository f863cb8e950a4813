"""`POST /api/v1/sessions`."""

import gzip
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from sessions.known_keys import forget
from sessions.models import ApiKey, Event, Session
from sessions.services import revoke_key
from tests.sessions.samples import ADMIN, line, make_key

pytestmark = pytest.mark.django_db
URL = "/api/v1/sessions"


@pytest.fixture
def post(client):
    _, text = make_key()

    def post(body: bytes, key: str = text, content_type: str = "application/json", **headers: str):
        headers = {"Authorization": f"Bearer {key}"} | headers
        return client.post(
            URL, body, content_type=content_type, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return post


def test_one_session_is_created_then_known(post):
    first, again, changed = post(line()), post(line()), post(line(task="other"))
    assert (first.status_code, first.json()) == (201, {"id": "s-1", "status": "created"})
    assert (again.status_code, again.json()) == (200, {"id": "s-1", "status": "duplicate"})
    assert (changed.status_code, changed.json()) == (200, {"id": "s-1", "status": "differs"})
    assert (Session.objects.count(), Event.objects.count()) == (1, 2)
    assert Entry.objects.get(action="sessions.imported").actor_id == "alice-bot"


def test_a_session_may_be_written_over_several_lines(post):
    assert post(json.dumps(json.loads(line()), indent=2).encode()).status_code == 201


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson", "text/plain"])
def test_many_sessions_are_kept(post, content_type):
    answer = post(line("a") + b"\n\n" + line("b") + b"\n", content_type=content_type)
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 2, "duplicates": 0, "differing": 0, "errors": []}


def test_good_sessions_of_a_partly_bad_batch_are_kept(post):
    post(line("old"))
    body = b"\n".join([line("a"), b"{", line("b", agent="bob-bot"), line("old"), line("c", agent="NO"), line("d")])
    answer = post(body, content_type="application/x-ndjson")
    assert answer.status_code == 207
    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (2, 1)
    assert [(error["line"], error["id"]) for error in answer.json()["errors"]] == [(2, ""), (3, "b"), (5, "c")]
    assert answer.json()["errors"][1]["reason"] == "agent: this key sends sessions of alice-bot, not of bob-bot"
    assert set(Session.objects.values_list("external_id", flat=True)) == {"old", "a", "d"}


def test_a_batch_that_is_all_bad_or_empty_is_422(post):
    assert post(b"{\n{", content_type="application/x-ndjson").status_code == 422
    empty = post(b"\n\n", content_type="application/x-ndjson")
    assert (empty.status_code, "The body is empty" in empty.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty"),
        (b'{"id": "x"', "breaks off at byte 10"),
        (b"[]", "expected a JSON object, got an array"),
        (line(events=1).replace(b'"seq": 0', b'"seq": "0"'), 'events[0].seq: expected an integer ≥ 0, got "0"'),
        (line().replace(b"step 0", b"a\\u0000b"), "events[0].text: holds the character U+0000"),
        (line().replace(b"step 0", b"a\\ud800b"), "events[0].text: holds half of a surrogate pair"),
    ],
)
def test_a_bad_session_is_422_with_the_reason(post, body, detail):
    answer = post(body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "refused"
    assert detail in answer.json()["detail"]
    assert not Session.objects.exists()


def test_a_key_sends_only_its_own_agents_sessions(post):
    answer = post(line(agent="bob-bot"))
    assert answer.status_code == 403
    assert "this key sends sessions of alice-bot" in answer.json()["detail"]


def test_gzip_bodies_are_unpacked(post):
    assert post(gzip.compress(line()), Content_Encoding="gzip").status_code == 201
    two = gzip.compress(line("a") + b"\n") + gzip.compress(line("b"))
    assert post(two, Content_Encoding="gzip", content_type="application/x-ndjson").json()["accepted"] == 2


def test_broken_or_unknown_encodings_are_refused(post):
    cut = post(gzip.compress(line())[:-10], Content_Encoding="gzip")
    assert (cut.status_code, cut.json()["error"]) == (400, "broken_gzip")
    assert post(line(), Content_Encoding="gzip").status_code == 400
    assert post(line(), Content_Encoding="br").status_code == 415


def test_a_gzip_bomb_is_refused(post, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
    bomb = gzip.compress(b" " * (50 * 2**20))
    answer = post(bomb, Content_Encoding="gzip")
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


def test_a_request_over_the_limit_is_refused(post, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(line(task="x" * 200)).status_code == 413


def test_no_key_a_malformed_one_and_an_unknown_one_are_401(post, client):
    missing = client.post(URL, line(), content_type="application/json")
    assert (missing.status_code, "is missing" in missing.json()["detail"]) == (401, True)
    assert "Malformed API key" in post(line(), key="dl_nonsense").json()["detail"]
    assert "Malformed Authorization header" in post(line(), Authorization="Basic eDp5").json()["detail"]
    unknown = post(line(), key="dl_0123456789ab_" + "x" * 43)
    assert (unknown.status_code, unknown.json()["detail"]) == (401, "This API key is unknown or was revoked.")
    assert not Session.objects.exists()


def test_wrong_secret_unknown_and_revoked_read_alike(post):
    key, text = make_key()
    answers = [
        post(line(), key=text[:-1] + ("a" if text[-1] != "a" else "b")),
        post(line(), key="dl_ffffffffffff_" + "x" * 43),
    ]
    revoke_key(key=key, by=ADMIN)
    answers.append(post(line(), key=text))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1


def test_an_expired_key_says_so(post):
    _, text = make_key(expires_at=timezone.now() - timedelta(seconds=1))
    answer = post(line(), key=text)
    assert answer.status_code == 401
    assert "expired at" in answer.json()["detail"]


def test_a_key_without_the_scope_is_403(post):
    _, text = make_key(scopes=("read",))
    answer = post(line(), key=text)
    assert answer.status_code == 403
    assert "lacks the scope ingest" in answer.json()["detail"]


def test_x_api_key_does_as_well(client):
    _, text = make_key()
    assert client.post(URL, line(), content_type="application/json", headers={"X-API-Key": text}).status_code == 201


def test_last_use_is_noted_once_a_minute(post, django_assert_num_queries):
    post(line())
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    post(line())
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    forget(ApiKey.objects.get().public_id)  # half a second later
    post(line())
    assert ApiKey.objects.get().last_used_at > first


def test_secrets_are_redacted_on_the_way_in(post):
    assert post(line(task="PASSWORD=hunter2")).status_code == 201
    assert Session.objects.get().task == "PASSWORD=[redacted:password]"


def test_the_openapi_page_shows_an_example(client):
    from dreaming.api import api

    operation = api.get_openapi_schema()["paths"]["/api/v1/sessions"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["example"]["agent"] == "support-bot"
    assert operation["security"]
