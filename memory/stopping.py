"""The stop button of a store: nothing is published while it is stopped, and agents may get an earlier revision."""

from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from memory.models import MemoryStore


class BadStop(ValueError):
    """The store cannot be stopped, or let go, like that; the message says why."""


@transaction.atomic
def stop_store(*, store_id: int, actor: Actor, reason: str, served_revision: int | None = None) -> MemoryStore:
    """Freeze publishing. With `served_revision` agents get the store as it was then, from their next read on.

    A stopped store can be stopped again, to serve another revision. Raises `BadStop`.
    """
    store = MemoryStore.objects.select_for_update(no_key=True).get(pk=store_id)
    if not reason.strip():
        raise BadStop("Say why: whoever finds the store stopped will ask.")
    if served_revision is not None and not 0 <= served_revision <= store.revision:
        raise BadStop(f"{store.name} has no revision {served_revision}; it is at {store.revision}.")
    if served_revision is not None:
        _check_whole(store, served_revision)
    store.stopped_at = store.stopped_at or Now()
    store.stopped_by = actor.name
    store.stop_reason = reason.strip()
    store.served_revision = served_revision
    store.save()
    record(
        action="store.stopped",
        actor=actor,
        subject=f"store:{store.pk}",
        store=store.name,
        data={"serves": served_revision, "revision": store.revision},
        words={"reason": store.stop_reason},
    )
    store.refresh_from_db()
    return store


def _check_whole(store: MemoryStore, revision: int) -> None:
    """Of what was erased there is nothing to serve."""
    served = MemoryStore(pk=store.pk, served_revision=revision).served_versions()
    if gone := served.filter(sha256="").first():
        raise BadStop(f"{gone.path} was erased from revision {revision}. Serve a later one, or none.")


@transaction.atomic
def resume_store(*, store_id: int, actor: Actor, reason: str) -> MemoryStore:
    """Let publishing go on; agents get the newest revision again. Raises `BadStop`."""
    store = MemoryStore.objects.select_for_update(no_key=True).get(pk=store_id)
    if store.stopped_at is None:
        raise BadStop(f"{store.name} is not stopped.")
    if not reason.strip():
        raise BadStop("Say why it may go on.")
    store.stopped_at = store.served_revision = None
    store.stopped_by = store.stop_reason = ""
    store._change_reason = reason.strip()[:100]  # kept in the store's history, as long as that takes
    store.save()
    record(
        action="store.resumed",
        actor=actor,
        subject=f"store:{store.pk}",
        store=store.name,
        data={"revision": store.revision},
        words={"reason": reason.strip()},
    )
    return store
