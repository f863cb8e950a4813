"""OTLP/HTTP: export requests in protobuf and JSON to spans, and the answers to them.

https://opentelemetry.io/docs/specs/otlp/
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan

from sessions.foreign import MAX_DEPTH, clean, clean_text, parsed
from sessions.otel.spans import Span, SpanEvent

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_ERROR = 2
_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
_MAX_NAME = 1_000


class WireError(ValueError):
    """The body is no export request."""


@dataclass(slots=True)
class Received:
    """The spans of a request, and why others of it cannot be kept."""

    spans: list[Span] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def add(self, span: Span) -> None:
        if not _TRACE_ID.fullmatch(span.trace_id) or not int(span.trace_id, 16):
            self.refused.append(f"span {span.name[:80]!r}: the trace id must be 16 bytes, not all zero")
        elif not _SPAN_ID.fullmatch(span.span_id) or not int(span.span_id, 16):
            self.refused.append(f"span {span.name[:80]!r}: the span id must be 8 bytes, not all zero")
        else:
            self.spans.append(span)


def decode(body: bytes, content_type: str) -> Received:
    """The spans of a request body of type `PROTOBUF` or `JSON`. Raises `WireError`."""
    return _from_protobuf(body) if content_type == PROTOBUF else _from_json(body)


def accepted(content_type: str, *, rejected: int, message: str) -> bytes:
    """The body of a 200: how many spans were rejected, or only a warning."""
    if content_type == PROTOBUF:
        answer = ExportTraceServiceResponse()
        if rejected or message:
            answer.partial_success.rejected_spans = rejected
            answer.partial_success.error_message = message
        return answer.SerializeToString()
    partial = {"rejectedSpans": str(rejected), "errorMessage": message}
    return json.dumps({"partialSuccess": partial} if rejected or message else {}).encode()


def refused(content_type: str, *, code: int, message: str) -> bytes:
    """The body of any other answer: a `google.rpc.Status`."""
    if content_type == PROTOBUF:
        return Status(code=code, message=message).SerializeToString()
    return json.dumps({"code": code, "message": message}).encode()


def _from_protobuf(body: bytes) -> Received:
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise WireError(f"The body is no ExportTraceServiceRequest in protobuf: {error}") from error
    received = Received()
    for resource in request.resource_spans:
        service = _service(_proto_attributes(resource.resource.attributes))
        for scoped in resource.scope_spans:
            for span in scoped.spans:
                received.add(_proto_span(span, clean(scoped.scope.name)[:_MAX_NAME], service))
    return received


def _proto_span(span: SentSpan, scope: str, service: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() if any(span.parent_span_id) else "",
        name=clean(span.name)[:_MAX_NAME],
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        has_error=span.status.code == _ERROR,
        status_message=clean(span.status.message),
        attributes=_proto_attributes(span.attributes),
        events=[SpanEvent(clean(event.name), _proto_attributes(event.attributes)) for event in span.events],
        scope=scope,
        service=service,
    )


def _proto_attributes(pairs: "list[KeyValue]") -> dict[str, Any]:
    return {clean(pair.key): _kept(_proto_value(pair.value)) for pair in pairs}


def _proto_value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which is None:
        return None
    if which == "array_value":
        return [_proto_value(one) for one in value.array_value.values]
    if which == "kvlist_value":
        return {pair.key: _proto_value(pair.value) for pair in value.kvlist_value.values}
    sent = getattr(value, which)
    return sent.hex() if isinstance(sent, bytes) else sent


def _from_json(body: bytes) -> Received:
    try:
        request = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireError(f"The body is no JSON: {error}") from error
    if not isinstance(request, dict):
        raise WireError("The body must be a JSON object with resourceSpans.")
    received = Received()
    for resource in _objects(request.get("resourceSpans")):
        service = _service(_attributes(_object(resource.get("resource")).get("attributes")))
        for scoped in _objects(resource.get("scopeSpans")):
            scope = _string(_object(scoped.get("scope")).get("name"))[:_MAX_NAME]
            for span in _objects(scoped.get("spans")):
                received.add(_json_span(span, scope, service))
    return received


def _json_span(span: dict[str, Any], scope: str, service: str) -> Span:
    status = _object(span.get("status"))
    parent = _string(span.get("parentSpanId")).lower()
    return Span(
        trace_id=_string(span.get("traceId")).lower(),
        span_id=_string(span.get("spanId")).lower(),
        parent_id=parent if _SPAN_ID.fullmatch(parent) and int(parent, 16) else "",
        name=_string(span.get("name"))[:_MAX_NAME],
        start=_nanoseconds(span.get("startTimeUnixNano")),
        end=_nanoseconds(span.get("endTimeUnixNano")),
        has_error=status.get("code") in (_ERROR, "STATUS_CODE_ERROR"),
        status_message=_string(status.get("message")),
        attributes=_attributes(span.get("attributes")),
        events=[
            SpanEvent(_string(event.get("name")), _attributes(event.get("attributes")))
            for event in _objects(span.get("events"))
        ],
        scope=scope,
        service=service,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {_string(pair.get("key")): _kept(_value(pair.get("value"))) for pair in _objects(pairs)}


def _value(value: Any, depth: int = 0) -> Any:
    """The value of an AnyValue; `None` for what is none, and for what is nested too deep."""
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return None
    if "intValue" in value:
        sent = value["intValue"]
        return int(sent) if isinstance(sent, str) and re.fullmatch(r"-?\d{1,19}", sent, re.ASCII) else sent
    if "arrayValue" in value:
        return [_value(one, depth + 1) for one in _objects(_object(value["arrayValue"]).get("values"))]
    if "kvlistValue" in value:
        pairs = _objects(_object(value["kvlistValue"]).get("values"))
        return {_string(pair.get("key")): _value(pair.get("value"), depth + 1) for pair in pairs}
    names = ("stringValue", "boolValue", "doubleValue", "bytesValue")
    return next((value[name] for name in names if name in value), None)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _nanoseconds(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < 2**64 else 0


def _service(attributes: dict[str, Any]) -> str:
    name = attributes.get("service.name")
    return name[:_MAX_NAME] if isinstance(name, str) else ""


def _kept(value: Any) -> Any:
    """As JSON that can be kept. What is JSON inside a text is taken out of it, so that secrets are found by name."""
    return clean_text(parsed(value))
