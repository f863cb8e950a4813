"""Memory and its history: what is live, since when, by whose decision and why; and the record itself."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.actions import ACTIONS
from audit.actors import Actor
from audit.models import Entry
from audit.roles import ADMIN, REVIEWER, ROLES, has_role, role_required
from dreaming.forms import NewStoreForm
from memory.models import Memory, MemoryStore, MemoryVersion, Proposal
from memory.services import create_store
from reviews import ageing
from reviews.blind import uncovered
from reviews.diffs import diff
from reviews.models import ReviewSettings

PAGE = 50


@require_GET
@role_required(*ROLES)
def stores(request: HttpRequest) -> HttpResponse:
    return _stores_page(request, NewStoreForm())


@require_POST
@role_required(ADMIN)
def new_store(request: HttpRequest) -> HttpResponse:
    form = NewStoreForm(request.POST)
    if not form.is_valid():
        return _stores_page(request, form, status=422)
    store = create_store(name=form.cleaned_data["name"], actor=Actor.user(request.user))
    messages.success(request, f"The store {store.name} is there. Attach agents to it on their pages.")
    return redirect("reviews:store_detail", store.name)


def _stores_page(request: HttpRequest, form: NewStoreForm, status: int = 200) -> HttpResponse:
    context = {
        "stores": MemoryStore.objects.with_open_counts().prefetch_related("agents"),
        "form": form,
        "may_change": has_role(request.user, ADMIN),
    }
    return render(request, "reviews/stores.html", context, status=status)


@require_GET
@role_required(*ROLES)
def store_detail(request: HttpRequest, name: str) -> HttpResponse:
    """What agents read now, and every publication, newest first."""
    store = get_object_or_404(MemoryStore.objects.with_open_counts(), name=name)
    settings = ReviewSettings.of(store)
    versions = _decided(store.versions.all())
    before = request.GET.get("before", "")
    if before.isdecimal():
        versions = versions.filter(revision__lt=int(before))
    shown = list(versions[: PAGE + 1])
    context = {
        "store": store,
        "gated": store.is_gated(),
        "agents": store.agents.all(),
        "served": store.served_versions().select_related("decision"),
        "settings": settings,
        "late_count": ageing.late(store, settings).count(),
        "may_stop": has_role(request.user, ADMIN, REVIEWER),
        "revisions": store.versions.defer("content")[:PAGE],
        "versions": shown[:PAGE],
        "next_before": shown[PAGE - 1].revision if len(shown) > PAGE else None,
    }
    return render(request, "reviews/store_detail.html", context)


@require_GET
@role_required(*ROLES)
def memory_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One memory: every version with who, when, why, and what it changed."""
    memory = get_object_or_404(Memory.objects.select_related("store", "head"), pk=pk)
    versions = list(_decided(memory.versions.all()))
    for newer, older in zip(versions, [*versions[1:], None], strict=True):
        newer.changes = diff(older.content if older else "", newer.content)
    waiting = Proposal.objects.open().touching(store_id=memory.store_id, paths=[memory.path], memory_id=memory.pk)
    context = {
        "memory": memory,
        "versions": versions,
        "waiting": waiting,
        "is_live": memory.head_id is not None,
        "may_erase": has_role(request.user, ADMIN),
    }
    return render(request, "reviews/memory_detail.html", context)


def _decided(versions: QuerySet[MemoryVersion]) -> QuerySet[MemoryVersion]:
    return versions.select_related("memory", "decision__proposal")


FILTERS = ("action", "store", "subject", "act")


@require_GET
@role_required(*ROLES)
def entries(request: HttpRequest) -> HttpResponse:
    """The record, newest first, a page at a time by sequence."""
    chosen = {name: value for name in (*FILTERS, "actor") if (value := request.GET.get(name, "").strip())}
    rows = uncovered(_matching(chosen), request.user)
    if (before := request.GET.get("before", "")).isdecimal():
        rows = rows.filter(seq__lt=int(before))
    shown = list(rows[: PAGE + 1])
    context = {
        "entries": shown[:PAGE],
        "next_before": shown[PAGE - 1].seq if len(shown) > PAGE else None,
        "actions": ACTIONS,
        "stores": MemoryStore.objects.values_list("name", flat=True),
        "chosen": chosen,
    }
    return render(request, "reviews/entries.html", context)


def _matching(chosen: dict[str, str]) -> QuerySet[Entry]:
    """The entries with the values chosen; an act that is no UUID matches nothing."""
    rows = Entry.objects.all()
    if "act" in chosen:
        try:
            UUID(chosen["act"])
        except ValueError:
            return rows.none()
    if actor := chosen.get("actor"):
        rows = rows.filter(Q(actor_name__icontains=actor) | Q(actor_id=actor))
    return rows.filter(**{name: chosen[name] for name in FILTERS if name in chosen})
