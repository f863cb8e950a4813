"""`POST /v1/traces`: what is sent is kept once, becomes a session when it is over, and whatever comes gets an answer."""

import gzip
import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from audit.models import Entry
from sessions import telemetry
from sessions.models import Session, Trace, TraceSpan
from sessions.otel.assembling import assemble
from sessions.otel.wire import JSON, PROTOBUF, WireError, decode
from tests.sessions.otel.samples import otlp_json, root, span
from tests.sessions.otel.test_dialects import ANSWER, ASKED, chat_new
from tests.sessions.samples import make_key

URL = "/v1/traces"


def later(**by) -> int:
    """Assemble as if so much time had passed."""
    return telemetry.assemble_traces(now=timezone.now() + timedelta(**by))


@pytest.fixture
def post(client, db):
    _, text = make_key()

    def post(body: bytes, content_type: str = JSON, key: str = text, **headers: str):
        headers = {"Authorization": f"Bearer {key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return client.post(URL, body, content_type=content_type, headers=headers)

    return post


def plain(*spans):
    """Without a conversation: the trace is the session."""
    for one in spans:
        one.attributes.pop("gen_ai.conversation.id", None)
    return spans


def test_spans_that_come_in_any_order_become_one_session_when_the_root_is_there(post):
    first, *rest = plain(*chat_new())
    for one in reversed(rest):
        answer = post(otlp_json(one))
        assert (answer.status_code, answer.json(), answer["Content-Type"]) == (200, {}, JSON)
    assert later(minutes=1) == 0
    post(otlp_json(first))
    assert later(seconds=5) == 0
    assert later(seconds=11) == 1
    session = Session.objects.get()
    assert (session.external_id, session.agent.slug, session.task) == (first.trace_id, "alice-bot", ASKED)
    assert session.events.last().text == ANSWER
    assert Entry.objects.get(action="sessions.imported").actor_id == "alice-bot"
    assert not any(TraceSpan.objects.values_list("body", flat=True))


def test_a_trace_whose_root_never_comes_is_taken_when_nothing_came_for_long(post):
    post(otlp_json(*plain(*chat_new()[1:])))
    assert (later(minutes=9), later(minutes=11)) == (0, 1)


def test_a_request_that_is_sent_again_adds_nothing_and_what_comes_late_is_said(post):
    spans = plain(*chat_new())
    post(otlp_json(*spans[:3], spans[0]))
    post(otlp_json(*spans[:3]))
    assert (Trace.objects.get().spans, TraceSpan.objects.count()) == (3, 3)
    assert later(minutes=1) == 1
    assert post(otlp_json(*spans[:3])).json() == {}
    answer = post(otlp_json(spans[3]))
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "0"
    assert "1 spans came after the session of their trace was made" in answer.json()["partialSuccess"]["errorMessage"]
    assert (Trace.objects.get().late, TraceSpan.objects.get(is_late=True).body["name"]) == (1, "chat m-1")
    assert (later(minutes=30), Session.objects.count()) == (0, 1)


def test_the_traces_of_a_conversation_become_one_session_and_what_follows_a_pause_another(post):
    spans = chat_new()
    for number, one in enumerate(spans[:3], 1):
        one.trace_id = f"{number:032x}"
        one.attributes["gen_ai.conversation.id"] = "conv-1"
    post(otlp_json(*spans[:3]))
    assert (later(minutes=4), later(minutes=6)) == (0, 1)
    spans[3].trace_id = "f" * 32
    post(otlp_json(spans[3]))
    assert later(minutes=6) == 1
    first, second = Session.objects.order_by("pk")
    assert (first.external_id, second.external_id) == ("conv-1", "conv-1/2")
    assert [event.type for event in first.events.all()] == ["message", "tool_call", "tool_result"]
    assert [event.text or event.type for event in second.events.all()] == [ANSWER]


def test_a_conversation_that_never_pauses_is_taken_in_parts(post, monkeypatch):
    monkeypatch.setattr(telemetry, "MAX_TRACE_SPANS", 4)
    for number in range(1, 6):
        turn = [root(trace_id=f"{number:032x}", attributes={"gen_ai.conversation.id": "conv-1"}), chat_new()[1]]
        turn[1].trace_id = f"{number:032x}"
        turn[1].attributes["gen_ai.output.messages"] = f'[{{"role": "assistant", "content": "{number}"}}]'
        post(otlp_json(*turn[number // 5 :]))  # the last is not over
    assert later(seconds=30) == 1
    assert [event.text for event in Session.objects.get().events.all()] == [ASKED, *"1234"]
    assert later(minutes=6) == 1


def test_what_is_too_large_for_one_session_becomes_several(post, monkeypatch):
    for number in range(1, 4):
        chat = chat_new()[1]
        chat.trace_id = f"{number:032x}"
        post(otlp_json(chat))
    size = Trace.objects.first().size
    monkeypatch.setattr(telemetry, "MAX_TRACE_SIZE", 2 * size + 1)
    assert (later(minutes=6), Trace.objects.waiting().count()) == (1, 1)


def test_spans_of_other_things_are_counted_and_may_close_a_trace(post):
    chat = plain(*chat_new())[1]
    assert post(otlp_json(chat, span("SELECT 1", 2), root(name="GET /"))).json() == {}
    trace = Trace.objects.get()
    assert (trace.spans, trace.unknown, trace.has_root) == (1, 2, True)
    assert later(seconds=11) == 1
    assert Session.objects.get().metadata["unknown_spans"] == 2


def test_bad_spans_are_rejected_by_number_and_the_good_ones_kept(post):
    good, bad, worse = plain(*chat_new())[1:]
    bad.trace_id, worse.span_id = "0" * 32, "xyz"
    answer = post(otlp_json(bad, good, worse))
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
    assert "the trace id must be 16 bytes" in answer.json()["partialSuccess"]["errorMessage"]
    assert TraceSpan.objects.count() == 1


def test_a_trace_has_a_limit_and_what_is_over_it_is_said(post, monkeypatch):
    monkeypatch.setattr(telemetry, "MAX_TRACE_SPANS", 2)
    answer = post(otlp_json(*plain(*chat_new())))
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
    monkeypatch.setattr(telemetry, "MAX_TRACE_SIZE", 10)
    other = chat_new()[1]
    other.trace_id = "e" * 32
    assert post(otlp_json(other)).json()["partialSuccess"]["rejectedSpans"] == "1"


def test_who_sends_too_much_is_asked_to_come_back_later(post, monkeypatch):
    monkeypatch.setattr(telemetry, "MAX_WAITING_SPANS", 1)
    assert post(otlp_json(chat_new()[1])).status_code == 200
    answer = post(otlp_json(chat_new()[2]))
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (429, "30", 8)


def test_without_its_database_it_asks_to_come_back_later(post, monkeypatch):
    def away(*_args, **_kwargs):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("sessions.otlp_views.keep_spans", away)
    answer = post(otlp_json(chat_new()[1]))
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")


def test_secrets_do_not_wait_in_the_database_and_are_recorded_as_redacted(post):
    chat = plain(*chat_new())[1]
    chat.attributes["gen_ai.input.messages"] = json.dumps([{"role": "user", "content": "PASSWORD=hunter2"}])
    chat.attributes["gen_ai.usage.input_tokens"] = 1234
    post(otlp_json(chat))
    assert "hunter2" not in json.dumps(TraceSpan.objects.get().body)
    later(minutes=11)
    session = Session.objects.get()
    assert (session.task, session.metadata["input_tokens"]) == ("PASSWORD=[redacted:password]", 1234)
    assert session.redactions == {"password": 2}  # in the task, and in the message that it is


def test_protobuf_is_answered_in_protobuf(post):
    request = ExportTraceServiceRequest()
    sent = request.resource_spans.add().scope_spans.add().spans.add()
    sent.trace_id, sent.span_id, sent.name = b"\1" * 16, b"\2" * 8, "chat"
    pair = sent.attributes.add()
    pair.key, pair.value.string_value = "gen_ai.operation.name", "chat"
    answer = post(request.SerializeToString(), PROTOBUF)
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, PROTOBUF, b"")
    sent.trace_id = b"\1"
    answer = post(request.SerializeToString(), PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_spans, "trace id" in partial.error_message) == (1, True)
    broken = post(b"\xff\xff", PROTOBUF)
    assert (broken.status_code, Status.FromString(broken.content).code) == (400, 3)


def test_what_cannot_be_read_is_refused_as_otlp_says(post, client, settings):
    assert post(b"{").status_code == 400
    assert post(b"[]").json()["message"] == "The body must be a JSON object with resourceSpans."
    assert post(b"x", "text/plain").status_code == 415
    assert post(otlp_json(), Content_Encoding="br").status_code == 415
    assert post(otlp_json()[:-5], Content_Encoding="gzip").status_code == 400
    assert post(gzip.compress(otlp_json(chat_new()[1])), Content_Encoding="gzip").status_code == 200
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
    assert post(gzip.compress(b" " * (50 * 2**20)), Content_Encoding="gzip").status_code == 413
    assert client.get(URL).status_code == 405


def test_keys_are_those_of_the_other_ways_in(post, client):
    nobody = client.post(URL, otlp_json(), content_type=JSON)
    assert (nobody.status_code, nobody.json()["code"], nobody["WWW-Authenticate"]) == (401, 16, "Bearer")
    _, reads_only = make_key(scopes=("read",))
    assert post(otlp_json(), key=reads_only).status_code == 403
    assert client.post("/api/v1/otlp/v1/traces", otlp_json(), content_type=JSON).status_code == 401


def test_what_was_made_sessions_long_ago_is_forgotten(post):
    post(otlp_json(*plain(*chat_new())))
    later(minutes=1)
    telemetry.forget_traces()
    assert Trace.objects.count() == 1
    Trace.objects.update(assembled_at=timezone.now() - timedelta(days=31))
    telemetry.forget_traces()
    assert (Trace.objects.count(), Session.objects.count()) == (0, 1)


def test_a_session_of_the_same_id_that_is_there_is_left_alone(post):
    post(otlp_json(*plain(*chat_new())))
    later(minutes=1)
    Trace.objects.all().delete()
    post(otlp_json(*plain(*chat_new())))
    later(minutes=1)
    assert Session.objects.count() == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        *("gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.name"),
        *(
            "gen_ai.tool.call.id",
            "gen_ai.conversation.id",
            "gen_ai.prompt.0.content",
            "gen_ai.prompt.0.tool_calls.0.name",
        ),
        *("openinference.span.kind", "llm.input_messages.0.message.content", "input.value", "session.id"),
        *("llm.output_messages.1.message.tool_calls.0.tool_call.id", "traceloop.span.kind", "traceloop.entity.input"),
        *("events", "error.type", "gen_ai.system_instructions", "gen_ai.prompt", "gen_ai.usage.input_tokens"),
    ]
)
any_values = json_values.map(lambda value: {"stringValue": json.dumps(value)}) | st.fixed_dictionaries(
    {},
    optional={
        "stringValue": st.sampled_from(["LLM", "TOOL", "AGENT", "chat", "execute_tool", "a\0b", "tool", "workflow"])
        | json_values,
        "intValue": st.integers() | json_values,
        "doubleValue": json_values,
        "arrayValue": json_values,
        "kvlistValue": json_values,
    },
)
pairs = st.lists(st.fixed_dictionaries({"key": names, "value": any_values}), max_size=6)
json_spans = st.fixed_dictionaries(
    {"traceId": st.just("ab" * 16) | json_values, "spanId": st.integers(1, 9).map(lambda n: f"{n:016x}") | json_values, "attributes": pairs},
    optional={
        "parentSpanId": st.integers(1, 9).map(lambda n: f"{n:016x}") | json_values,
        "startTimeUnixNano": st.sampled_from(["1772532000000000000", str(2**64 - 1), -1, 1.5e18]) | json_values,
        "endTimeUnixNano": st.sampled_from(["1772532001000000000", "0"]) | json_values,
        "name": st.sampled_from(["chat m", "execute_tool x", "\0"]) | json_values,
        "status": st.just({"code": 2}) | json_values,
        "events": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["gen_ai.choice", "gen_ai.user.message", "exception", "gen_ai.evaluation.result"]), "attributes": pairs | json_values}), max_size=2) | json_values,
    },
)  # fmt: skip
bodies = st.one_of(
    st.lists(json_spans, max_size=5).map(lambda spans: {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}),
    st.fixed_dictionaries({"resourceSpans": json_values}),
    json_values,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies)
def test_whatever_is_sent_is_read_or_refused_and_makes_a_session_of_format_1_or_none(body):
    from sessions.foreign import session_line
    from sessions.format import parse_session

    try:
        received = decode(json.dumps(body).encode(), JSON)
    except WireError:
        return
    assembled = assemble({one.span_id: one for one in received.spans}.values())
    if assembled is not None:
        parse_session(session_line({"id": "s", "agent": "a", **assembled.session}))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    body=bodies.map(lambda value: json.dumps(value).encode()) | st.binary(min_size=1, max_size=200),
    kind=st.sampled_from([JSON, PROTOBUF]),
    packed=st.booleans(),
)
def test_whatever_is_posted_is_never_a_fault_of_ours(post, body, kind, packed):
    headers = {"Content_Encoding": "gzip"} if packed else {}
    assert post(gzip.compress(body) if packed else body, kind, **headers).status_code in (200, 400)
    later(minutes=30)
    assert not Trace.objects.waiting().exists()


def test_a_body_nested_without_end_is_refused(post):
    deep = b'{"resourceSpans":' + b"[" * 100_000
    assert post(deep).status_code == 400
    value = '{"arrayValue":{"values":[' * 200 + "]}}" * 200
    body = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","attributes":[{"key":"gen_ai.x","value":%s}]}]}]}]}'
    assert post((body % ("a" * 32, "b" * 16, value)).encode()).status_code == 200
