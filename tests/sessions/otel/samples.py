"""Spans as the wire brings them."""

import itertools
import json
from typing import Any

from sessions.otel.spans import Span, SpanEvent

_ids = itertools.count(0x1000)
SECOND = 1_000_000_000
BEGAN = 1_772_532_000 * SECOND
ROOT = "00000000000000aa"


def span(name: str = "", start: float = 0, seconds: float = 1, **fields: Any) -> Span:
    """`start` in seconds after the run began; attributes as `attributes` or as keywords with `__` for dots."""
    number = next(_ids)
    fields = {"parent_id": ROOT, "trace_id": "0" * 31 + "1", "span_id": f"{number:016x}", **fields}
    events = [SpanEvent(event, dict(attributes)) for event, attributes in fields.pop("events", [])]
    at = BEGAN + int(start * SECOND)
    return Span(name=name, start=at, end=at + int(seconds * SECOND), events=events, **fields)


def root(seconds: float = 100, **fields: Any) -> Span:
    return span(fields.pop("name", "run"), 0, seconds, span_id=ROOT, **{"parent_id": "", **fields})


def otlp_json(*spans: Span) -> bytes:
    """An export request in JSON."""
    return json.dumps({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": [_json(one) for one in spans]}],
    }]}).encode()  # fmt: skip


def _json(one: Span) -> dict[str, Any]:
    return {
        "traceId": one.trace_id, "spanId": one.span_id, "parentSpanId": one.parent_id, "name": one.name, "kind": 1,
        "startTimeUnixNano": str(one.start), "endTimeUnixNano": str(one.end), "attributes": _pairs(one.attributes),
        "events": [{"name": event.name, "attributes": _pairs(event.attributes)} for event in one.events],
        "status": {"code": 2, "message": one.status_message} if one.has_error else {},
    }  # fmt: skip


def _pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value)}
