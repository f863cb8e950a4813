"""Reviewer, admin, auditor: three Django groups. No role implies another, and a superuser has none of them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

REVIEWER = "reviewer"
ADMIN = "admin"
AUDITOR = "auditor"
ROLES = (REVIEWER, ADMIN, AUDITOR)

View = Callable[..., HttpResponseBase]


def roles_of(user: User | AnonymousUser) -> frozenset[str]:
    """The user's roles, asked of the database once per user object; an inactive user has none."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if not hasattr(user, "_daylight_roles"):
        names = user.groups.filter(name__in=ROLES).values_list("name", flat=True)
        user._daylight_roles = frozenset(names)
    return user._daylight_roles


def has_role(user: User | AnonymousUser, *roles: str) -> bool:
    return not roles_of(user).isdisjoint(roles)


def role_required(*roles: str) -> Callable[[View], View]:
    """Let a signed-in user with one of `roles` in; send anonymous users to the log-in, refuse the others (403)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not has_role(request.user, *roles):
                raise PermissionDenied(f"This needs the role {' or '.join(roles)}.")
            return view(request, *args, **kwargs)

        checked.roles = roles
        return login_required(checked)

    return decorate


def ensure_groups(**_: Any) -> None:
    """The groups exist after every `migrate`."""
    for role in ROLES:
        Group.objects.get_or_create(name=role)
