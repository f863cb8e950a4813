"""Who may do what: roles given and taken, accounts closed and opened again, each with its audit entry."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction

from audit.actors import Actor
from audit.roles import ADMIN, ROLES, has_role
from audit.services import record


class NotChanged(ValueError):
    """It stays as it is; the message says why."""


@transaction.atomic
def grant_role(*, user_id: int, role: str, actor: Actor) -> User:
    """Give the role. Raises `NotChanged`; `User.DoesNotExist`."""
    user = _locked(user_id, actor)
    _check_role(role)
    if user.groups.filter(name=role).exists():
        raise NotChanged(f"{user.username} is {role} already.")
    user.groups.add(Group.objects.get(name=role))
    _record("role.granted", user, actor, role=role)
    return user


@transaction.atomic
def revoke_role(*, user_id: int, role: str, actor: Actor) -> User:
    """Take the role; it counts from the next request on. Raises `NotChanged`; `User.DoesNotExist`."""
    user = _locked(user_id, actor)
    _check_role(role)
    if not user.groups.filter(name=role).exists():
        raise NotChanged(f"{user.username} is not {role}.")
    if role == ADMIN:
        _check_not_last_admin(user)
    user.groups.remove(Group.objects.get(name=role))
    _record("role.revoked", user, actor, role=role)
    return user


@transaction.atomic
def deactivate(*, user_id: int, actor: Actor) -> User:
    """Close the account: it is signed out everywhere and has no role. What it did stays under its name.

    Raises `NotChanged`; `User.DoesNotExist`.
    """
    user = _locked(user_id, actor)
    if not user.is_active:
        raise NotChanged(f"{user.username} is deactivated already.")
    _check_not_last_admin(user)
    return _switched(user, actor, is_active=False)


@transaction.atomic
def activate(*, user_id: int, actor: Actor) -> User:
    """Open the account again, with the roles that it had. Raises `NotChanged`; `User.DoesNotExist`."""
    user = _locked(user_id, actor)
    if user.is_active:
        raise NotChanged(f"{user.username} is active already.")
    return _switched(user, actor, is_active=True)


def _switched(user: User, actor: Actor, *, is_active: bool) -> User:
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    _record("user.activated" if is_active else "user.deactivated", user, actor)
    return user


def _locked(user_id: int, actor: Actor) -> User:
    """The user, when `actor` may change them: an admin, and not themselves.

    One change at a time: of two admins who remove each other, one stays.
    """
    Group.objects.select_for_update(no_key=True).get(name=ADMIN)
    if actor.kind == "user":
        if actor.id == str(user_id):
            raise NotChanged("Nobody changes their own account here. Another admin does it.")
        if not has_role(User.objects.get(pk=actor.id), ADMIN):
            raise NotChanged("Only an admin does that.")
    return User.objects.select_for_update(no_key=True).get(pk=user_id)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise NotChanged(f"{role!r} is no role; there are {', '.join(ROLES)}.")


def _check_not_last_admin(user: User) -> None:
    others = User.objects.filter(is_active=True, groups__name=ADMIN).exclude(pk=user.pk)
    if user.groups.filter(name=ADMIN).exists() and not others.exists():
        raise NotChanged(f"{user.username} is the last admin. Make somebody else one first.")


def _record(action: str, user: User, actor: Actor, **data: Any) -> None:
    roles = sorted(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
    record(action=action, actor=actor, subject=f"user:{user.pk}", data={**data, "roles": roles})
