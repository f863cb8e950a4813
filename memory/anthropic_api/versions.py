"""`/v1/memory_stores/{store}/memory_versions`: what was approved, newest first."""

from typing import Any, ClassVar, Literal

from memory.anthropic_api import ids
from memory.anthropic_api.access import visible_store, visible_versions
from memory.anthropic_api.errors import not_found
from memory.anthropic_api.pages import FULL_PAGE, DatedQuery, View, page
from memory.anthropic_api.reads import record_versions
from memory.anthropic_api.shapes import by_author, shaped, version_shape, with_authors
from memory.anthropic_api.transport import Call, QueryForm, needs
from sessions.storable import Text


class VersionsQuery(DatedQuery):
    lists: ClassVar[frozenset[str]] = frozenset({"operation"})
    view: View = "basic"
    memory_id: Text = ""
    operation: list[Literal["created", "modified", "deleted"]] = []
    session_id: Text = ""
    api_key_id: Text = ""
    service_account_id: Text = ""


class VersionQuery(QueryForm):
    view: View = "full"


@needs("read", "manage")
def list_versions(call: Call, store_id: str) -> dict[str, Any]:
    store, query = visible_store(call, store_id), call.query(VersionsQuery)
    limit = min(query.limit, FULL_PAGE) if query.view == "full" else query.limit
    versions = by_author(
        with_authors(visible_versions(store)),
        session=query.session_id,
        api_key=query.api_key_id,
        account=query.service_account_id,
    ).filter(**query.dates)
    if query.memory_id:
        versions = versions.filter(memory_id=ids.number_of(ids.MEMORY, query.memory_id))
    if query.operation:
        versions = versions.filter(operation__in=query.operation)
    if (after := query.after(int)) is not None:
        versions = versions.filter(revision__lt=after)
    found = list(shaped(versions, query.view).order_by("-revision")[: limit + 1])
    if query.view == "full":
        record_versions(call, found[:limit])
    return page([version_shape(one, query.view) for one in found], [one.revision for one in found], limit)


@needs("read", "manage")
def retrieve_version(call: Call, store_id: str, version_id: str) -> dict[str, Any]:
    store, view = visible_store(call, store_id), call.query(VersionQuery).view
    known = visible_versions(store).filter(pk=ids.number_of(ids.VERSION, version_id))
    version = shaped(with_authors(known), view).first()
    if version is None:
        raise not_found(f"Memory version {version_id[:80]}")
    if view == "full":
        record_versions(call, [version])
    return version_shape(version, view)
