"""What agents read: the live snapshot of their stores, and nothing that no decision published."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from psycopg import Cursor

from audit.canonical import digest_of
from sessions.models import Agent

# Part of every ETag: raise it when the bytes of a response change for the same revision.
RESPONSE_FORMAT = 6

# An earlier revision (asked for, or served by a stop): the newest version of each memory up to then.
_SNAPSHOT = """
    SELECT
        store.id, store.name, store.revision, store.stopped, made.created_at::text, store.newest, store.own,
        version.path, version.content, version.sha256, version.revision
    FROM (
        SELECT s.id, s.name, s.stopped_at IS NOT NULL AS stopped,
            coalesce(s.served_revision, s.revision) AS newest, s.revision AS own,
            coalesce(%(revision)s::bigint, s.served_revision, s.revision) AS revision,
            coalesce(%(revision)s::bigint, s.served_revision) IS NOT NULL AS earlier
        FROM memory_memorystore s
        JOIN memory_memorystore_agents attached ON attached.memorystore_id = s.id
        WHERE attached.agent_id = %(agent)s AND %(store)s IN ('', s.name)
    ) store
    LEFT JOIN memory_memoryversion made ON made.store_id = store.id AND made.revision = store.revision
    LEFT JOIN memory_memory memory ON memory.store_id = store.id AND (store.earlier OR memory.head_id IS NOT NULL)
    LEFT JOIN memory_memoryversion version ON version.operation <> 'deleted' AND version.id = CASE
        WHEN store.earlier THEN (
            SELECT v.id FROM memory_memoryversion v
            WHERE v.memory_id = memory.id AND v.revision <= store.revision ORDER BY v.revision DESC LIMIT 1
        ) ELSE memory.head_id END AND starts_with(version.path, %(path_prefix)s)
    ORDER BY store.name, version.path
"""


class LiveMemory(msgspec.Struct, frozen=True):
    """One entry, in the order in which it is written."""

    path: str
    content: str
    sha256: str
    revision: int


class Served(NamedTuple):
    """What of a store an answer depends on: the revision served, and whether publishing is stopped.

    `made_at` tells the revision from one of the same number, should the database be restored from a backup.
    """

    store_id: int
    store: str
    revision: int
    stopped: bool
    made_at: str | None


_REVISIONS = """
    SELECT s.id, s.name, coalesce(s.served_revision, s.revision), s.stopped_at IS NOT NULL, made.created_at::text
    FROM memory_memorystore s JOIN memory_memorystore_agents attached ON attached.memorystore_id = s.id
    LEFT JOIN memory_memoryversion made
        ON made.store_id = s.id AND made.revision = coalesce(s.served_revision, s.revision)
    WHERE attached.agent_id = %(agent)s AND %(store)s IN ('', s.name)
    ORDER BY s.name
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One store as it is served; the memories are in order of their paths. `newest` is the last revision served."""

    served: Served
    memories: tuple[LiveMemory, ...]
    newest: int
    store_revision: int
    left_out: int = 0
    erased: int = 0


def live_snapshots(agent: Agent, store: str = "", revision: int | None = None, path_prefix: str = "") -> list[Snapshot]:
    """The agent's stores as one statement sees them, so that the revision and the texts belong together."""
    asked = {"agent": agent.pk, "store": store, "revision": revision, "path_prefix": path_prefix}
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT, asked)
        rows = cursor.fetchall()
    stores: dict[tuple[Any, ...], list[LiveMemory]] = {}
    erased: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        memories = stores.setdefault(row[:7], [])
        if row[9] == "":  # what has its text has its hash
            erased[row[:7]] += 1
        elif row[7] is not None:
            memories.append(LiveMemory(*row[7:]))
    return [Snapshot(Served(*of[:5]), tuple(memories), *of[5:], erased=erased[of]) for of, memories in stores.items()]


def live_revisions(agent: Agent, store: str = "") -> list[Served]:
    """What is served of the agent's stores: all that a conditional request needs."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    # Each read asks this: prepared, as planning it takes longer than its work.
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(_REVISIONS, {"agent": agent.pk, "store": store}, prepare=True)
        return [Served(*row) for row in cursor.fetchall()]


@lru_cache(maxsize=4096)
def etag(agent: str, representation: str, served: tuple[Served, ...], part: tuple[Any, ...] = ()) -> str:
    """A strong ETag: the same agent, representation, part and state of the stores always give the same bytes.

    The text for a prompt does not say that a store is stopped, so it stays the same then, and prompt caches hold.
    """
    says_stopped = representation == "json"
    stores = [[one.store_id, one.revision, one.made_at, *([one.stopped] if says_stopped else [])] for one in served]
    return f'"{digest_of([RESPONSE_FORMAT, agent, representation, stores, *part])[:32]}"'


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
    if left_out := sum(snapshot.left_out for snapshot in snapshots):
        parts.append(f"{left_out} more did not fit and are left out.")
    if erased := sum(snapshot.erased for snapshot in snapshots):
        parts.append(f"{erased} more had been approved, and their text was erased since.")
    return "\n\n".join([*parts, *(entries or ["Nothing has been approved yet."])]) + "\n"


def _entry(mark: str, store: str, memory: LiveMemory) -> str:
    head = f'<{mark} store="{store}" path="{memory.path}" sha256="{memory.sha256}">'
    return f"{head}\n{memory.content}\n</{mark}>"


def _boundary(snapshots: list[Snapshot], tag: str) -> str:
    """The same for the same ETag, and no text can hold it: it depends on every text that is served."""
    served = [memory.sha256 for snapshot in snapshots for memory in snapshot.memories]
    return f"memory-{digest_of([tag, served])[:16]}"
