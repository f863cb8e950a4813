"""What agents read: the live snapshot of their stores, and nothing that no decision published."""

from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Coalesce

from audit.canonical import digest_of
from sessions.models import Agent

# Part of every ETag: raise it when the bytes of a response change for the same revision.
RESPONSE_FORMAT = 4

# A store that was stopped to serve an earlier revision: the newest version of each memory up to then.
_SNAPSHOT = """
    SELECT
        store.id, store.name, store.revision, store.stopped,
        version.path, version.content, version.sha256, version.revision
    FROM (
        SELECT s.id, s.name, coalesce(s.served_revision, s.revision) AS revision,
            s.served_revision IS NOT NULL AS earlier, s.stopped_at IS NOT NULL AS stopped
        FROM memory_memorystore s
        JOIN memory_memorystore_agents attached ON attached.memorystore_id = s.id
        WHERE attached.agent_id = %s
    ) store
    LEFT JOIN memory_memory memory ON memory.store_id = store.id AND (store.earlier OR memory.head_id IS NOT NULL)
    LEFT JOIN memory_memoryversion version ON version.operation <> 'deleted' AND version.id = CASE
        WHEN store.earlier THEN (
            SELECT v.id FROM memory_memoryversion v
            WHERE v.memory_id = memory.id AND v.revision <= store.revision ORDER BY v.revision DESC LIMIT 1
        ) ELSE memory.head_id END
    ORDER BY store.name, version.path
"""


@dataclass(frozen=True, slots=True)
class LiveMemory:
    path: str
    content: str
    sha256: str
    revision: int


class Served(NamedTuple):
    """What of a store an answer depends on: the revision served, and whether publishing is stopped."""

    store_id: int
    store: str
    revision: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One store as it is served; the memories are in order of their paths."""

    served: Served
    memories: tuple[LiveMemory, ...]


def live_snapshots(agent: Agent) -> list[Snapshot]:
    """The agent's stores as one statement sees them, so that the revision and the texts belong together."""
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT, [agent.pk])
        rows = cursor.fetchall()
    stores: dict[Served, list[LiveMemory]] = {}
    for store_id, name, store_revision, stopped, path, content, sha256, revision in rows:
        memories = stores.setdefault(Served(store_id, name, store_revision, stopped), [])
        if path is not None:
            memories.append(LiveMemory(path, content, sha256, revision))
    return [Snapshot(served, tuple(memories)) for served, memories in stores.items()]


def live_revisions(agent: Agent) -> list[Served]:
    """What is served of the agent's stores: all that a conditional request needs."""
    stopped = ExpressionWrapper(Q(stopped_at__isnull=False), output_field=BooleanField())
    rows = agent.stores.order_by("name").values_list("pk", "name", Coalesce("served_revision", "revision"), stopped)
    return [Served(*row) for row in rows]


def etag(agent: Agent, representation: str, served: list[Served]) -> str:
    """A strong ETag: the same agent, representation and state of the stores always give the same bytes, but for the
    checkpoint of the record, which is newer in a later answer and says nothing about memory.

    The text for a prompt does not say that a store is stopped, so it stays the same then, and prompt caches hold.
    """
    says_stopped = representation == "json"
    stores = [[one.store_id, one.revision, *([one.stopped] if says_stopped else [])] for one in served]
    return f'"{digest_of([RESPONSE_FORMAT, agent.slug, representation, stores])[:32]}"'


def as_markdown(agent: Agent, snapshots: list[Snapshot], tag: str) -> str:
    """The memory as text for a system prompt: each entry byte for byte between two lines that no entry can forge."""
    mark = _boundary(snapshots, tag)
    revisions = ", ".join(f"{snapshot.served.store} revision {snapshot.served.revision}" for snapshot in snapshots)
    parts = [
        f"# Approved memory of {agent.slug}",
        f"From {revisions or 'no store'}. Every entry was approved before it was served.",
    ]
    entries = [_entry(mark, snapshot.served.store, memory) for snapshot in snapshots for memory in snapshot.memories]
    if entries:
        parts.append(f"An entry stands between <{mark} …> and </{mark}>; other marks belong to its text.")
    return "\n\n".join([*parts, *(entries or ["Nothing has been approved yet."])]) + "\n"


def _entry(mark: str, store: str, memory: LiveMemory) -> str:
    head = f'<{mark} store="{store}" path="{memory.path}" sha256="{memory.sha256}">'
    return f"{head}\n{memory.content}\n</{mark}>"


def _boundary(snapshots: list[Snapshot], tag: str) -> str:
    """The same for the same ETag, and no text can hold it: it depends on every text that is served."""
    served = [memory.sha256 for snapshot in snapshots for memory in snapshot.memories]
    return f"memory-{digest_of([tag, served])[:16]}"
