"""`/v1/memory_stores`: agents' keys see their own; keys that manage see all, and change what is said of them."""

from typing import Annotated, Any

from django.core.exceptions import ValidationError
from pydantic import Field

from audit.actors import Actor
from memory.anthropic_api import ids
from memory.anthropic_api.access import visible_store, visible_stores
from memory.anthropic_api.errors import ApiError
from memory.anthropic_api.pages import DatedQuery, page
from memory.anthropic_api.shapes import store_shape
from memory.anthropic_api.transport import Call, Form, QueryForm, needs
from memory.services import create_store
from memory.store_settings import NotChanged, archive_store, delete_store, describe_store
from sessions.storable import Text

Description = Annotated[Text, Field(max_length=1024)]
Key = Annotated[Text, Field(min_length=1, max_length=64)]
Value = Annotated[Text, Field(max_length=512)]


class StoresQuery(DatedQuery):
    include_archived: bool = False


class NewStore(Form):
    name: Text
    description: Description = ""
    metadata: dict[Key, Value] = Field(default={}, max_length=16)


class StoreChange(Form):
    name: Text | None = None
    description: Description | None = None
    metadata: dict[Key, Value | None] | None = None


@needs("read", "manage")
def list_stores(call: Call) -> dict[str, Any]:
    """Newest first."""
    query = call.query(StoresQuery)
    stores = visible_stores(call).filter(**query.dates).order_by("-pk")
    if not query.include_archived:
        stores = stores.filter(archived_at=None)
    if (after := query.after(int)) is not None:
        stores = stores.filter(pk__lt=after)
    found = list(stores[: query.limit + 1])
    return page([store_shape(store) for store in found], [store.pk for store in found], query.limit)


@needs("read", "manage")
def retrieve_store(call: Call, store_id: str) -> dict[str, Any]:
    call.query(QueryForm)
    return store_shape(visible_store(call, store_id))


@needs("manage")
def new_store(call: Call) -> dict[str, Any]:
    wanted = call.body(NewStore)
    try:
        store = create_store(
            name=wanted.name, actor=_actor(call), description=wanted.description, metadata=dict(wanted.metadata)
        )
    except ValidationError as error:
        raise ApiError(400, f"name: {' '.join(error.messages)}") from error
    store.refresh_from_db()
    return store_shape(store)


@needs("manage")
def change_store(call: Call, store_id: str) -> dict[str, Any]:
    store, wanted = visible_store(call, store_id), call.body(StoreChange)
    if wanted.name not in (None, store.name):
        raise ApiError(400, "name: stores keep their name, because the record and every decision speak of it.")
    try:
        store = describe_store(
            store_id=store.pk, actor=_actor(call), description=wanted.description, metadata=wanted.metadata
        )
    except NotChanged as error:
        raise ApiError(400, str(error)) from error
    return store_shape(store)


@needs("manage")
def archive(call: Call, store_id: str) -> dict[str, Any]:
    return store_shape(archive_store(store_id=visible_store(call, store_id).pk, actor=_actor(call)))


@needs("manage")
def delete(call: Call, store_id: str) -> dict[str, Any]:
    store = visible_store(call, store_id)
    try:
        delete_store(store_id=store.pk, actor=_actor(call))
    except NotChanged as error:
        raise ApiError(409, str(error)) from error
    return {"id": ids.public_id(ids.STORE, store.pk), "type": "memory_store_deleted"}


def _actor(call: Call) -> Actor:
    return Actor.api_key(call.key.public_id)
