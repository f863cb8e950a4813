"""How agents send sessions: `POST /sessions`."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from django.http import HttpRequest, JsonResponse
from ninja import Field, Router, Schema

from audit.actors import Actor
from sessions.auth import ApiKeyAuth
from sessions.format import FormatError
from sessions.models import ApiKey
from sessions.payloads import PayloadError, is_batch, lines_of, read_body
from sessions.preparing import PreparedSession, prepare, prepare_lines
from sessions.pressure import takes_turns
from sessions.services import CREATED, DIFFERS, DUPLICATE, ingest
from sessions.shapes import SESSION
from sessions.sources import Line, chunked

router = Router(tags=["sessions"])

EXAMPLE = {
    "id": "run-2026-03-03-0017",
    "agent": "support-bot",
    "task": "Exchange the keyboard of order #W2378156",
    "started_at": "2026-03-03T09:30:00Z",
    "outcome": {"status": "success", "source": "grader"},
    "events": [
        {"seq": 0, "type": "message", "role": "user", "text": "I would like to exchange my keyboard."},
        {"seq": 1, "type": "tool_call", "tool": "get_order", "call_id": "c1", "input": {"order_id": "#W2378156"}},
        {"seq": 2, "type": "tool_result", "tool": "get_order", "call_id": "c1", "output": "delivered"},
    ],
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "One session, or one a line (`application/x-ndjson`). May be packed: `Content-Encoding: gzip`.",
        "content": {
            "application/json": {"schema": SESSION, "example": EXAMPLE},
            "application/x-ndjson": {"schema": {"type": "string"}, "example": json.dumps(EXAMPLE)},
        },
    }
}


class SessionAnswer(Schema):
    id: str = Field(examples=[EXAMPLE["id"]])
    status: Literal["created", "duplicate", "differs"]


class LineError(Schema):
    line: int = Field(description="From 1", examples=[3])
    id: str = Field(examples=[EXAMPLE["id"]])
    reason: str = Field(examples=["events[2].seq: is missing; expected an integer ≥ 0"])


class BatchAnswer(Schema):
    accepted: int = Field(examples=[41])
    duplicates: int = Field(examples=[0])
    differing: int = Field(examples=[0])
    errors: list[LineError]


class ErrorAnswer(Schema):
    error: str = Field(description="What kind of refusal, for programs")
    detail: str = Field(description="What is wrong and what to do about it, for people")


@router.post(
    "/sessions",
    auth=ApiKeyAuth("ingest"),
    response={
        200: SessionAnswer | BatchAnswer,
        201: SessionAnswer,
        207: BatchAnswer,
        400: ErrorAnswer,
        401: ErrorAnswer,
        403: ErrorAnswer,
        413: ErrorAnswer,
        415: ErrorAnswer,
        422: ErrorAnswer | BatchAnswer,
        429: ErrorAnswer,
    },
    summary="Send sessions",
    openapi_extra=BODY,
)
@takes_turns
def send_sessions(request: HttpRequest) -> JsonResponse:
    """Send one session, or many as NDJSON. Sending one again changes nothing, so retry as you like.

    One session answers 201 `created`, or 200 `duplicate` (`differs` if its content changed: the first one stays),
    or 422 with the reason. NDJSON answers 200 when every line was kept or known, 207 when some were refused (the
    others are kept), 422 when all were. Keys, passwords and card numbers are redacted on the way in.
    """
    try:
        body = read_body(request)
    except PayloadError as error:
        return error_answer(error.status, error.code, error.detail)
    key: ApiKey = request.auth
    return _many(key, lines_of(body)) if is_batch(request, body) else _one(key, body)


def _one(key: ApiKey, body: bytes) -> JsonResponse:
    try:
        session = prepare(body)
    except FormatError as error:
        return error_answer(422, "refused", error.reason)
    if session.agent != key.agent.slug:
        return error_answer(403, "forbidden", _not_yours(key, session))
    (status,) = ingest(sessions=[session], actor=Actor.agent(key.agent.slug)).statuses
    return JsonResponse({"id": session.external_id, "status": status}, status=201 if status == CREATED else 200)


@dataclass(slots=True)
class Batch:
    """What became of the lines of one request."""

    key: ApiKey
    statuses: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, line: Line, session_id: str, reason: str) -> None:
        self.errors.append({"line": line.number, "id": session_id, "reason": reason})

    def own(self, lines: list[Line]) -> list[PreparedSession]:
        """The good sessions of this key's agent; the others are refused."""
        sessions = []
        for line, result in zip(lines, prepare_lines([line.data for line in lines]), strict=True):
            if isinstance(result, FormatError):
                self.refuse(line, result.session_id, result.reason)
            elif result.agent != self.key.agent.slug:
                self.refuse(line, result.external_id, _not_yours(self.key, result))
            else:
                sessions.append(result)
        return sessions


def _many(key: ApiKey, lines: list[Line]) -> JsonResponse:
    if not lines:
        return error_answer(422, "refused", "The body is empty: send one session a line.")
    batch = Batch(key)
    act = uuid.uuid4()
    for chunk in chunked(lines):
        sessions = batch.own(chunk)
        batch.statuses += ingest(sessions=sessions, actor=Actor.agent(key.agent.slug), act=act).statuses
    answer = {
        "accepted": batch.statuses.count(CREATED),
        "duplicates": batch.statuses.count(DUPLICATE),
        "differing": batch.statuses.count(DIFFERS),
        "errors": batch.errors,
    }
    status = 200 if not batch.errors else 207 if batch.statuses else 422
    return JsonResponse(answer, status=status)


def _not_yours(key: ApiKey, session: PreparedSession) -> str:
    return f"agent: this key sends sessions of {key.agent.slug}, not of {session.agent}"


def error_answer(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"error": code, "detail": detail}, status=status)
