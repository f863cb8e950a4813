"""What is said of a store beside its memories, and its end: archived for good, or deleted while it is empty."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from audit.actors import Actor
from audit.services import record
from memory.models import MemoryStore

METADATA_PAIRS = 16


class NotChanged(ValueError):
    """The store cannot be changed, or deleted, like that; the message says why."""


@transaction.atomic
def describe_store(
    *, store_id: int, actor: Actor, description: str | None = None, metadata: Mapping[str, str | None] | None = None
) -> MemoryStore:
    """Set the description, and merge pairs into the metadata: `None` as a value takes a pair out.

    Raises `NotChanged` for an archived store and for more than 16 pairs.
    """
    store = MemoryStore.objects.select_for_update(no_key=True).get(pk=store_id)
    if store.archived_at is not None:
        raise NotChanged(f"{store.name} is archived: it is only read.")
    merged = {**store.metadata, **(metadata or {})}
    wanted = {
        "description": store.description if description is None else description,
        "metadata": {key: value for key, value in merged.items() if value is not None},
    }
    if len(wanted["metadata"]) > METADATA_PAIRS:
        raise NotChanged(f"A store has at most {METADATA_PAIRS} pairs of metadata.")
    changed = [name for name, value in wanted.items() if getattr(store, name) != value]
    if changed:
        _save(store, actor, "store.changed", {"changed": changed}, **wanted)
    return store


@transaction.atomic
def archive_store(*, store_id: int, actor: Actor) -> MemoryStore:
    """Nothing is proposed or published in it from now on; agents go on reading it. Archiving again changes nothing."""
    store = MemoryStore.objects.select_for_update(no_key=True).get(pk=store_id)
    if store.archived_at is None:
        _save(store, actor, "store.archived", {"revision": store.revision}, archived_at=timezone.now())
    return store


def _save(store: MemoryStore, actor: Actor, action: str, data: dict[str, object], **fields: object) -> None:
    for name, value in {**fields, "changed_at": timezone.now()}.items():
        setattr(store, name, value)
    store.save()
    record(action=action, actor=actor, subject=f"store:{store.pk}", store=store.name, data=data)


def delete_store(*, store_id: int, actor: Actor) -> None:
    """Delete a store in which nothing ever happened. Raises `NotChanged` for any other: its record must stay."""
    try:
        with transaction.atomic():
            store = MemoryStore.objects.select_for_update().get(pk=store_id)
            record(action="store.deleted", actor=actor, subject=f"store:{store.pk}", store=store.name)
            store.delete()
    except ProtectedError as error:
        raise NotChanged(
            f"{store.name} has a history, which stays: memories, proposals, dreams or readings. Archive it instead."
        ) from error
