"""Erasing content in the browser: find it, see what will happen, say why. Reviewers and auditors see what was erased.

What is searched for travels in forms alone: in an address it would stay in logs.
"""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audit.actors import Actor
from audit.holds import BadHold, lift_hold, set_hold
from audit.models import Erasure, LegalHold
from audit.roles import ADMIN, AUDITOR, ROLES, has_role, role_required
from memory.models import Evidence, MemoryStore, MemoryVersion, Proposal
from reviews.ballots import NotAllowed
from reviews.erasing import Moved, NotErased, erase, preview
from reviews.erasure_hits import Hits, NothingToErase
from reviews.erasure_places import CLEARED, DELETED, STRUCK
from reviews.models import Comment, Decision, Signature, Vote
from sessions.models import Session

PAGE = 50
SHOWN = 20
HOW = {"struck": "words struck, row stays", "cleared": "words taken out", "deleted": "deleted"}
BY_ID = (Erasure.Scope.VERSION, Erasure.Scope.SESSION)
BY_WORDS = (Erasure.Scope.PRINCIPAL, Erasure.Scope.TEXT)
BASES = [(value, label) for value, label in Erasure.LegalBasis.choices if value != Erasure.LegalBasis.RETENTION]


@require_GET
@role_required(*ROLES)
def erasures(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, status: int = 200, **said: object) -> HttpResponse:
    """What was erased, what is held; where to search, for an admin; where to hold, for an auditor."""
    rows = Erasure.objects.all()
    if (before := request.GET.get("before", "")).isdecimal():
        rows = rows.filter(pk__lt=int(before))
    shown = list(rows[: PAGE + 1])
    context = {
        "erasures": shown[:PAGE],
        "next_before": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "holds": LegalHold.objects.standing()[:PAGE],
        "lifted": LegalHold.objects.exclude(lifted_at=None)[:PAGE],
        "stores": MemoryStore.objects.all(),
        "kinds": LegalHold.Kind.choices,
        "may_erase": has_role(request.user, ADMIN),
        "may_hold": has_role(request.user, AUDITOR),
        **said,
    }
    return render(request, "reviews/erasures.html", context, status=status)


@require_GET
@role_required(ADMIN)
def erase_row(request: HttpRequest, scope: str, pk: int) -> HttpResponse:
    """What erasing this version or session would take."""
    if scope not in BY_ID:
        raise Http404("There is nothing of that kind to erase.")
    return _preview(request, scope, str(pk))


@require_POST
@role_required(ADMIN)
def search_to_erase(request: HttpRequest) -> HttpResponse:
    scope, subject = request.POST.get("scope", ""), request.POST.get("subject", "")
    if scope not in BY_WORDS:
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, nothing="Choose what to search by.", asked=subject)
    return _preview(request, scope, subject)


def _preview(request: HttpRequest, scope: str, subject: str, status: int = 200, **said: object) -> HttpResponse:
    try:
        found = preview(scope=scope, subject=subject)
    except NothingToErase as nothing:
        return _page(
            request, HTTPStatus.UNPROCESSABLE_ENTITY, nothing=nothing, asked=subject if scope in BY_WORDS else ""
        )
    context = {
        "found": found,
        "kinds": _kinds(found.hits),
        "scope": scope,
        "subject": subject,
        "bases": BASES,
        "by_id": scope in BY_ID,
        **said,
    }
    return render(request, "reviews/erase.html", context, status=HTTPStatus.CONFLICT if found.is_blocked else status)


def _kinds(hits: Hits) -> list[dict[str, object]]:
    """Each kind of row: how many, what becomes of them, and where the first ones are."""
    kinds: dict[str, dict[str, object]] = {}
    for place in (*STRUCK, *CLEARED, *DELETED):
        ids = sorted(hits.of(place.table))
        if ids:
            kind = kinds.setdefault(
                place.label, {"label": place.label, "how": HOW[place.how], "number": 0, "links": []}
            )
            kind["number"] += len(ids)
            kind["links"] += _links(place.table, ids[:SHOWN])
    return list(kinds.values())


def _links(table: type, ids: list[int]) -> list[tuple[str, str]]:
    """Address and name of each row that has a page, or lies on one."""
    rows = table._default_manager.filter(pk__in=ids).order_by("pk")
    if table is Session:
        return [(reverse("agent_sessions:session_detail", args=[pk]), f"session {pk}") for pk in ids]
    if table is MemoryVersion:
        return [(f"{reverse('reviews:memory_detail', args=[row.memory_id])}#r{row.revision}", str(row)) for row in rows]
    if table is Proposal:
        return [(reverse("reviews:proposal_detail", args=[pk]), f"prop_{pk}") for pk in ids]
    if table in (Evidence, Comment, Decision, Vote, Signature):
        abouts = sorted(set(rows.values_list("proposal", flat=True)))
        return [(reverse("reviews:proposal_detail", args=[pk]), f"on prop_{pk}") for pk in abouts]
    return []


@require_POST
@role_required(ADMIN)
def erase_now(request: HttpRequest) -> HttpResponse:
    said = {name: request.POST.get(name, "") for name in ("scope", "subject", "seen", "legal_basis", "reason")}
    if said["scope"] not in (*BY_ID, *BY_WORDS) or (said["scope"] in BY_ID and not _is_id(said["subject"])):
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, nothing="Choose what to erase.")
    try:
        erasure = erase(by=request.user, **said)
    except (NothingToErase, NotErased, NotAllowed) as refusal:
        status = HTTPStatus.CONFLICT if isinstance(refusal, Moved) else HTTPStatus.UNPROCESSABLE_ENTITY
        typed = {name: said[name] for name in ("legal_basis", "reason")}
        return _preview(request, said["scope"], said["subject"], status, refusal=refusal, typed=typed)
    messages.success(request, f"Erased. The rows stay and say so; erasure {erasure.pk} is in the record.")
    return redirect("reviews:erasures")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


@require_POST
@role_required(AUDITOR)
def hold(request: HttpRequest) -> HttpResponse:
    kind = request.POST.get("kind", "")
    subject = request.POST.get("store" if kind == LegalHold.Kind.STORE else "subject", "")
    try:
        _check_is_there(kind, subject)
        set_hold(kind=kind, subject=subject, reason=request.POST.get("reason", ""), actor=Actor.user(request.user))
    except BadHold as refusal:
        typed = request.POST.get("reason", "")
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, hold_refusal=refusal, typed=typed, held=subject)
    messages.success(request, "Held. Nothing of it is erased until an auditor lifts the hold.")
    return redirect("reviews:erasures")


def _check_is_there(kind: str, subject: str) -> None:
    """A hold on nothing would keep nothing. A principal may be held before a session names it."""
    tables = {LegalHold.Kind.STORE: MemoryStore, LegalHold.Kind.SESSION: Session}
    if kind in tables and not (_is_id(subject) and tables[kind].objects.filter(pk=subject).exists()):
        raise BadHold(f"There is no {LegalHold.Kind(kind).label} {subject}.")


@require_POST
@role_required(AUDITOR)
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(LegalHold, pk=pk)
    try:
        lift_hold(hold_id=pk, reason=request.POST.get("reason", ""), actor=Actor.user(request.user))
    except BadHold as refusal:
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, hold_refusal=refusal)
    messages.success(request, "Lifted. It can be erased again.")
    return redirect("reviews:erasures")
