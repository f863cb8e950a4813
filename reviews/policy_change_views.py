"""Loosenings that wait for a second admin."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.roles import ADMIN, ROLES, has_role, role_required
from memory.models import PolicyChange
from reviews.ballots import DecisionRefused, NotAllowed
from reviews.policy_changes import confirm_change, refuse_change

PAGE = 25


@require_GET
@role_required(*ROLES)
def policy_changes(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@role_required(ADMIN)
def confirm_policy_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _answered(request, pk, confirm_change)


@require_POST
@role_required(ADMIN)
def refuse_policy_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _answered(request, pk, refuse_change)


def _answered(request: HttpRequest, pk: int, act: Callable[..., PolicyChange]) -> HttpResponse:
    get_object_or_404(PolicyChange, pk=pk)
    try:
        change = act(change_id=pk, by=request.user, note=request.POST.get("note", ""))
    except DecisionRefused as refusal:
        status = HTTPStatus.FORBIDDEN if isinstance(refusal, NotAllowed) else HTTPStatus.CONFLICT
        return _page(request, str(refusal), status)
    if change.state == PolicyChange.State.MOVED:
        messages.error(request, f"{change.note} Nothing was done; propose it anew if it is still meant.")
    else:
        messages.success(request, f"The {change.about}: {change.get_state_display()}.")
    return redirect("reviews:policy_changes")


def _page(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    rows = PolicyChange.objects.select_related("agent", "store")
    pending = list(rows.filter(state=PolicyChange.State.PENDING))
    for change in pending:
        change.is_own = change.is_by(request.user)
    context = {
        "pending": pending,
        "answered": rows.exclude(state=PolicyChange.State.PENDING).order_by("-answered_at")[:PAGE],
        "may_change": has_role(request.user, ADMIN),
        "error": error,
    }
    return render(request, "reviews/policy_changes.html", context, status=status)
