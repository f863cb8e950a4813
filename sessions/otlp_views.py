"""`POST /v1/traces`: where OpenTelemetry's exporters send spans, in their own protocol.

No part of the JSON API: bodies, answers and errors are as OTLP/HTTP has them.
"""

from http import HTTPStatus

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from google.rpc import code_pb2

from sessions.auth import ApiKeyAuth, KeyRefusedError
from sessions.otel.wire import JSON, PROTOBUF, WireError, accepted, decode, refused
from sessions.payloads import PayloadError, read_body
from sessions.pressure import takes_turns
from sessions.telemetry import Backlog, Kept, keep_spans

_auth = ApiKeyAuth("ingest")
_CODES = {
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    429: code_pb2.RESOURCE_EXHAUSTED,
    503: code_pb2.UNAVAILABLE,
}
RETRY_SECONDS = 30
_REASONS_SHOWN = 5


@csrf_exempt
@require_POST
@takes_turns
def traces(request: HttpRequest) -> HttpResponse:
    """Keep the spans of a request. What is not kept is said in `partial_success`, and why."""
    content_type = (request.content_type or "").lower()
    if content_type not in (PROTOBUF, JSON):
        return _refused(JSON, 415, f"Content-Type {content_type[:80] or '(none)'}: send {PROTOBUF} or {JSON}.")
    try:
        key = _auth(request)
        received = decode(read_body(request), content_type)
        kept = keep_spans(agent=key.agent, spans=received.spans)
    except KeyRefusedError as error:
        return _refused(content_type, error.status_code, error.message, error.retry_after)
    except PayloadError as error:
        return _refused(content_type, error.status, error.detail)
    except WireError as error:
        return _refused(content_type, 400, str(error))
    except Backlog:
        return _refused(content_type, 429, "Too many spans of this agent wait to become sessions. Send these again.")
    except OperationalError:
        return _refused(content_type, 503, "The database is away. Send these again.")
    rejected = len(received.refused) + kept.rejected
    message = _message(received.refused, kept)
    return HttpResponse(accepted(content_type, rejected=rejected, message=message), content_type=content_type)


def _message(reasons: list[str], kept: Kept) -> str:
    said = reasons[:_REASONS_SHOWN]
    if len(reasons) > len(said):
        said.append(f"and {len(reasons) - len(said)} more")
    if kept.rejected:
        said.append(f"{kept.rejected} spans are more than a trace may have")
    if kept.late:
        said.append(f"{kept.late} spans came after the session of their trace was made; they are kept apart from it")
    return "; ".join(said)


def _refused(content_type: str, status: int, message: str, retry_after: int = 0) -> HttpResponse:
    body = refused(content_type, code=_CODES.get(status, code_pb2.INVALID_ARGUMENT), message=message)
    response = HttpResponse(body, status=status, content_type=content_type)
    if status in (429, 503):
        response["Retry-After"] = str(retry_after or RETRY_SECONDS)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response
