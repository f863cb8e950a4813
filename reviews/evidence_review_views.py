"""Evidence withdrawn: the live memories that rest on it, for a reviewer to look at again."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.roles import REVIEWER, ROLES, has_role, role_required
from memory.models import Evidence, Proposal
from memory.paths import InvalidMemory
from memory.services import Refused
from reviews.ballots import DecisionRefused
from reviews.evidence_reviewing import propose_change, say_it_stands, waiting
from reviews.models import EvidenceReview
from reviews.together import NotDone

PAGE = 50


@require_GET
@role_required(*ROLES)
def evidence_withdrawn(request: HttpRequest) -> HttpResponse:
    rows = EvidenceReview.objects.select_related("memory__store", "memory__head__decision__proposal", "proposal")
    rows = rows.prefetch_related("causes__session__agent")
    shown = list(rows.filter(pk__in=waiting())[:PAGE])
    for row in shown:
        row.left = _left(row)
    context = {
        "waiting": shown,
        "waiting_count": waiting().count(),
        "closed": rows.exclude(state=EvidenceReview.State.WAITING).order_by("-closed_at")[:PAGE],
        "stale": _stale()[:PAGE],
        "may_decide": has_role(request.user, REVIEWER),
    }
    return render(request, "reviews/evidence_withdrawn.html", context)


def _left(row: EvidenceReview) -> tuple[int, int]:
    """How many sessions that support the memory can still be relied on, of how many."""
    supports = Evidence.objects.filter(
        stance=Evidence.Stance.SUPPORTS, proposal__decision__version__memory=row.memory_id
    )
    sessions = set(supports.values_list("session_id", flat=True))
    return len(sessions - {cause.session_id for cause in row.causes.all()}), len(sessions)


def _stale():
    """Proposals that wait, but lost evidence."""
    return Proposal.objects.filter(
        status=Proposal.Status.STALE, status_reason__startswith="Evidence was withdrawn"
    ).select_related("store")


@require_POST
@role_required(REVIEWER)
def still_stands(request: HttpRequest, pk: int) -> HttpResponse:
    return _closed(request, pk, lambda reason: say_it_stands(evidence_review_id=pk, by=request.user, reason=reason))


@require_POST
@role_required(REVIEWER)
def change_it(request: HttpRequest, pk: int) -> HttpResponse:
    change = request.POST.get("change", "")
    return _closed(
        request, pk, lambda reason: propose_change(evidence_review_id=pk, by=request.user, reason=reason, change=change)
    )


def _closed(request: HttpRequest, pk: int, close) -> HttpResponse:
    row, reason = get_object_or_404(EvidenceReview, pk=pk), request.POST.get("reason", "")
    try:
        closed = close(reason)
    except (NotDone, DecisionRefused, Refused, InvalidMemory) as refusal:
        context = {"row": row, "refusal": refusal, "typed": reason}
        return render(request, "reviews/evidence_review_refused.html", context, status=HTTPStatus.CONFLICT)
    if closed.proposal:
        messages.success(
            request, f"Proposed as {closed.proposal.public_id}. Agents read the memory until it is approved."
        )
        return redirect("reviews:proposal_detail", closed.proposal_id)
    messages.success(request, "It still stands. Your reason is in the record.")
    return redirect("reviews:evidence_withdrawn")
