"""Memory and its history: what is live, since when, by whose decision and why; and the record itself."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.actors import Actor
from audit.roles import ADMIN, REVIEWER, ROLES, has_role, role_required
from dreaming.forms import NewStoreForm
from memory.models import Memory, MemoryStore, MemoryVersion, Proposal
from memory.services import create_store
from reviews import ageing
from reviews.diffs import diff
from reviews.models import ReviewSettings
from reviews.texts import text_of

PAGE = 50
VERSIONS = 20


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
    """One memory: its versions with who, when, why, and what each changed, newest first."""
    memory = get_object_or_404(Memory.objects.select_related("store", "head"), pk=pk)
    versions = _decided(memory.versions.order_by("-revision"))
    before = request.GET.get("before", "")
    if before.isdecimal():
        versions = versions.filter(revision__lt=int(before))
    some = list(versions[: VERSIONS + 1])
    versions, older = some[:VERSIONS], some[VERSIONS:]
    for newer, earlier in zip(versions, [*versions[1:], *(older or [None])], strict=True):
        newer.changes = diff(text_of(earlier), text_of(newer))
        newer.against_erased = earlier is not None and earlier.is_erased
    waiting = Proposal.objects.open().touching(store_id=memory.store_id, paths=[memory.path], memory_id=memory.pk)
    context = {
        "memory": memory,
        "versions": versions,
        "next_before": versions[-1].revision if older else None,
        "waiting": waiting,
        "is_live": memory.head_id is not None,
        "may_erase": has_role(request.user, ADMIN),
    }
    return render(request, "reviews/memory_detail.html", context)


def _decided(versions: QuerySet[MemoryVersion]) -> QuerySet[MemoryVersion]:
    return versions.select_related("memory", "decision__proposal", "decision__signature", "decision__waiver")
