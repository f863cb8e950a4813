"""OpenTelemetry's own SDK and exporter, over HTTP."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from sessions import telemetry
from sessions.models import Event, Session, Trace
from tests.sessions.samples import make_key


@pytest.fixture
def exporter(live_server):
    _, text = make_key("shop")

    def make(key: str = text, **options) -> OTLPSpanExporter:
        headers = {"Authorization": f"Bearer {key}"}
        return OTLPSpanExporter(endpoint=f"{live_server.url}/v1/traces", headers=headers, timeout=10, **options)

    return make


def run_an_agent(provider: TracerProvider) -> None:
    tracer = provider.get_tracer("shop.agent")
    user = {"role": "user", "parts": [{"type": "text", "content": "Where is order 7?"}]}
    call = {
        "role": "assistant",
        "parts": [{"type": "tool_call", "id": "c1", "name": "get_order", "arguments": {"id": 7}}],
    }
    with tracer.start_as_current_span("invoke_agent shop", attributes={"gen_ai.operation.name": "invoke_agent"}):
        with tracer.start_as_current_span("chat m-1", attributes={"gen_ai.operation.name": "chat"}) as chat:
            chat.set_attribute("gen_ai.input.messages", json.dumps([user]))
            chat.set_attribute("gen_ai.output.messages", json.dumps([call]))
        with tracer.start_as_current_span("execute_tool get_order") as tool:
            tool.set_attributes({"gen_ai.tool.name": "get_order", "gen_ai.tool.call.id": "c1"})
            tool.record_exception(LookupError("no order 7"))
            tool.set_status(Status(StatusCode.ERROR))
        with tracer.start_as_current_span("GET /orders/7", attributes={"http.request.method": "GET"}):
            pass


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_what_an_agent_exports_becomes_its_session(exporter, compression):
    provider = TracerProvider(resource=Resource.create({"service.name": "shop-web"}))
    provider.add_span_processor(BatchSpanProcessor(exporter(compression=compression), max_export_batch_size=2))
    run_an_agent(provider)
    provider.shutdown()
    assert telemetry.assemble_traces(now=timezone.now() + timedelta(minutes=1)) == 1
    session = Session.objects.get()
    assert [(e.type, e.tool, e.text or e.output) for e in session.events.all()] == [
        ("message", "", "Where is order 7?"),
        ("tool_call", "get_order", ""),
        ("tool_result", "get_order", "LookupError: no order 7"),
    ]
    assert session.events.last().is_error is True
    assert (session.agent.slug, session.metadata["services"]) == ("shop", ["shop-web"])
    assert (session.metadata["unknown_spans"], Trace.objects.get().spans) == (1, 3)


def test_an_exporter_needs_no_more_than_the_two_variables_of_the_readme(live_server, monkeypatch):
    _, text = make_key("shop")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{live_server.url}/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", f"Authorization=Bearer%20{text}")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    run_an_agent(provider)
    provider.shutdown()
    assert Trace.objects.get().agent.slug == "shop"


def test_requests_and_workers_that_meet_lose_and_double_nothing(exporter):
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for _ in range(5):
        run_an_agent(provider)
    spans = list(kept.get_finished_spans())

    def send(number: int) -> SpanExportResult:
        return exporter().export(spans[number:] + spans[:number])

    def assemble(_: int) -> int:
        try:
            return telemetry.assemble_traces(now=timezone.now() + timedelta(minutes=1))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, range(0, 20, 5))) == {SpanExportResult.SUCCESS}
        made = sum(pool.map(assemble, range(2)))
    made += telemetry.assemble_traces(now=timezone.now() + timedelta(minutes=1))
    assert (made, Session.objects.count(), Event.objects.count()) == (5, 5, 15)
    assert not Trace.objects.filter(late__gt=0).exists()


def test_an_exporter_with_a_wrong_key_is_told_so(exporter):
    with TracerProvider().get_tracer("t").start_as_current_span("chat") as chat:
        pass
    assert exporter(key="dl_0123456789ab_" + "x" * 43).export([chat]) == SpanExportResult.FAILURE
    assert exporter().export([chat]) == SpanExportResult.SUCCESS
    assert not Trace.objects.exists()
