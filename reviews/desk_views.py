"""What a person arranges for themselves: what is snoozed, and the views of the queue that they saved."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from audit.roles import REVIEWER, ROLES, role_required
from memory.models import Proposal
from reviews import queue as queues
from reviews import snoozing
from reviews.models import SavedView
from reviews.queue import Filters
from reviews.views import on_to_the_next

SAVED_VIEWS_LIMIT = 50


# docs/decisions/0008-fetched-ahead.md says what this may be used for.
SPECULATION = {"prefetch": [{"where": {"selector_matches": ".place a[rel=next]"}, "eagerness": "immediate"}]}


@require_GET
@cache_control(private=True, max_age=86_400)
def speculation(_request: HttpRequest) -> JsonResponse:
    """Open to all: it says nothing of anybody, and a browser may ask for it after the login has ended."""
    return JsonResponse(SPECULATION, content_type="application/speculationrules+json")


@require_POST
@role_required(REVIEWER)
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    proposal, filters = get_object_or_404(Proposal, pk=pk), Filters.read(request.POST)
    span = request.POST.get("span", "")
    if span not in snoozing.SPANS:
        messages.error(request, "Say for how long: an hour, until tomorrow, or until next week.")
        return redirect("reviews:proposal_detail", pk)
    if not proposal.is_open:
        messages.error(request, f"{proposal.public_id} is not open any more: {proposal.get_status_display()}.")
        return redirect("reviews:proposal_detail", pk)
    row = snoozing.snooze(proposal=proposal, user=request.user, span=span)
    said = format_html(
        'Snoozed <a href="{}">{}</a> until {} UTC. It waits for you under <a href="{}?tab=others">Waits for others</a>.',
        reverse("reviews:proposal_detail", args=[pk]),
        proposal.public_id,
        f"{row.until:%d %b %H:%M}".lstrip("0"),
        reverse("reviews:queue"),
    )
    messages.success(request, said, extra_tags="snoozed")
    return on_to_the_next(request, proposal, filters)


@require_POST
@role_required(REVIEWER)
def unsnooze(request: HttpRequest, pk: int) -> HttpResponse:
    proposal, filters = get_object_or_404(Proposal, pk=pk), Filters.read(request.POST)
    snoozing.wake(proposal=proposal, user=request.user)
    messages.success(request, f"{proposal.public_id} is back in your queue.")
    address = reverse("reviews:proposal_detail", args=[pk])
    return redirect(f"{address}?{filters.query}" if filters.query else address)


@require_POST
@role_required(*ROLES)
def save_view(request: HttpRequest) -> HttpResponse:
    name, query = request.POST.get("name", "").strip()[:60], queues.address_of(request.POST.get("query", ""))
    views = SavedView.objects.filter(user=request.user)
    if not name:
        messages.error(request, "Give the view a name.")
    elif len(query) > 1_000:
        messages.error(request, "The address of this view is too long to save.")
    elif views.count() >= SAVED_VIEWS_LIMIT and not views.filter(name=name).exists():
        messages.error(request, f"You have {SAVED_VIEWS_LIMIT} saved views. Delete one first.")
    else:
        SavedView.objects.update_or_create(user=request.user, name=name, defaults={"query": query})
        messages.success(request, f"Saved as {name}.")
    return redirect(f"{reverse('reviews:queue')}?{query}")


@require_POST
@role_required(*ROLES)
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pk=pk, user=request.user)
    view.delete()
    messages.success(request, f"Deleted the view {view.name}.")
    return redirect("reviews:queue")
