"""Writes to memories: what an agent asks for becomes a proposal, and the answer never says more than was done."""

from typing import Any, Literal

from django.db.models import Q

from memory.anthropic_api import ids
from memory.anthropic_api.access import served_version, visible_store
from memory.anthropic_api.errors import ApiError, not_found
from memory.anthropic_api.pages import View
from memory.anthropic_api.reads import record_versions
from memory.anthropic_api.shapes import memory_shape, shaped
from memory.anthropic_api.transport import Call, Form, QueryForm, needs
from memory.models import MemoryStore, MemoryVersion, Proposal
from memory.paths import InvalidMemory, check_content, check_path
from memory.services import KnownClaim, Refused
from memory.suggestions import Suggestion, suggest


class WriteQuery(QueryForm):
    view: View = "basic"


class DeleteQuery(QueryForm):
    expected_content_sha256: str | None = None


class NewMemory(Form):
    path: str
    content: str


class Precondition(Form):
    type: Literal["content_sha256"]
    content_sha256: str


class MemoryChange(Form):
    content: str | None = None
    path: str | None = None
    precondition: Precondition | None = None


@needs("propose")
def create(call: Call, store_id: str) -> dict[str, Any]:
    store, view, new = visible_store(call, store_id), call.query(WriteQuery).view, call.body(NewMemory)
    _check_form(new.path, new.content)
    _check_free(store, new.path)
    return _asked(call, store, view, operation="create", path=new.path, content=new.content)


@needs("propose")
def update(call: Call, store_id: str, memory_id: str) -> dict[str, Any]:
    store, view, wanted = visible_store(call, store_id), call.query(WriteQuery).view, call.body(MemoryChange)
    if wanted.content is None and wanted.path is None:
        raise ApiError(400, "Give content, or path, or both.")
    served = _served(store, memory_id)
    path = served.path if wanted.path is None else wanted.path
    content = served.content if wanted.content is None else wanted.content
    if (path, content) == (served.path, served.content):
        return _told(call, served, view)
    if wanted.precondition:
        _check_sha(served, wanted.precondition.content_sha256)
    _check_form(path, content)
    if path == served.path:
        return _asked(call, store, view, operation="update", path=path, content=content, base=served)
    _check_free(store, path, moving=served)
    return _asked(call, store, view, operation="rename", path=served.path, new_path=path, content=content, base=served)


@needs("propose")
def delete(call: Call, store_id: str, memory_id: str) -> dict[str, Any]:
    store, query = visible_store(call, store_id), call.query(DeleteQuery)
    served = _served(store, memory_id)
    if query.expected_content_sha256 is not None:
        _check_sha(served, query.expected_content_sha256)
    return _asked(call, store, "basic", operation="delete", path=served.path, base=served)


@needs("propose", "manage")
def redact(call: Call, store_id: str, version_id: str) -> dict[str, Any]:
    """Text is taken out of history by people, with a reason and a legal basis."""
    visible_store(call, store_id)
    raise ApiError(403, f"{version_id[:80]} is not redacted: people erase text in Daylight, with their reason.")


def _served(store: MemoryStore, memory_id: str) -> MemoryVersion:
    version = shaped(served_version(store, memory_id), "full").first()
    if version is None:
        raise not_found(f"Memory {memory_id[:80]}")
    return version


def _check_form(path: str, content: str) -> None:
    try:
        check_path(path)
        check_content(content)
    except InvalidMemory as error:
        raise ApiError(400, str(error)) from error


def _check_sha(served: MemoryVersion, expected: str) -> None:
    if served.sha256 != expected:
        raise ApiError(
            409,
            f"The memory at {served.path} has the content_sha256 {served.sha256}, not the one expected. Read it again.",
            "memory_precondition_failed_error",
        )


def _check_free(store: MemoryStore, path: str, moving: MemoryVersion | None = None) -> None:
    """No memory may be where another one's folder would be."""
    parts = path.split("/")
    at_or_above = ["/".join(parts[:depth]) for depth in range(2, len(parts) + 1)]
    taken = store.served_versions().filter(Q(path__in=at_or_above) | Q(path__startswith=f"{path}/"))
    for other in taken.exclude(memory_id=moving.memory_id if moving else 0)[:1]:
        raise ApiError(
            409,
            f"There is a memory at {other.path} already.",
            "memory_path_conflict_error",
            conflicting_memory_id=ids.public_id(ids.MEMORY, other.memory_id),
            conflicting_path=other.path,
        )


def _asked(call: Call, store: MemoryStore, view: str, **wish: Any) -> dict[str, Any]:
    """What the policy made of the wish: the memory as it is now, or a refusal that names the proposal."""
    if store.archived_at or store.stopped_at:
        state = "is archived" if store.archived_at else "is stopped: nothing is published in it for now"
        raise ApiError(403, f"{store.name} {state}. Nothing was written, and nothing was filed.")
    proposal = _filed(call, store, Suggestion(**wish, session=call.session, api_key=call.key.public_id))
    if proposal.status != Proposal.Status.APPROVED:
        raise ApiError(
            403,
            f"Nothing was written: this change waits for review as {proposal.public_id}. Asking again changes nothing.",
            proposal_id=proposal.public_id,
        )
    written = MemoryVersion.objects.filter(decision__proposal=proposal)
    version = shaped(written, view).get()
    if version.operation == MemoryVersion.Operation.DELETED:
        return {"id": ids.public_id(ids.MEMORY, version.memory_id), "type": "memory_deleted"}
    return _told(call, version, view)


def _told(call: Call, version: MemoryVersion, view: str) -> dict[str, Any]:
    if view == "full":
        record_versions(call, [version])
    return memory_shape(version, view)


def _filed(call: Call, store: MemoryStore, suggestion: Suggestion) -> Proposal:
    try:
        return suggest(agent=call.agent, store=store, suggestion=suggestion)
    except KnownClaim as known:
        raise ApiError(403, f"Nothing was written. {known}") from known
    except InvalidMemory as error:
        raise ApiError(400, str(error)) from error
    except Refused as moved:
        raise ApiError(409, f"Nothing was written. {moved}") from moved
    except PermissionError as error:
        raise not_found("The memory store") from error
