"""The agents' read side of the JSON API."""

from typing import Literal

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.http import parse_etags
from ninja import Field, Query, Router, Schema

from memory import reading
from memory.services import record_read
from sessions.auth import ApiKeyAuth
from sessions.models import ApiKey

router = Router(tags=["memory"])

Format = Literal["json", "markdown"]


class MemoryOut(Schema):
    path: str
    content: str
    sha256: str
    revision: int


class StoreOut(Schema):
    store: str
    revision: int
    stopped: bool = Field(description="Publishing is stopped; `revision` may be an earlier one until it goes on")
    memories: list[MemoryOut]


class AgentMemoryOut(Schema):
    agent: str
    stores: list[StoreOut]


class ErrorOut(Schema):
    error: str
    detail: str


@router.get(
    "/agents/{agent}/memory",
    auth=ApiKeyAuth("read"),
    response={200: AgentMemoryOut, 304: None, 401: ErrorOut, 403: ErrorOut},
    summary="The agent's approved memory",
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "If-None-Match",
                "schema": {"type": "string"},
                "description": "The ETag of the last answer",
            }
        ]
    },
)
def agent_memory(
    request: HttpRequest,
    agent: str,
    format: Format = "json",
    session: str = Query(
        "",
        max_length=255,
        description="The id of the session that will use it; what it was served is recorded",
    ),
) -> HttpResponse:
    """Everything that people approved for this agent, as of now.

    Send the `ETag` of your last answer as `If-None-Match`: while nothing changed, you get an empty 304.
    With `format=markdown` the answer is a text for the agent's system prompt. The header `Daylight-Stopped` names the
    stores in which publishing is stopped, also with a 304; the text for the prompt does not.
    """
    key: ApiKey = request.auth
    if agent != key.agent.slug:
        return JsonResponse({"error": "forbidden", "detail": "This key does not read that agent's memory."}, status=403)
    served = reading.live_revisions(key.agent)
    tag = reading.etag(key.agent, format, served)
    if _is_known(tag, request):
        response = HttpResponse(status=304)
    else:
        snapshots = reading.live_snapshots(key.agent)
        served = [snapshot.served for snapshot in snapshots]
        tag = reading.etag(key.agent, format, served)
        response = _representation(key, format, snapshots, tag)
    # Whoever sends a star says that it has something, not what.
    if session and request.headers.get("If-None-Match", "").strip() != "*":
        revisions = [(one.store_id, one.revision) for one in served]
        record_read(agent=key.agent, session_external_id=session, served=revisions)
    if stopped := [one.store for one in served if one.stopped]:
        response["Daylight-Stopped"] = ", ".join(stopped)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response


def _is_known(tag: str, request: HttpRequest) -> bool:
    """Whether the agent has this answer. Weak marks do not count: proxies that compress set them."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return known == ["*"] or tag in (etag.removeprefix("W/") for etag in known)


def _representation(key: ApiKey, format: Format, snapshots: list[reading.Snapshot], tag: str) -> HttpResponse:
    if format == "markdown":
        text = reading.as_markdown(key.agent, snapshots, tag)
        return HttpResponse(text, content_type="text/markdown; charset=utf-8")
    body = AgentMemoryOut(
        agent=key.agent.slug,
        stores=[
            StoreOut(
                store=snapshot.served.store,
                revision=snapshot.served.revision,
                stopped=snapshot.served.stopped,
                memories=[
                    MemoryOut(
                        path=memory.path,
                        content=memory.content,
                        sha256=memory.sha256,
                        revision=memory.revision,
                    )
                    for memory in snapshot.memories
                ],
            )
            for snapshot in snapshots
        ],
    )
    return HttpResponse(body.model_dump_json(), content_type="application/json")
