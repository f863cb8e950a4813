"""People: who has which role. Admins change it, though not their own; auditors read it. Nobody sets a password here."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit import people as accounts
from audit.actions import ACTIONS
from audit.actors import Actor
from audit.models import Entry
from audit.roles import ADMIN, AUDITOR, ROLES, has_role, role_required

ENTRIES_SHOWN = 20
ABOUT_PEOPLE = [name for name in ACTIONS if name.startswith(("user.", "role.", "login.", "second_factor."))]


@require_GET
@role_required(ADMIN, AUDITOR)
def people(request: HttpRequest) -> HttpResponse:
    users = list(User.objects.order_by("-is_active", "username").prefetch_related("groups"))
    for user in users:
        names = {group.name for group in user.groups.all()}
        user.roles_held = [(role, role in names) for role in ROLES]
    context = {
        "people": users,
        "may_change": has_role(request.user, ADMIN),
        "entries": Entry.objects.filter(action__in=ABOUT_PEOPLE)[:ENTRIES_SHOWN],
    }
    return render(request, "reviews/people.html", context)


@require_POST
@role_required(ADMIN)
def grant_role(request: HttpRequest, pk: int) -> HttpResponse:
    role = request.POST.get("role", "")
    return _changed(request, pk, accounts.grant_role, f"is {role} now.", role=role)


@require_POST
@role_required(ADMIN)
def revoke_role(request: HttpRequest, pk: int) -> HttpResponse:
    role = request.POST.get("role", "")
    return _changed(request, pk, accounts.revoke_role, f"is not {role} any more.", role=role)


@require_POST
@role_required(ADMIN)
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    return _changed(request, pk, accounts.deactivate, "is deactivated and signed out. The record keeps the name.")


@require_POST
@role_required(ADMIN)
def activate(request: HttpRequest, pk: int) -> HttpResponse:
    return _changed(request, pk, accounts.activate, "can sign in again, with the roles as before.")


def _changed(request: HttpRequest, pk: int, change: Callable[..., User], said: str, **arguments: str) -> HttpResponse:
    get_object_or_404(User, pk=pk)
    try:
        user = change(user_id=pk, actor=Actor.user(request.user), **arguments)
    except accounts.NotChanged as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{user.username} {said}")
    return redirect("reviews:people")
