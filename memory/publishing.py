"""What makes a text live. Only `reviews` imports this, from inside `decide()`; the linter and a trigger hold it."""

from django.db import connection

from audit.canonical import sha256_hex
from memory.models import Memory, MemoryStore, MemoryVersion, Proposal


class BaseMoved(Exception):
    """The proposal's base is no longer live; the message says what happened to it."""


class StoreStopped(Exception):
    """Publishing in the store is stopped; the message says by whom, since when and why."""


def lock_store(proposal: Proposal) -> MemoryStore:
    """The proposal's store, locked: publications of one store happen one after another."""
    return MemoryStore.objects.select_for_update(no_key=True).get(pk=proposal.store_id)


def check_not_stopped(store: MemoryStore) -> None:
    """Raises `StoreStopped`, also where the store is archived. Call with the store locked."""
    if store.archived_at is not None:
        raise StoreStopped(f"{store.name} was archived on {store.archived_at:%d %b %Y at %H:%M} UTC: it is only read.")
    if store.stopped_at is not None:
        since = f"{store.stopped_at:%d %b %Y at %H:%M} UTC"
        raise StoreStopped(f"{store.stopped_by} stopped publishing in {store.name} on {since}: {store.stop_reason}")


def check_base(proposal: Proposal, *, path: str) -> Memory | None:
    """The live memory that the proposal changes (none for a create). Raises `BaseMoved`. Call with the store locked.

    `path` is where the text would go, which a reviewer's edit may have changed.
    """
    live = Memory.objects.filter(store_id=proposal.store_id, head__isnull=False)
    base = proposal.base_version
    memory = None
    if base is not None:
        memory = live.select_related("head").filter(pk=base.memory_id).first()
        if memory is None:
            raise BaseMoved(f"{base.path} was deleted after this was proposed against revision {base.revision}.")
        if memory.head_id != base.pk:
            raise BaseMoved(
                f"{base.path} moved to revision {memory.head.revision}; this was proposed against revision {base.revision}."
            )
    taken = live.filter(path=path).exclude(pk=memory.pk if memory else None).select_related("head").first()
    if taken:
        raise BaseMoved(f"There is a memory at {path} since revision {taken.head.revision}.")
    return memory


def publish(*, proposal: Proposal, store: MemoryStore, memory: Memory | None, path: str, content: str) -> MemoryVersion:
    """Write the next version and make it the head. The store is locked; the decision follows in the same transaction."""
    assert connection.in_atomic_block
    store.revision += 1
    # Not saved: the history of settings would get a row for each publication.
    MemoryStore.objects.filter(pk=store.pk).update(revision=store.revision)
    memory = memory or Memory.objects.create(store=store, path=path)
    deletes = proposal.operation == Proposal.Operation.DELETE
    version = MemoryVersion.objects.create(
        memory=memory,
        store=store,
        revision=store.revision,
        operation=_version_operation(proposal.operation),
        path=path,
        content=content,
        sha256=sha256_hex(content),
    )
    memory.path = path
    memory.head = None if deletes else version
    memory.save(update_fields=["path", "head"])
    return version


def _version_operation(operation: str) -> str:
    return {
        Proposal.Operation.CREATE: MemoryVersion.Operation.CREATED,
        Proposal.Operation.DELETE: MemoryVersion.Operation.DELETED,
    }.get(Proposal.Operation(operation), MemoryVersion.Operation.MODIFIED)
