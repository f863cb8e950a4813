"""A store as it was at a revision or a moment, what lies between two of them, and what one session was served."""

from collections import Counter, defaultdict
from typing import Any

from django.db.models import BigIntegerField, CharField, F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from audit.roles import ROLES, role_required
from memory.models import MemoryRead, MemoryStore, MemoryVersion
from reviews.beliefs import beliefs_of
from reviews.keyset import Key, Order, integer, page_of
from reviews.moments import KINDS, asked_of, changes_between, with_texts
from reviews.record import moment as read_time
from sessions.models import Agent, Session

PAGE = 50
CHANGES = 10
MAX_READS = 50
MAX_SHOWN = 200

_BY_PATH = Order(
    (
        Key("path", F("path"), lambda version: version.path, CharField(), str),
        Key("id", F("id"), lambda version: version.pk, BigIntegerField(), integer),
    ),
    descends=False,
)


@require_GET
@role_required(*ROLES)
def store_at(request: HttpRequest, name: str) -> HttpResponse:
    """What the store held, which decision made it so, and from when to when."""
    store = get_object_or_404(MemoryStore, name=name)
    asked = asked_of(store, request.GET)
    moment = asked.moment
    held = store.versions_at(moment.revision).select_related("decision__proposal")
    cursors = {side: request.GET.get(side, "") for side in ("after", "before")}
    context = {
        "store": store,
        "asked": asked,
        "moment": moment,
        "count": held.order_by().count(),
        "page": page_of(held.order_by(), _BY_PATH, size=PAGE, **cursors),
        "made_by": _published(store, moment.revision),
        "ended_by": _published(store, moment.revision + 1),
        "previous": moment.revision - 1 if moment.revision else None,
        "next": moment.revision + 1 if moment.revision < store.revision else None,
    }
    return render(request, "reviews/store_at.html", context)


def _published(store: MemoryStore, revision: int) -> MemoryVersion | None:
    versions = store.versions.defer("content").select_related("decision__proposal")
    return versions.filter(revision=revision).first()


@require_GET
@role_required(*ROLES)
def store_changes(request: HttpRequest, name: str) -> HttpResponse:
    """What is different at one moment from another, word by word; the last publication where none are named."""
    store = get_object_or_404(MemoryStore, name=name)
    second = asked_of(store, request.GET, "to", "to_at")
    first = asked_of(store, request.GET, "from", "from_at")
    if not {"from", "from_at"} & request.GET.keys():
        first = asked_of(store, {"from": str(max(0, second.moment.revision - 1))}, "from")
    ends = first.moment.revision, second.moment.revision
    changes = changes_between(store, *ends)
    counts = Counter(change.kind for change in changes)
    start = _place(request.GET.get("start", ""))
    context: dict[str, Any] = {
        "store": store,
        "first": first.moment,
        "second": second.moment,
        "errors": [asked.error for asked in (first, second) if asked.error],
        "changes": with_texts(changes[start : start + CHANGES], *ends),
        "counts": [(label, counts[kind]) for kind, label in KINDS.items() if counts[kind]],
        "next_start": start + CHANGES if start + CHANGES < len(changes) else None,
        "start": start,
    }
    return render(request, "reviews/store_changes.html", context)


def _place(text: str) -> int:
    try:
        return integer(text)
    except ValueError:
        return 0


@require_GET
@role_required(*ROLES)
def agent_memory(request: HttpRequest, slug: str) -> HttpResponse:
    """Which stores an agent read at a moment, and what it was served of each."""
    agent = get_object_or_404(Agent, slug=slug)
    text, now = request.GET.get("at", "").strip(), timezone.now()
    at = read_time(text) if text else now
    error = "" if at and at <= now else f"“{text}” is no time that has been. Write it like 2026-03-03T09:30, in UTC."
    at = at if at and at <= now else now
    context = {"agent": agent, "at": at, "asked": text, "error": error, "beliefs": beliefs_of(agent, at)}
    return render(request, "reviews/agent_memory.html", context)


@require_GET
@role_required(*ROLES)
def session_memory(request: HttpRequest, pk: int) -> HttpResponse:
    """Exactly which versions a session was served: for each read, those of it that no read before had served."""
    agent_session = get_object_or_404(Session.objects.select_related("agent"), pk=pk)
    reads = list(_reads(agent_session)[: MAX_READS + 1])
    known: dict[int, set[int]] = defaultdict(set)
    whole: dict[int, set[int]] = defaultdict(set)
    for read in reads[:MAX_READS]:
        held = read.store.versions_at(read.revision)
        at = dict(held.order_by().values_list("pk", "revision"))
        ids = {pk for pk, revision in at.items() if read.versions is None or revision in read.versions}
        new = ids - known[read.store_id]
        read.count, read.held, read.repeated = len(ids), len(at), len(ids) - len(new)
        read.shown = list(held.filter(pk__in=new).defer("content").select_related("decision")[:MAX_SHOWN])
        read.left_out = sorted(at[pk] for pk in new - {version.pk for version in read.shown})
        known[read.store_id] |= ids
        if read.versions is None:
            read.gone = len(whole[read.store_id] - ids)
            whole[read.store_id] = ids
    context = {"agent_session": agent_session, "reads": reads[:MAX_READS], "has_more": len(reads) > MAX_READS}
    return render(request, "reviews/session_memory.html", context)


def _reads(agent_session: Session) -> QuerySet[MemoryRead]:
    reads = agent_session.agent.memory_reads.filter(session_external_id=agent_session.external_id)
    return reads.select_related("store").order_by("at", "id")
