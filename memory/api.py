"""The agents' read side of the JSON API."""

from hashlib import sha256

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Field, P, PathEx, Query, Router, Schema

from memory.services import record_read
from memory.serving import Answer, Format, NoSuchRevision, Part
from memory.unchanged import remember
from sessions.api import ErrorAnswer
from sessions.auth import ApiKeyAuth
from sessions.models import ApiKey

router = Router(tags=["memory"])


# The largest integer that canonical JSON can hold, and a store will not reach.
LARGEST = 2**53 - 1
AgentName = PathEx[str, P(description="The agent's own name", examples=["support-bot"])]
StoreName = PathEx[str, P(examples=["refunds"])]


class MemoryOut(Schema):
    path: str = Field(examples=["/tools/refunds.md"])
    content: str = Field(examples=["Ask for the order first."])
    sha256: str = Field(description="Of the content", examples=[sha256(b"Ask for the order first.").hexdigest()])
    revision: int = Field(description="Of the store, that brought this text", examples=[12])


class EnvelopeOut(Schema):
    body: str = Field(
        description="Canonical JSON: agent, store, revision, SHA-256 of what was served (canonical JSON of [path, sha256] in"
        " order), the audit entry that published the revision, when it was issued and until when it holds, the key's id"
    )
    signature: str = Field(description="Ed25519, hexadecimal, over `daylight memory v1`, a line feed and the body")


class StoreOut(Schema):
    store: str = Field(examples=["refunds"])
    revision: int = Field(examples=[17])
    stopped: bool = Field(description="Publishing is stopped; `revision` may be an earlier one until it goes on")
    left_out: int = Field(description="Entries that did not fit into `max_bytes`")
    erased: int = Field(description="Entries of an earlier revision whose text was erased since; they are not served")
    memories: list[MemoryOut]
    envelope: EnvelopeOut | None = Field(description="Signed: which memory this is. None before the first checkpoint")


class AgentMemoryOut(Schema):
    agent: str = Field(examples=["support-bot"])
    stores: list[StoreOut]


_CONDITION = {
    "parameters": [
        {
            "in": "header",
            "name": "If-None-Match",
            "schema": {"type": "string"},
            "description": "The ETag of the last answer",
        }
    ],
    "responses": {200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
}
_READ = {
    "auth": ApiKeyAuth("read"),
    "response": {200: AgentMemoryOut, 304: None, **dict.fromkeys((400, 401, 403, 404, 422, 429), ErrorAnswer)},
    "openapi_extra": _CONDITION,
}
_ONE_STORE = "Say which: ?store=NAME, or read /agents/{agent}/stores/{store}/memory."


class ReadQuery(Schema):
    format: Format = "json"
    session: str = Field(
        "", max_length=255, description="The id of the session that will use it; what it was served is recorded"
    )
    revision: int | None = Field(
        None, ge=0, le=LARGEST, description="An earlier state of one store, instead of the live one"
    )
    path_prefix: str = Field("", max_length=255, description="Only entries whose path begins so, such as /tools/")
    max_bytes: int | None = Field(
        None, ge=0, le=LARGEST, description="Whole entries as long as their texts fit; `left_out` counts the others"
    )


@router.get("/agents/{agent}/memory", summary="The agent's approved memory", **_READ)
def agent_memory(request: HttpRequest, agent: AgentName, asked: Query[ReadQuery], store: str = "") -> HttpResponse:
    """Everything that people approved for this agent, as of now.

    Send the `ETag` of your last answer as `If-None-Match`: while nothing changed, you get an empty 304.
    With `format=markdown` the answer is a text for the agent's system prompt. The header `Daylight-Stopped` names the
    stores in which publishing is stopped, also with a 304; the text for the prompt does not. `Daylight-Checkpoint` is the
    newest signed checkpoint of the record, as one line of JSON; whoever keeps such lines is a witness. In JSON each store
    has an `envelope`, signed with the same key, that says what was served: it is issued anew each day. A parameter that
    is not listed here is refused, so that a limit that is misspelt is not read as none.
    """
    return _read(request, agent, store, asked)


@router.get(
    "/agents/{agent}/stores/{store}/memory", summary="The approved memory of one of the agent's stores", **_READ
)
def store_memory(request: HttpRequest, agent: AgentName, store: StoreName, asked: Query[ReadQuery]) -> HttpResponse:
    """As the agent's memory, of one store. A store that the agent does not read is answered as one that is not there."""
    return _read(request, agent, store, asked, must_exist=True)


def _read(request: HttpRequest, slug: str, store: str, asked: ReadQuery, *, must_exist: bool = False) -> HttpResponse:
    key: ApiKey = request.auth
    if slug != key.agent.slug:
        return _error(403, "forbidden", "This key does not read that agent's memory.")
    # Whoever misspells a limit must not get everything.
    named = ReadQuery.model_fields.keys() | (set() if must_exist else {"store"})
    if unknown := sorted(request.GET.keys() - named):
        return _error(422, "malformed", f"{unknown[0][:60]}: no such parameter. There are {', '.join(sorted(named))}.")
    part = Part(store.replace("\x00", ""), asked.revision, asked.path_prefix.replace("\x00", ""), asked.max_bytes)
    known = request.headers.get("If-None-Match", "")
    # Whoever sends a star says that it has something, not what.
    is_recorded = bool(asked.session) and known.strip() != "*"
    answer = Answer(key.agent, asked.format, part, is_recorded)
    try:
        unchanged = bool(known) and answer.is_known(known)
        response = HttpResponse(status=304) if unchanged else _whole(answer)
    except NoSuchRevision as error:
        return _error(404, "not_found", str(error))
    if not answer.current and (store or must_exist):
        return _error(404, "not_found", f"{slug} reads no store {store[:100]}.")
    if part.revision is not None and len(answer.current) != 1:
        return _error(422, "malformed", f"A revision is one of a store, and this agent reads several. {_ONE_STORE}")
    if is_recorded:
        record_read(agent=key.agent, session_external_id=asked.session, served=answer.served)
    if not asked.session and part.revision is None:
        remember(request, key, answer)
    for name, value in answer.headers.items():
        response[name] = value
    return response


def _whole(answer: Answer) -> HttpResponse:
    media = "text/markdown; charset=utf-8" if answer.format == "markdown" else "application/json"
    return HttpResponse(answer.body(), content_type=media)


def _error(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"error": code, "detail": detail}, status=status)
