"""The stop button of a store, for admins and reviewers: whoever sees it go wrong first."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from audit.actors import Actor
from audit.roles import ADMIN, REVIEWER, role_required
from memory.models import MemoryStore
from memory.stopping import BadStop, resume_store, stop_store


@require_POST
@role_required(ADMIN, REVIEWER)
def stop_publishing(request: HttpRequest, name: str) -> HttpResponse:
    store = get_object_or_404(MemoryStore, name=name)
    try:
        stop_store(
            store_id=store.pk,
            actor=Actor.user(request.user),
            reason=request.POST.get("reason", ""),
            served_revision=_revision(request.POST.get("serve", "")),
        )
    except BadStop as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Publishing in {name} is stopped. Agents are served so from their next read on.")
    return redirect("reviews:store_detail", name)


@require_POST
@role_required(ADMIN, REVIEWER)
def resume_publishing(request: HttpRequest, name: str) -> HttpResponse:
    store = get_object_or_404(MemoryStore, name=name)
    try:
        resume_store(store_id=store.pk, actor=Actor.user(request.user), reason=request.POST.get("reason", ""))
    except BadStop as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Publishing in {name} goes on; agents get the newest revision again.")
    return redirect("reviews:store_detail", name)


def _revision(chosen: str) -> int | None:
    """The revision chosen; none for the newest. Raises `BadStop`."""
    if not chosen:
        return None
    if not (chosen.isascii() and chosen.isdecimal() and len(chosen) < 19):
        raise BadStop("That is no revision; choose one from the list.")
    return int(chosen)
