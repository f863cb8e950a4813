"""The re-review queue: what one person published where two are asked."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.roles import REVIEWER, ROLES, has_role, role_required
from memory.paths import InvalidMemory
from memory.services import Refused
from reviews import rereviews
from reviews.ballots import DecisionRefused, NotAllowed
from reviews.models import ReReview, Waiver
from reviews.together import NotDone

PAGE = 25


@require_GET
@role_required(*ROLES)
def re_reviews(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@role_required(REVIEWER)
def confirm_waived(request: HttpRequest, pk: int) -> HttpResponse:
    return _answered(request, pk, rereviews.confirm)


@require_POST
@role_required(REVIEWER)
def revert_waived(request: HttpRequest, pk: int) -> HttpResponse:
    return _answered(request, pk, rereviews.revert)


def _answered(request: HttpRequest, pk: int, act: Callable[..., ReReview]) -> HttpResponse:
    get_object_or_404(Waiver, pk=pk)
    note = request.POST.get("note", "")
    try:
        answer = act(waiver_id=pk, by=request.user, note=note)
    except (NotDone, DecisionRefused, Refused, InvalidMemory) as refusal:
        status = HTTPStatus.FORBIDDEN if isinstance(refusal, NotAllowed) else HTTPStatus.CONFLICT
        return _page(request, str(refusal), pk, note, status)
    if answer.reversal:
        messages.success(request, f"{answer.reversal.public_id} takes it back once it is approved.")
        return redirect("reviews:proposal_detail", answer.reversal_id)
    messages.success(request, "Confirmed. That you looked at it again is in the record.")
    return redirect("reviews:re_reviews")


def _page(request: HttpRequest, error: str = "", about: int = 0, note: str = "", status: int = 200) -> HttpResponse:
    rows = Waiver.objects.select_related("decision__proposal__store", "decision__version", "decision__signature")
    waiting = rows.waiting()
    context = {
        "waivers": waiting[:PAGE],
        "waiting_count": waiting.count(),
        "answered": rows.exclude(answer=None).select_related("answer__reversal").order_by("-answer__pk")[:PAGE],
        "may_decide": has_role(request.user, REVIEWER),
        "error": error,
        "about": about,
        "note": note,
    }
    return render(request, "reviews/re_reviews.html", context, status=status)
