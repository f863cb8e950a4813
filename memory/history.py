"""A store as it was: at a revision, or for its agents at a moment; and which sessions were served a version."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.models import Entry
from memory.models import MemoryRead, MemoryStore, MemoryVersion

STOPS = ("store.stopped", "store.resumed")


@dataclass(frozen=True, slots=True)
class Moment:
    """`revision` is what agents were served; `published` the newest revision that there was.

    `stop` is the entry of the record that stopped the store, where it was stopped.
    """

    revision: int
    published: int
    at: datetime | None = None
    stop: Entry | None = None


def moment_of(store: MemoryStore, at: datetime) -> Moment:
    """What the store's agents were served at a time. Times are the database's, taken with the store locked."""
    versions = store.versions.filter(created_at__lte=at).order_by("-created_at", "-revision")
    published = versions.values_list("revision", flat=True).first() or 0
    stops = Entry.objects.about(f"store:{store.pk}").filter(action__in=STOPS, at__lte=at)
    last = stops.order_by("-seq").first()
    if last is None or last.action == "store.resumed":
        return Moment(published, published, at)
    serves = last.data["serves"]
    return Moment(published if serves is None else serves, published, at, last)


def next_version(version: MemoryVersion) -> MemoryVersion | None:
    """The one that took its place, by a change, a new name or a deletion."""
    later = MemoryVersion.objects.filter(memory_id=version.memory_id, revision__gt=version.revision)
    return later.order_by("revision").first()


def sessions_served(version: MemoryVersion) -> QuerySet[MemoryRead]:
    """Of each session that was served the version, the read of the latest revision that held it.

    What was recorded is the revision served, not the newest: a stop that served an earlier one counts for that one. Of a
    part that was served the versions were recorded, and no other counts.
    """
    if version.operation == MemoryVersion.Operation.DELETED:
        return MemoryRead.objects.none()
    held = MemoryRead.objects.filter(store_id=version.store_id, revision__gte=version.revision)
    if later := next_version(version):
        held = held.filter(revision__lt=later.revision)
    held = held.filter(Q(versions=None) | Q(versions__contains=[version.revision]))
    same = {name: OuterRef(name) for name in ("agent_id", "session_external_id")}
    as_late = held.filter(**same, revision__gte=OuterRef("revision"))
    newer = as_late.filter(Q(revision__gt=OuterRef("revision")) | Q(pk__gt=OuterRef("pk")))
    return held.filter(~Exists(newer))
