"""Sessions as they run: `PUT /sessions/{id}`, then `POST` to its `/events`, `/close` and, later, `/outcome`."""

from typing import Any, Literal

import msgspec
from django.http import HttpRequest, JsonResponse
from ninja import Field, P, PathEx, Router, Schema

from audit.actors import Actor
from sessions.api import EXAMPLE, ErrorAnswer, LineError, error_answer
from sessions.auth import ApiKeyAuth
from sessions.format import FormatError
from sessions.models import ApiKey, OpenSession, Session
from sessions.payloads import PayloadError, lines_of, read_body
from sessions.pressure import takes_turns
from sessions.services import CREATED
from sessions.shapes import CLOSING, OPENING, Shape
from sessions.storable import Text
from sessions.streaming import NotOpen, append, close_session, open_session, state_of
from sessions.withdrawing import MAX_REASON, NotWithdrawn, Unchanged, correct_outcome

router = Router(tags=["sessions"])

HEAD = {name: value for name, value in EXAMPLE.items() if name not in ("id", "events", "outcome")}
FIRST_SAID = "Nobody had said it before."
REFUSALS = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 422, 429), ErrorAnswer)


SessionId = PathEx[str, P(description="The producer's own id; it may hold slashes", examples=[EXAMPLE["id"]])]


class StateAnswer(Schema):
    id: str = Field(examples=[EXAMPLE["id"]])
    status: Literal["open", "closed"]
    next_seq: int | None = Field(None, examples=[3])


class EventError(LineError):
    id: str = ""


class EventsAnswer(Schema):
    id: str = Field(examples=[EXAMPLE["id"]])
    accepted: int = Field(examples=[3])
    duplicates: int = Field(examples=[0])
    next_seq: int = Field(examples=[3])
    errors: list[EventError]


def _body(
    description: str, schema: Shape, example: Any, media: str = "application/json", *, required: bool = True
) -> dict[str, Any]:
    content = {media: {"schema": schema, "example": example}}
    return {"requestBody": {"required": required, "description": description, "content": content}}


# The first address that fits is taken: an id may hold slashes, so those with an end come first.
@router.post(
    "/sessions/{path:session_id}/events",
    auth=ApiKeyAuth("ingest"),
    response={200: EventsAnswer, 207: EventsAnswer, **REFUSALS, 422: ErrorAnswer | EventsAnswer},
    summary="Add events to an open session",
    openapi_extra=_body(
        "One event a line.",
        {"type": "string"},
        '{"seq": 3, "type": "message", "role": "agent", "text": "Done."}',
        "application/x-ndjson",
    ),
)
@takes_turns
def add_events(request: HttpRequest, session_id: SessionId) -> JsonResponse:
    """One event or many, as NDJSON. Each has its own `seq`: sending one again changes nothing, so retry as you like.

    Answers 200 when every line was kept or known, 207 when some were refused (the others are kept), 422 when all were.
    """
    try:
        lines = [line.data for line in lines_of(read_body(request))]
        if not lines:
            raise FormatError("the body is empty: send one event a line")
        done = append(agent=request.auth.agent, external_id=session_id, lines=lines)
    except (PayloadError, FormatError, NotOpen) as error:
        return _refused(error, gone=409)
    answer = {"id": session_id, "accepted": done.accepted, "duplicates": done.duplicates, "next_seq": done.next_seq}
    kept = done.accepted + done.duplicates
    return JsonResponse(
        {**answer, "errors": [{"id": "", **error} for error in done.errors]},
        status=200 if not done.errors else 207 if kept else 422,
    )


@router.post(
    "/sessions/{path:session_id}/close",
    auth=ApiKeyAuth("ingest"),
    response={200: StateAnswer, 201: StateAnswer, **REFUSALS},
    summary="Close a session",
    openapi_extra=_body(
        "How it ended.",
        CLOSING,
        {"outcome": EXAMPLE["outcome"], "ended_at": "2026-03-03T09:41:00Z"},
        required=False,
    ),
)
@takes_turns
def close_one(request: HttpRequest, session_id: SessionId) -> JsonResponse:
    """Say how it ended. From now on dreams may read it, and it does not change any more."""
    try:
        closing = _object(read_body(request) or b"{}")
        status = close_session(agent=request.auth.agent, external_id=session_id, closing=closing)
    except (PayloadError, FormatError, NotOpen) as error:
        return _refused(error, gone=409)
    return JsonResponse({"id": session_id, "status": "closed"}, status=201 if status == CREATED else 200)


class OutcomeIn(Schema):
    status: Literal["success", "failure", "partial", "unknown"] = Field(examples=["success"])
    score: float | None = Field(None, ge=0, le=1, description="Another one for the same status is a correction too")
    source: Text = Field("", max_length=1_000, examples=["grader"])
    detail: Text = Field("", max_length=MAX_REASON, examples=["The customer confirmed."])
    reason: Text = Field(
        "",
        max_length=MAX_REASON,
        description="How you know; needed to correct what was said before",
        examples=["The grader looked again."],
    )


class OutcomeAnswer(Schema):
    id: str = Field(examples=[EXAMPLE["id"]])
    outcome: str = Field(examples=["success"])
    status: Literal["set", "unchanged"] = Field(description="`unchanged` if it was so already")


@router.post(
    "/sessions/{path:session_id}/outcome",
    auth=ApiKeyAuth("ingest"),
    response={200: OutcomeAnswer, **REFUSALS},
    summary="Say later how a session ended",
)
def say_outcome(request: HttpRequest, session_id: SessionId, said: OutcomeIn) -> JsonResponse:
    """For an outcome that is known only after the session was sent; and, with a reason, to correct one that was wrong.

    What was said before is kept beside it, and memories that rest on the session are looked at again.
    """
    key: ApiKey = request.auth
    session = Session.objects.filter(agent=key.agent, external_id=session_id).first()
    if session is None:
        is_open = OpenSession.objects.filter(agent=key.agent, external_id=session_id).exists()
        detail = "It is open still: say it when you close it." if is_open else f"There is no session {session_id[:80]}."
        return error_answer(409 if is_open else 404, "not_closed" if is_open else "not_found", detail)
    try:
        correct_outcome(
            session_id=session.pk,
            outcome=said.status,
            score=said.score,
            source=said.source,
            detail=said.detail,
            reason=said.reason,
            first_reason=FIRST_SAID,
            actor=Actor.agent(key.agent.slug),
        )
    except Unchanged:
        return JsonResponse({"id": session_id, "outcome": said.status, "status": "unchanged"})
    except NotWithdrawn as refusal:
        return error_answer(422, "refused", f"reason: {refusal}")
    return JsonResponse({"id": session_id, "outcome": said.status, "status": "set"})


@router.put(
    "/sessions/{path:session_id}",
    auth=ApiKeyAuth("ingest"),
    response={200: StateAnswer, 201: StateAnswer, **REFUSALS},
    summary="Open a session",
    openapi_extra=_body("What is known at the start: a session without `events`.", OPENING, HEAD),
)
def open_one(request: HttpRequest, session_id: SessionId) -> JsonResponse:
    """Begin a session before its events are known. Opening it again changes nothing and says how far it got."""
    key: ApiKey = request.auth
    try:
        head = _object(read_body(request))
        head = {"agent": key.agent.slug, **head, "id": head.get("id", session_id)}
        if head["id"] != session_id or "events" in head:
            raise FormatError("id must be that of the address, and events are sent to …/events")
        if head["agent"] != key.agent.slug:
            return error_answer(403, "forbidden", f"agent: this key sends sessions of {key.agent.slug}.")
        session, created = open_session(agent=key.agent, head=head)
    except (PayloadError, FormatError, NotOpen) as error:
        return _refused(error, gone=409)
    answer = {"id": session_id, "status": "open", "next_seq": session.next_seq}
    return JsonResponse(answer, status=201 if created else 200)


@router.get(
    "/sessions/{path:session_id}",
    auth=ApiKeyAuth("ingest"),
    response={200: StateAnswer, **dict.fromkeys((400, 401, 403, 404, 429), ErrorAnswer)},
    summary="How a session stands",
)
def state(request: HttpRequest, session_id: SessionId) -> JsonResponse:
    """Whether it is open, and then which `seq` comes next, or closed."""
    try:
        return JsonResponse(state_of(agent=request.auth.agent, external_id=session_id))
    except NotOpen as error:
        return _refused(error, gone=404)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FormatError(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FormatError("the body must be a JSON object")
    return value


def _refused(error: Exception, *, gone: int) -> JsonResponse:
    if isinstance(error, PayloadError):
        return error_answer(error.status, error.code, error.detail)
    if isinstance(error, NotOpen):
        return error_answer(gone, "not_found" if gone == 404 else "not_open", str(error))
    return error_answer(422, "refused", str(error))
