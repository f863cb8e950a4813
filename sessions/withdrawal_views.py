"""Correcting a session's outcome, and keeping dreams from a poisoned one."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from audit.actors import Actor
from audit.roles import ADMIN, REVIEWER, role_required
from sessions.models import Session
from sessions.withdrawing import NotWithdrawn, correct_outcome, mark_poisoned


@require_POST
@role_required(ADMIN)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    agent_session, reason = get_object_or_404(Session, pk=pk), request.POST.get("reason", "")
    try:
        correct_outcome(
            session_id=pk, outcome=request.POST.get("outcome", ""), reason=reason, actor=Actor.user(request.user)
        )
    except NotWithdrawn as refusal:
        return _refused(request, agent_session, refusal, reason)
    messages.success(request, "Corrected. What was said before stays visible, and what rests on it is looked at again.")
    return redirect("agent_sessions:session_detail", pk)


@require_POST
@role_required(ADMIN, REVIEWER)
def poison(request: HttpRequest, pk: int) -> HttpResponse:
    agent_session, reason = get_object_or_404(Session, pk=pk), request.POST.get("reason", "")
    try:
        mark_poisoned(session_id=pk, reason=reason, actor=Actor.user(request.user))
    except NotWithdrawn as refusal:
        return _refused(request, agent_session, refusal, reason)
    messages.success(request, "Marked as poisoned. Dreams pass it by, and what rests on it is looked at again.")
    return redirect("agent_sessions:session_detail", pk)


def _refused(request: HttpRequest, agent_session: Session, refusal: NotWithdrawn, typed: str) -> HttpResponse:
    context = {"agent_session": agent_session, "refusal": refusal, "typed": typed}
    return render(request, "sessions/not_withdrawn.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
