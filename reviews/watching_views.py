"""Second looks in the browser: what the policy let through, to keep or to reverse."""

from functools import partial
from http import HTTPStatus

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.roles import REVIEWER, ROLES, has_role, role_required
from reviews.ballots import DecisionRefused
from reviews.models import Decision, SecondLook
from reviews.signing_forms import asked_of, request_of
from reviews.watching import keep, over_look, reverse

PAGE = 25


@require_GET
@role_required(*ROLES)
def second_looks(request: HttpRequest) -> HttpResponse:
    stances = {
        stance: Count("decision__proposal__evidence", filter=Q(decision__proposal__evidence__stance=stance))
        for stance in ("supports", "contradicts")
    }
    looks = SecondLook.objects.select_related("decision__proposal__store", "decision__version__memory", "reversal")
    waiting = looks.filter(state=SecondLook.State.WAITING)
    shown = list(waiting.annotate(**stances).order_by("pk")[:PAGE])
    for look in shown:
        look.signing = asked_of(request, look.decision.proposal.store, over_look(look.decision_id))
    context = {
        "looks": shown,
        "waiting_count": waiting.count(),
        "answered": looks.exclude(state=SecondLook.State.WAITING).order_by("-answered_at")[:PAGE],
        "may_decide": has_role(request.user, REVIEWER),
    }
    return render(request, "reviews/second_looks.html", context)


@require_POST
@role_required(REVIEWER)
def keep_decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    return _answered(request, decision_id, keep)


@require_POST
@role_required(REVIEWER)
def reverse_decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    return _answered(request, decision_id, partial(reverse, signing=request_of(request)))


def _answered(request: HttpRequest, decision_id: int, answer) -> HttpResponse:
    decision = get_object_or_404(Decision, pk=decision_id)
    try:
        look = answer(decision_id=decision_id, by=request.user, note=request.POST.get("note", "")[:1_000])
    except DecisionRefused as refusal:
        context = {"refusal": refusal, "proposal": decision.proposal}
        return render(request, "reviews/second_look_refused.html", context, status=HTTPStatus.CONFLICT)
    messages.success(request, _told(look))
    if request.POST.get("from") == "proposal":
        return redirect("reviews:proposal_detail", decision.proposal_id)
    return redirect("reviews:second_looks")


def _told(look: SecondLook) -> str:
    proposal = look.decision.proposal
    if look.reversal is None:
        return f"Kept {proposal.public_id}. Your second look is in the record."
    if look.reversal.is_open:
        return f"Two people are asked here: taking {look.decision.path} back waits as {look.reversal.public_id}."
    return f"Reversed {proposal.public_id}: {look.decision.path} is gone from {proposal.store.name}."
