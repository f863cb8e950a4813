"""How agents ask for a change of memory: `POST /agents/{agent}/proposals`. It waits for a decision."""

from typing import Literal

from django.http import HttpRequest, JsonResponse
from ninja import Field, Router, Schema

from memory.api import AgentName
from memory.models import Proposal
from memory.paths import InvalidMemory
from memory.services import Refused
from memory.suggestions import REASON_LENGTH, Moved, Suggestion, live_version, store_of, suggest
from sessions.api import ErrorAnswer
from sessions.auth import ApiKeyAuth
from sessions.models import ApiKey
from sessions.storable import Text

router = Router(tags=["memory"])


class ProposalIn(Schema):
    operation: Literal["create", "update", "delete", "rename"] = Field(examples=["create"])
    path: Text = Field(examples=["/tools/refunds.md"], max_length=255)
    content: Text = Field(
        "", description="The whole text; for create and update", examples=["Ask for the order first."]
    )
    new_path: Text = Field("", description="For rename", max_length=255)
    expected_sha256: Text = Field("", description="Of the text that you read; a change of anything else is refused")
    store: Text = Field("", description="Needed by agents that read several stores", max_length=100)
    reason: Text = Field("", description="Why, for the reviewer", max_length=REASON_LENGTH)
    session: Text = Field("", description="The id of the session that it comes from", max_length=255)


class ProposalOut(Schema):
    proposal: str = Field(examples=["prop_17"])
    status: str = Field(
        description="`open`: it waits for a decision. `approved`: a policy let it through", examples=["open"]
    )
    detail: str = Field(examples=["queued for review as prop_17; memory does not change until a person approves it"])


@router.post(
    "/agents/{agent}/proposals",
    auth=ApiKeyAuth("propose"),
    response={
        200: ProposalOut,
        202: ProposalOut,
        **dict.fromkeys((400, 401, 403, 409, 413, 422, 429), ErrorAnswer),
    },
    summary="Ask for a change of memory",
)
def propose(request: HttpRequest, agent: AgentName, asked: ProposalIn) -> JsonResponse:
    """Ask to create, update, delete or rename a memory. A person decides; nothing changes until then.

    Answers 202 and the number of the proposal that waits: asking again for the same names the same one. 200 means that
    a policy let it through and it is live. 409: what you want to change is not as you read it. 422: why it is refused.
    """
    key: ApiKey = request.auth
    if agent != key.agent.slug:
        return _error(403, "forbidden", "This key does not propose for that agent.")
    try:
        proposal = file(key, asked)
    except Moved as error:
        return _error(409, "conflict", str(error))
    except (Refused, InvalidMemory) as error:
        return _error(422, "refused", str(error))
    return JsonResponse(
        {"proposal": proposal.public_id, "status": proposal.status, "detail": told(proposal)},
        status=202 if proposal.is_open else 200,
    )


def file(key: ApiKey, asked: ProposalIn) -> Proposal:
    """File what was asked. Raises `Moved`, `Refused` or `InvalidMemory`."""
    assert key.agent is not None
    store = store_of(key.agent, asked.store)
    creates = asked.operation == Proposal.Operation.CREATE
    base = None if creates else live_version(store, asked.path, asked.expected_sha256)
    renames = asked.operation == Proposal.Operation.RENAME
    content = base.content if renames and base else "" if asked.operation == "delete" else asked.content
    suggestion = Suggestion(
        operation=asked.operation,
        path=asked.path,
        content=content,
        new_path=asked.new_path if renames else "",
        base=base,
        reason=asked.reason,
        session=asked.session,
        api_key=key.public_id,
    )
    return suggest(agent=key.agent, store=store, suggestion=suggestion)


def told(proposal: Proposal) -> str:
    """What an agent is told of what it asked for."""
    if proposal.is_open:
        return f"queued for review as {proposal.public_id}; memory does not change until a person approves it"
    return f"{proposal.public_id} was approved by policy and is live"


def _error(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"error": code, "detail": detail}, status=status)
