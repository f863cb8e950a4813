"""What a proposal page tells about its reading, and what it holds back at first."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from audit.roles import REVIEWER, role_required
from memory.models import Proposal
from reviews.queue import Filters
from reviews.reading import add_time, reveal

MOST_SECONDS = 12 * 3600


@require_POST
@role_required(REVIEWER)
def show_rationale(request: HttpRequest, pk: int) -> HttpResponse:
    proposal, filters = get_object_or_404(Proposal, pk=pk), Filters.read(request.POST)
    reveal(proposal, request.user)
    address = reverse("reviews:proposal_detail", args=[pk])
    return redirect(f"{address}?{filters.query}#why" if filters.query else f"{address}#why")


@require_POST
@role_required(REVIEWER)
def note_reading(request: HttpRequest, pk: int) -> HttpResponse:
    """Sent by static/reading.js when the page leaves the view. Without JavaScript the time is not known."""
    proposal = get_object_or_404(Proposal.objects.select_related("store"), pk=pk)
    add_time(
        proposal=proposal,
        user=request.user,
        seconds=_number(request.POST.get("seconds", "")),
        evidence=_number(request.POST.get("evidence", "")),
    )
    return HttpResponse(status=204)


def _number(text: str) -> int:
    return min(int(text), MOST_SECONDS) if text.isascii() and text.isdigit() and len(text) < 9 else 0
