"""The store as a pass sees it: live memories with who was served them, and what each session was given."""

import re
from collections import defaultdict

from django.db import models

from dreaming.mining.values import MemoryView
from memory.models import Memory, MemoryRead, MemoryStore, MemoryVersion
from sessions.models import Session


def memory_views(store: MemoryStore) -> list[MemoryView]:
    """The store's live memories, each with the number of sessions that were served its head, and of those that were
    served any of the store since that is live.
    """
    outcomes = _outcomes(store)
    reads = list(_reads(store).values_list("agent_id", "session_external_id", "revision", "part"))
    views = []
    for memory in Memory.objects.filter(store=store, head__isnull=False).select_related("head").order_by("path"):
        since = [read for read in reads if read[2] >= memory.head.revision]
        readers = {(agent, session) for agent, session, _, part in since if _holds(part, memory.path)}
        ended = [outcomes[reader] for reader in readers if outcomes.get(reader, "unknown") != "unknown"]
        views.append(
            MemoryView(
                path=memory.path,
                text=memory.head.content,
                version=memory.head_id,
                served=len(readers) if reads else None,
                served_success=ended.count("success"),
                served_known=len(ended),
                offered=len({(agent, session) for agent, session, _, _ in since}) if reads else None,
            )
        )
    return views


def served_texts(store: MemoryStore) -> dict[int, list[str]]:
    """For each session (by its database id) that read the store: the texts of every revision that it was given."""
    reads: dict[tuple[int, str], set[int]] = defaultdict(set)
    for agent, session, revision in _reads(store).values_list("agent_id", "session_external_id", "revision"):
        reads[agent, session].add(revision)
    if not reads:
        return {}
    texts = _texts_at(store, {revision for revisions in reads.values() for revision in revisions})
    names = {session for _, session in reads}
    rows = store.sessions().filter(external_id__in=names).values_list("pk", "agent_id", "external_id")
    return {
        pk: sorted({text for revision in reads[agent, name] for text in texts[revision]})
        for pk, agent, name in rows
        if (agent, name) in reads
    }


def _holds(part: str, path: str) -> bool:
    """Whether the part of a store that was asked for holds a path, as far as it names one."""
    asked = re.fullmatch(r"path(?P<below>_prefix)?=(?P<path>.*?)(?: max_bytes=\d+)?", part)
    return asked is None or (path.startswith(asked["path"]) if asked["below"] else path == asked["path"])


def _reads(store: MemoryStore) -> models.QuerySet[MemoryRead]:
    return MemoryRead.objects.filter(store=store)


def _outcomes(store: MemoryStore) -> dict[tuple[int, str], str]:
    names = MemoryRead.objects.filter(store=store).values("session_external_id")
    rows = Session.objects.filter(external_id__in=names).values_list("agent_id", "external_id", "outcome")
    return {(agent, name): outcome for agent, name, outcome in rows}


def _texts_at(store: MemoryStore, wanted: set[int]) -> dict[int, list[str]]:
    """The live texts at each wanted revision, by walking the store's versions once."""
    live: dict[int, str] = {}
    found: dict[int, list[str]] = {}
    waiting = sorted(wanted)
    rows = MemoryVersion.objects.filter(store=store).order_by("revision")
    for memory, revision, operation, content in rows.values_list("memory_id", "revision", "operation", "content"):
        while waiting and waiting[0] < revision:
            found[waiting.pop(0)] = list(live.values())
        if operation == MemoryVersion.Operation.DELETED:
            live.pop(memory, None)
        else:
            live[memory] = content
    return found | {revision: list(live.values()) for revision in waiting}
