"""What `/anthropic/v1/memory_stores` refuses: in Anthropic's form, and never with a 500."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.anthropic_api.pages import name_of
from memory.models import Proposal
from tests.memory.anthropic_api.world import ANY, BODIES, ROOT, Caller, error_of, of
from tests.sessions.samples import make_key

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("tail", "query"),
    [
        ("/memories", {"limit": "0"}),
        ("/memories", {"limit": "101"}),
        ("/memories", {"depth": "2"}),
        ("/memories", {"view": "half"}),
        ("/memories", {"path_prefix": "/notes"}),
        ("/memories", {"page": "page_nonsense"}),
        ("/memories", {"page": "page_MQ"}),
        ("/memories", {"unheard_of": "1"}),
        ("/memory_versions", {"operation": "moved"}),
        ("/memory_versions", {"created_at[gte]": "yesterday"}),
        ("/memory_versions", {"page": "page_IngiIQ"}),
        ("/memory_versions", {"page": "page_" + "W1" * 4000}),
        ("", {"limit": "many"}),
        ("/memories", {"page": "\0"}),
    ],
)
def test_what_a_query_cannot_say_is_an_invalid_request(caller, store, tail, query):
    answer = caller.client.get(f"{ROOT}{of(store)}{tail}" if tail else ROOT, query, headers=caller.headers)

    assert (answer.status_code, error_of(answer)["type"]) == (400, "invalid_request_error")
    assert answer["x-should-retry"] == "false"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES | ANY | st.binary(max_size=20), tail=st.sampled_from(["", "/memories", "/memories/mem_1"]))
def test_no_body_breaks_it(caller, manager, store, body, tail):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    for one in (caller, manager):
        for address in (of(store) + tail, ""):
            assert one.post(address, data).status_code < 500


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(
        ["limit", "page", "view", "depth", "path_prefix", "created_at[gte]", "operation[]", "memory_id"]
    )
    | st.text(max_size=8),
    value=st.text(max_size=12) | st.integers().map(str) | st.integers().map(name_of) | st.text(max_size=8).map(name_of),
)
def test_no_query_breaks_it(caller, store, name, value):
    for tail in ("/memories", "/memory_versions"):
        answer = caller.client.get(f"{ROOT}{of(store)}{tail}", {name: value}, headers=caller.headers)
        assert answer.status_code in (200, 400)


@pytest.mark.parametrize("name", ["memstore_0", "memstore_01", "memstore_", "mem_1", "x", "memstore_" + "9" * 30])
def test_an_id_that_is_none_is_not_found(caller, store, name):
    assert error_of(caller.get(f"/{name}"))["type"] == "not_found_error"


def test_keys_are_checked_as_everywhere(client, store, caller):
    assert error_of(client.get(ROOT))["type"] == "authentication_error"
    assert error_of(Caller(client, "sk-ant-api03-x").get())["type"] == "authentication_error"
    ingest = Caller(client, make_key("teller", ("ingest",))[1])
    assert error_of(ingest.get()) | {"message": ""} == {"status": 403, "type": "permission_error", "message": ""}
    reader = Caller(client, make_key("teller", ("read",))[1])
    refused = error_of(reader.post(of(store) + "/memories", {"path": "/a.md", "content": "a"}))
    assert (refused["status"], "propose" in refused["message"]) == (403, True)
    text = caller.headers["Authorization"].removeprefix("Bearer ")
    assert client.get(ROOT, headers={"x-api-key": text, "anthropic-version": "2023-06-01"}).status_code == 200


def test_another_method_or_address_is_refused_in_the_same_form(caller, store):
    assert error_of(caller.send("PUT", of(store)))["status"] == 405
    other = caller.client.get("/anthropic/v1/dreams")
    assert error_of(other)["type"] == "not_found_error"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"x"', b"\xff", b'{"path": "/a.md"}', {"path": 1, "content": "a"},
        {"path": "a.md", "content": "a"}, {"path": "/a/../b.md", "content": "a"}, {"path": "/", "content": "a"},
        {"path": "/a.md", "content": ""}, {"path": "/a.md", "content": None}, {"path": "/a.md", "content": "a\0b"},
        {"path": "/a.md", "content": "x" * 102_401}, {"path": "/a.md", "content": "a", "overwrite": True},
        b'{"path": "/a.md", "content": "\\ud800"}', b"[" * 100_000, {"path": "/" + "a" * 300, "content": "a"},
    ],
)  # fmt: skip
def test_a_write_that_makes_no_sense_is_an_invalid_request(caller, store, body):
    refused = error_of(caller.post(of(store) + "/memories", body))

    assert (refused["status"], refused["type"]) == (400, "invalid_request_error")
    assert not Proposal.objects.exists()


def test_a_body_beyond_a_mebibyte_is_too_large(caller, store):
    refused = error_of(caller.post(of(store) + "/memories", {"path": "/a.md", "content": "x" * 1_100_000}))

    assert (refused["status"], refused["type"]) == (413, "request_too_large")
