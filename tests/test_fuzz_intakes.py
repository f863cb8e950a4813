"""Whatever is sent to an intake is answered, never by a 500, and the good among the bad is kept exactly once.

A longer run than the suite's, other each time: DAYLIGHT_EXAMPLES=1000 .venv/bin/python -m pytest tests/test_fuzz_intakes.py
"""

import gzip
import itertools
import json
import logging
import os
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan

from memory.models import Proposal
from sessions.models import ApiKey, Event, Session, TraceSpan
from sessions.otel.wire import JSON, PROTOBUF
from sessions.services import issue_key
from sessions.streaming import open_session
from tests.factories import make_agent, make_live_memory, make_store
from tests.sessions.otel.samples import otlp_json, span
from tests.sessions.samples import ADMIN, event, line

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("DAYLIGHT_EXAMPLES", "40"))
few = settings(
    max_examples=EXAMPLES, derandomize=EXAMPLES == 40, deadline=None, suppress_health_check=list(HealthCheck)
)

numbers = itertools.count(1_000)
DEEP = 100_000
NASTY = [
    b"",
    b"\x00",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"{",
    b'"\\ud800"',
    b'{"\\ud800": 1}',
    b'{"id": "\\udfff\\ud800", "agent": "alice-bot", "events": []}',
    b'{"id": "a\\u0000b", "agent": "alice-bot", "events": []}',
    b'{"id": "a", "id": "b", "agent": "alice-bot", "agent": 3, "events": [], "events": {}}',
    b"NaN",
    b'{"seq": NaN, "type": "note"}',
    b'{"seq": Infinity, "type": "note"}',
    b'{"seq": 1e400, "type": "note"}',
    b'{"seq": 99999999999999999999999999, "type": "note"}',
    b'{"seq": ' + b"9" * 5_000 + b', "type": "note"}',
    b'{"seq": -0, "type": ["note"]}',
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"metadata": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    b"null",
    b"true",
    b"3",
    b"[]",
    b'["a"]',
    b"\r\n\r\n",
    b"--boundary\r\nContent-Disposition: form-data; name=x\r\n\r\n",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just("\x00")
    | st.just(2**200),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def objects(*names: str) -> st.SearchStrategy[bytes]:
    """JSON objects with these names, and anything as their values."""
    shaped = st.dictionaries(st.sampled_from(names) | st.text(max_size=4), VALUES, max_size=len(names))
    return shaped.map(lambda value: json.dumps(value).encode())


def bad(*names: str) -> st.SearchStrategy[bytes]:
    return st.sampled_from(NASTY) | st.binary(max_size=40) | objects(*names)


SESSIONS = bad("id", "agent", "task", "started_at", "outcome", "metadata", "events")
EVENTS = bad("seq", "type", "role", "text", "tool", "input", "output", "at", "duration_ms")
TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-ndjson",
        "text/plain",
        "multipart/form-data",
        "image/png; charset=klingon",
        "",
        "/",
    ]
)
ENCODINGS = st.sampled_from(["", "identity", "gzip", "GZIP ", "gzip, gzip", "br", "deflate", "\u00e9", "x" * 999])


class Caller:
    """Sends bytes with an agent's key; an answer of 500, or an error in the log, is a failure."""

    def __init__(self, client, key: str, caplog) -> None:
        self.client, self.caplog = client, caplog
        self.headers = {"Authorization": f"Bearer {key}"}

    def __call__(self, method: str, path: str, body: bytes = b"", content_type="application/json", **headers: str):
        self.caplog.clear()
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.generic(method, path, body, content_type=content_type, headers=self.headers | more)
        assert answer.status_code < 500, answer.content
        assert answer.status_code != 429, "nothing is tried when the key has to wait"
        errors = [record for record in self.caplog.records if record.levelno >= logging.ERROR]
        assert not [record for record in errors if not record.name.startswith("django.security")]  # those are refusals
        if answer.status_code >= 400:
            assert len(answer.content) > 10, "a refusal says something"
        return answer


@pytest.fixture
def agent():
    return make_agent("alice-bot")


@pytest.fixture
def store(agent, rita):
    store = make_store("claims", [agent])
    make_live_memory(store, rita, path="/tools/refunds.md")
    return store


@pytest.fixture
def call(client, agent, store, caplog) -> Caller:
    key, text = issue_key(agent=agent, scopes=["ingest", "read", "propose"], issued_by=ADMIN)
    ApiKey.objects.filter(pk=key.pk).update(per_minute=10**6)
    client.raise_request_exception = False
    return Caller(client, text, caplog)


# Whole sessions


@few
@given(body=SESSIONS, content_type=TYPES, encoding=ENCODINGS)
def test_no_session_breaks_the_intake(call, body, content_type, encoding):
    call("POST", "/api/v1/sessions", body, content_type, Content_Encoding=encoding)
    call("POST", "/api/v1/sessions", gzip.compress(body)[: len(body) * 2], content_type, Content_Encoding="gzip")


@few
@given(lines=st.lists(SESSIONS.filter(lambda one: b"\n" not in one), max_size=6), packed=st.booleans(), data=st.data())
def test_good_sessions_among_bad_ones_are_kept_exactly_once(call, lines, packed, data):
    names = [f"good-{next(numbers)}", f"good-{next(numbers)}"]
    for name in names:
        lines.insert(data.draw(st.integers(0, len(lines))), line(name))
    body = b"\n".join(lines)
    for _ in range(2):
        answer = call(
            "POST",
            "/api/v1/sessions",
            gzip.compress(body) if packed else body,
            "application/x-ndjson",
            Content_Encoding="gzip" if packed else "identity",
        )
        assert answer.status_code in (200, 207)
        sent = [one for one in lines if one.strip()]
        told = answer.json()
        assert told["accepted"] + told["duplicates"] + told["differing"] + len(told["errors"]) == len(sent)
    assert sorted(Session.objects.filter(external_id__in=names).values_list("external_id", flat=True)) == names


# Sessions as they run


@few
@given(
    body=bad("id", "agent", "task", "started_at", "outcome", "metadata"), name=st.text(max_size=12), content_type=TYPES
)
def test_nothing_that_is_opened_or_closed_breaks_it(call, body, name, content_type):
    for address in (f"/api/v1/sessions/{name}", "/api/v1/sessions/run"):
        call("PUT", address, body, content_type)
        call("POST", f"{address}/close", body, content_type)
        call("GET", address)


@few
@given(lines=st.lists(EVENTS.filter(lambda one: b"\n" not in one), max_size=6), data=st.data())
def test_good_events_among_bad_ones_are_kept_exactly_once(call, agent, lines, data):
    name = f"run-{next(numbers)}"
    open_session(agent=agent, head={"id": name, "agent": "alice-bot"})
    for seq in (10**6, 10**6 + 1):
        lines.insert(data.draw(st.integers(0, len(lines))), json.dumps(event(seq)).encode())
    for _ in range(2):
        answer = call("POST", f"/api/v1/sessions/{name}/events", b"\n".join(lines), "application/x-ndjson")
        assert answer.status_code in (200, 207)
    assert call("POST", f"/api/v1/sessions/{name}/close", b"{}").status_code == 201
    kept = Event.objects.filter(session__external_id=name, seq__in=(10**6, 10**6 + 1))
    assert sorted(kept.values_list("seq", flat=True)) == [10**6, 10**6 + 1]


# Proposals


@few
@given(
    body=bad("operation", "path", "content", "new_path", "expected_sha256", "store", "reason", "session"),
    content_type=TYPES,
    encoding=ENCODINGS,
)
def test_no_proposal_breaks_the_intake(call, body, content_type, encoding):
    call("POST", "/api/v1/agents/alice-bot/proposals", body, content_type, Content_Encoding=encoding)


ODD = st.sampled_from(["\x00", "\ud800", "a\x00b", "😀" * 90, "x" * 300, "/tools/refunds.md", "", " "]) | st.text(
    max_size=9
)


@few
@given(
    operation=st.sampled_from(["create", "update", "delete", "rename"]),
    asked=st.fixed_dictionaries(
        {"path": ODD},
        optional=dict.fromkeys(("content", "new_path", "expected_sha256", "store", "reason", "session"), ODD),
    ),
)
def test_odd_texts_in_a_proposal_are_refused_or_kept(call, operation, asked):
    waiting = Proposal.objects.count()
    answer = call("POST", "/api/v1/agents/alice-bot/proposals", json.dumps({"operation": operation, **asked}).encode())
    assert (answer.status_code in (200, 202)) >= (Proposal.objects.count() > waiting)


# Traces


@few
@given(
    body=bad("resourceSpans", "scopeSpans", "spans"),
    content_type=st.sampled_from([JSON, PROTOBUF, "application/x-protobuf; charset=x", "text/plain", ""]),
    encoding=ENCODINGS,
)
def test_no_trace_breaks_the_intake(call, body, content_type, encoding):
    call("POST", "/v1/traces", body, content_type, Content_Encoding=encoding)


@few
@given(
    spans=st.lists(
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "attributes", "events", "status"),
                VALUES,
            ),
        )
        | VALUES,
        max_size=5,
    ),
    at=st.integers(0, 4),
)
def test_a_good_span_among_bad_ones_is_kept_exactly_once(call, spans, at):
    good = span("chat", attributes={"gen_ai.operation.name": "chat"})
    request = json.loads(otlp_json(good))
    kept = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
    kept[:] = [*spans[:at], *kept, *spans[at:]]
    for _ in range(2):
        assert call("POST", "/v1/traces", json.dumps(request).encode()).status_code == 200
    assert TraceSpan.objects.filter(span_id=good.span_id).count() == 1


@few
@given(at=st.integers(0, 60), put=st.binary(max_size=4))
def test_a_damaged_protobuf_is_answered(call, at, put):
    sent = SentSpan(trace_id=b"t" * 16, span_id=b"s" * 8, name="chat", attributes=[KeyValue(key="gen_ai.system")])
    resource = ResourceSpans(scope_spans=[ScopeSpans(spans=[sent])])
    body = ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()
    call("POST", "/v1/traces", body[:at] + put + body[at + len(put) :], PROTOBUF)
    call("POST", "/v1/traces", body[:at], PROTOBUF)


# MCP

RPC = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}


@few
@given(
    body=bad("jsonrpc", "id", "method", "params"),
    content_type=TYPES,
    accept=st.sampled_from(["application/json, text/event-stream", "*/*", "text/html", "", "\u00e9"]),
)
def test_no_message_breaks_mcp(call, body, content_type, accept):
    call("POST", "/mcp", body, content_type, Accept=accept)


@few
@given(
    tool=st.sampled_from(["read_memory", "search_memory", "propose_memory"]) | st.text(max_size=4),
    arguments=st.dictionaries(
        st.sampled_from(["path", "store", "session", "words", "operation", "content", "reason", "new_path"]),
        ODD | st.sampled_from(["create", "update", "delete", "rename"]) | VALUES,
        max_size=6,
    ),
)
def test_no_argument_breaks_a_tool(call, tool, arguments):
    asked = {**RPC, "params": {"name": tool, "arguments": arguments}}
    answer = call("POST", "/mcp", json.dumps(asked).encode(), Accept="application/json, text/event-stream")
    if answer.status_code == 200:
        assert "the log has the reason" not in answer.content.decode()


# Reads

READS = [
    "/api/v1/agents/alice-bot/memory",
    "/api/v1/agents/alice-bot/stores/claims/memory",
    "/anthropic/v1/memory_stores",
    "/anthropic/v1/memory_stores/memstore_{store}/memories",
    "/anthropic/v1/memory_stores/memstore_{store}/memory_versions",
    "/api/v1/sessions/run",
]
NAMES = ["format", "session", "revision", "path_prefix", "max_bytes", "store", "page", "limit", "depth", "view", "beta"]
QUERIES = st.sampled_from(
    [
        "?" + "&".join(f"a{number}=1" for number in range(1_200)),
        "?revision=" + "9" * 5_000,
        "?path_prefix=/" + "x" * 240 + "&session=s",
        "?path_prefix=/" + "x" * 500 + "/&session=s",
        "?session=" + "s" * 300,
        "?%ff=%ff&path_prefix=%ff",
        "?store=%ed%a0%80",
        "?store=%00",
        "?=&&;=&",
        "?[]=1&limit[]=2&limit=3",
    ]
) | st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["0", "-1", "1e9", "NaN", "9" * 30, "é", "/", ""])).map(
    lambda query: "?" + "&".join(f"{name}={value}" for name, value in query.items())
)
HEADERS = st.dictionaries(
    st.sampled_from(["If-None-Match", "Accept", "Daylight-Session", "Range", "Accept-Encoding", "X-Forwarded-For"]),
    st.sampled_from(["", "*", '"', 'W/"', '"a", "b', "\u00e9", "x" * 8_000, "\x00", "bytes=9-1", "gzip;q=a"]),
    max_size=3,
)


@few
@given(path=st.sampled_from(READS), query=QUERIES, headers=HEADERS)
def test_no_query_or_header_breaks_a_read(call, store, path, query, headers):
    call("GET", path.format(store=store.pk) + query, **headers)


@pytest.mark.parametrize(
    "key", ["", "Bearer", "Bearer dl_", "Basic YTpi", "Bearer \u00e9", "Bearer " + "x" * 9_000, "\x00"]
)
@pytest.mark.parametrize("path", ["/api/v1/sessions", "/v1/traces", "/mcp", "/anthropic/v1/memory_stores"])
def test_no_key_breaks_a_door(call, path, key):
    assert call("POST", path, b"{}", Authorization=key).status_code in (401, 400)


# Sizes

DOORS = [
    ("POST", "/api/v1/sessions", "application/json"),
    ("PUT", "/api/v1/sessions/run", "application/json"),
    ("POST", "/api/v1/sessions/run/events", "application/x-ndjson"),
    ("POST", "/api/v1/sessions/run/close", "application/json"),
    ("POST", "/v1/traces", JSON),
    ("POST", "/v1/traces", PROTOBUF),
]
OTHERS = [
    ("POST", "/api/v1/agents/alice-bot/proposals", "application/json"),
    ("POST", "/api/v1/sessions/run/outcome", "application/json"),
    ("POST", "/mcp", "application/json"),
    ("POST", "/anthropic/v1/memory_stores/memstore_{store}/memories", "application/json"),
]


@pytest.fixture
def small(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20


@pytest.mark.parametrize(("method", "path", "content_type"), DOORS)
def test_a_bomb_stays_packed(call, small, method, path, content_type):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * 2**20) for _ in range(20)) + packer.flush()
    assert len(bomb) < 2**15
    for body in (bomb, gzip.compress(b"") * 3_000 + bomb):
        assert call(method, path, body, content_type, Content_Encoding="gzip").status_code == 413


def test_a_body_may_have_many_members_but_not_as_many_as_cost_time(call):
    pieces = b"".join(gzip.compress(line(f"piece-{number}") + b"\n") for number in range(50))
    kept = call("POST", "/api/v1/sessions", pieces, "application/x-ndjson", Content_Encoding="gzip")
    assert kept.json()["accepted"] == 50
    refused = call("POST", "/api/v1/sessions", gzip.compress(b"") * 10_001, Content_Encoding="gzip")
    assert (refused.status_code, "10,000 members" in refused.json()["detail"]) == (400, True)


@pytest.mark.parametrize(("method", "path", "content_type"), DOORS + OTHERS)
def test_too_much_is_refused_as_too_much(call, store, small, method, path, content_type):
    answer = call(
        method,
        path.format(store=store.pk),
        b" " * (2**20 + 1),
        content_type,
        Accept="application/json, text/event-stream",
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["0", "3", "-1", "99999999999999999999"])
@pytest.mark.parametrize(("method", "path", "content_type"), DOORS + OTHERS)
def test_a_length_that_is_not_so_is_answered(call, store, method, path, content_type, length):
    answer = call.client.generic(
        method,
        path.format(store=store.pk),
        line(),
        content_type=content_type,
        headers=call.headers,
        CONTENT_LENGTH=length,
    )
    assert answer.status_code < 500


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/nothing", "/api/v2/x", "/mcp", "/v1/traces"])
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_another_method_or_address_is_refused_with_a_reason(call, method, path):
    answer = call(method, path)
    assert answer.status_code in (404, 405)
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json()) == {"error", "detail"}


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/anthropic/v1/memory_stores", "/mcp", "/v1/traces"])
def test_a_host_that_is_not_ours_is_refused_with_a_reason(call, path):
    answer = call("POST", path, b"{}", Host="elsewhere.example")
    assert (answer.status_code, "DAYLIGHT_ALLOWED_HOSTS" in answer.content.decode()) == (400, True)
