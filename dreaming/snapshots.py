"""The store as a pass sees it: live memories with who was served them, and what each session was given."""

from collections import defaultdict
from typing import NamedTuple

from dreaming.mining.values import MemoryView
from memory.models import Memory, MemoryRead, MemoryStore, MemoryVersion
from sessions.models import Session


class _Read(NamedTuple):
    agent: int
    session: str
    revision: int
    versions: list[int] | None

    def holds(self, version: int) -> bool:
        """Whether a version of its revision was served by it."""
        return self.versions is None or version in self.versions


def memory_views(store: MemoryStore) -> list[MemoryView]:
    """The store's live memories, each with the number of sessions that were served its head, and of those that were
    served any of the store since that is live.
    """
    outcomes = _outcomes(store)
    reads = _reads(store)
    views = []
    for memory in Memory.objects.filter(store=store, head__isnull=False).select_related("head").order_by("path"):
        head = memory.head.revision
        since = [read for read in reads if read.revision >= head]
        readers = {(read.agent, read.session) for read in since if read.holds(head)}
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
    """For each session (by its database id) that read the store: the texts of every version that it was given."""
    reads = _reads(store)
    if not reads:
        return {}
    texts = _texts_at(store, {read.revision for read in reads})
    given: dict[tuple[int, str], set[str]] = defaultdict(set)
    for read in reads:
        given[read.agent, read.session].update(text for at, text in texts[read.revision].items() if read.holds(at))
    names = {session for _, session in given}
    rows = store.sessions().filter(external_id__in=names).values_list("pk", "agent_id", "external_id")
    return {pk: sorted(given[agent, name]) for pk, agent, name in rows if (agent, name) in given}


def _reads(store: MemoryStore) -> list[_Read]:
    rows = MemoryRead.objects.filter(store=store)
    return [_Read(*row) for row in rows.values_list("agent_id", "session_external_id", "revision", "versions")]


def _outcomes(store: MemoryStore) -> dict[tuple[int, str], str]:
    names = MemoryRead.objects.filter(store=store).values("session_external_id")
    rows = Session.objects.filter(external_id__in=names).values_list("agent_id", "external_id", "outcome")
    return {(agent, name): outcome for agent, name, outcome in rows}


def _texts_at(store: MemoryStore, wanted: set[int]) -> dict[int, dict[int, str]]:
    """At each wanted revision the live texts, each by the revision that brought it, walking the store's versions once."""
    live: dict[int, tuple[int, str]] = {}
    found: dict[int, dict[int, str]] = {}
    waiting = sorted(wanted)
    rows = MemoryVersion.objects.filter(store=store).order_by("revision")
    for memory, revision, operation, content in rows.values_list("memory_id", "revision", "operation", "content"):
        while waiting and waiting[0] < revision:
            found[waiting.pop(0)] = dict(live.values())
        if operation == MemoryVersion.Operation.DELETED:
            live.pop(memory, None)
        else:
            live[memory] = revision, content
    return found | {revision: dict(live.values()) for revision in waiting}
