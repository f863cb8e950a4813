"""`/v1/memory_stores/{store}/memories`, read: what the store serves now."""

from typing import Annotated, Any

from django.db.models import Case, CharField, F, Func, QuerySet, TextField, Value, When
from django.db.models.functions import Collate, Concat, StrIndex, Substr
from django.db.models.lookups import GreaterThan
from pydantic import Field

from memory.anthropic_api.access import served_version, visible_store
from memory.anthropic_api.errors import ApiError, not_found
from memory.anthropic_api.pages import FULL_PAGE, PageQuery, View, page
from memory.anthropic_api.reads import record_memories
from memory.anthropic_api.shapes import memory_shape, shaped
from memory.anthropic_api.transport import Call, QueryForm, needs
from memory.models import MemoryStore, MemoryVersion
from sessions.storable import Text


class MemoriesQuery(PageQuery):
    view: View = "basic"
    path_prefix: Annotated[Text, Field(max_length=255)] = "/"
    depth: Annotated[int, Field(ge=0, le=1)] = 0


class MemoryQuery(QueryForm):
    view: View = "full"


@needs("read", "manage")
def list_memories(call: Call, store_id: str) -> dict[str, Any]:
    """In order of their paths; with `depth=1` what lies deeper is rolled up into its folder."""
    store, query = visible_store(call, store_id), call.query(MemoriesQuery)
    if not (query.path_prefix.startswith("/") and query.path_prefix.endswith("/")):
        raise ApiError(400, "path_prefix: begin and end it with /, such as /notes/.")
    limit = min(query.limit, FULL_PAGE) if query.view == "full" else query.limit
    entries = _entries(store, query)
    if (after := query.after(str)) is not None:
        entries = entries.filter(entry__gt=after)
    found = list(entries[: limit + 1])
    if query.view == "full":
        record_memories(call, store, [one for one in found[:limit] if not _is_folder(one)])
    return page([_item(one, query.view) for one in found], [one.entry for one in found], limit)


def _entries(store: MemoryStore, query: MemoriesQuery) -> QuerySet[MemoryVersion]:
    """One version for each item, with its place in the list as `entry`: its path, or its folder's, which ends in /."""
    below = store.served_versions().filter(path__startswith=query.path_prefix)
    entry: Any = F("path")
    if query.depth == 1:
        rest = Substr("path", len(query.path_prefix) + 1)
        first = Func(rest, Value("/"), Value(1), function="split_part", output_field=CharField())
        folder = Concat(Value(query.path_prefix), first, Value("/"), output_field=TextField())
        entry = Case(
            When(GreaterThan(StrIndex(rest, Value("/")), 0), then=folder), default=entry, output_field=TextField()
        )
    by_bytes = shaped(below, query.view).annotate(entry=Collate(entry, "C")).order_by("entry")
    return by_bytes.distinct("entry") if query.depth == 1 else by_bytes


def _item(version: Any, view: str) -> dict[str, Any]:
    if _is_folder(version):
        return {"type": "memory_prefix", "path": version.entry}
    return memory_shape(version, view)


def _is_folder(version: Any) -> bool:
    return version.entry.endswith("/")


@needs("read", "manage")
def retrieve_memory(call: Call, store_id: str, memory_id: str) -> dict[str, Any]:
    store, view = visible_store(call, store_id), call.query(MemoryQuery).view
    version = shaped(served_version(store, memory_id), view).first()
    if version is None:
        raise not_found(f"Memory {memory_id[:80]}")
    if view == "full":
        record_memories(call, store, [version])
    return memory_shape(version, view)
