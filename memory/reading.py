"""What agents read: the live snapshot of their stores, and nothing that no decision published."""

from dataclasses import dataclass

from django.db import connection
from django.db.models.functions import Coalesce

from audit.canonical import digest_of
from sessions.models import Agent

# Part of every ETag: raise it when the bytes of a response change for the same revision.
RESPONSE_FORMAT = 2

# A store that was stopped to serve an earlier revision: the newest version of each memory up to then.
_SNAPSHOT = """
    SELECT store.id, store.name, store.revision, version.path, version.content, version.sha256, version.revision
    FROM (
        SELECT s.id, s.name, coalesce(s.served_revision, s.revision) AS revision, s.served_revision IS NOT NULL AS earlier
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One store at one revision; the memories are in order of their paths."""

    store_id: int
    store: str
    revision: int
    memories: tuple[LiveMemory, ...]


def live_snapshots(agent: Agent) -> list[Snapshot]:
    """The agent's stores as one statement sees them, so that the revision and the texts belong together."""
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT, [agent.pk])
        rows = cursor.fetchall()
    stores: dict[tuple[int, str, int], list[LiveMemory]] = {}
    for store_id, name, store_revision, path, content, sha256, revision in rows:
        memories = stores.setdefault((store_id, name, store_revision), [])
        if path is not None:
            memories.append(LiveMemory(path, content, sha256, revision))
    return [Snapshot(*key, tuple(memories)) for key, memories in stores.items()]


def live_revisions(agent: Agent) -> list[tuple[int, int]]:
    """(store id, revision served) of the agent's stores: all that a conditional request needs."""
    return list(agent.stores.order_by("name").values_list("pk", Coalesce("served_revision", "revision")))


def etag(agent: Agent, representation: str, revisions: list[tuple[int, int]]) -> str:
    """A strong ETag: the same agent, representation and revisions always give the same bytes."""
    value = [RESPONSE_FORMAT, agent.slug, representation, [list(pair) for pair in revisions]]
    return f'"{digest_of(value)[:32]}"'


def as_markdown(agent: Agent, snapshots: list[Snapshot], tag: str) -> str:
    """The memory as text for a system prompt: each entry byte for byte between two lines that no entry can forge."""
    mark = _boundary(snapshots, tag)
    revisions = ", ".join(f"{snapshot.store} revision {snapshot.revision}" for snapshot in snapshots)
    parts = [
        f"# Approved memory of {agent.slug}",
        f"From {revisions or 'no store'}. Every entry was approved before it was served.",
    ]
    entries = [_entry(mark, snapshot.store, memory) for snapshot in snapshots for memory in snapshot.memories]
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
