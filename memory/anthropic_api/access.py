"""What a key may see: an agent's, the stores that it is attached to; one that manages, all of them."""

from django.db.models import Q, QuerySet

from memory.anthropic_api import ids
from memory.anthropic_api.errors import not_found
from memory.anthropic_api.transport import Call
from memory.models import MemoryStore, MemoryVersion


def visible_stores(call: Call) -> QuerySet[MemoryStore]:
    return MemoryStore.objects.all() if call.key.agent is None else call.key.agent.stores.all()


def visible_store(call: Call, store_id: str) -> MemoryStore:
    """Raises a 404, the same for stores of others and for none."""
    store = visible_stores(call).filter(pk=ids.number_of(ids.STORE, store_id)).first()
    if store is None:
        raise not_found(f"Memory store {store_id[:80]}")
    return store


def visible_versions(store: MemoryStore) -> QuerySet[MemoryVersion]:
    """Every decided version up to the revision that is served."""
    upto = Q() if store.served_revision is None else Q(revision__lte=store.served_revision)
    return store.versions.filter(upto)


def served_version(store: MemoryStore, memory_id: str) -> QuerySet[MemoryVersion]:
    """The version of the memory that agents get now, if there is one."""
    return store.served_versions().filter(memory_id=ids.number_of(ids.MEMORY, memory_id))
