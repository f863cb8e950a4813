"""Accounts as admins make them: nobody but its owner knows the password of one for longer than its first log-in."""

import secrets

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.actors import Actor
from audit.models import StartPassword
from audit.services import record

COMMAND_LINE = Actor.system("command line")


@transaction.atomic
def create_user(*, username: str, roles: list[str], name: str, email: str, password: str, start: bool = True) -> User:
    """Create the account and its audit entry; its owner changes a start password at the first log-in.

    Raises `ValidationError` for a taken name or a weak password.
    """
    if User.objects.filter(username=username).exists():
        raise ValidationError(f"There is a user {username} already.")
    user = User(username=username, email=email)
    _name(user, name)
    validate_password(password, user)
    user.set_password(password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    if start:
        StartPassword.objects.create(user=user)
    record(action="user.created", actor=COMMAND_LINE, subject=f"user:{user.pk}", data={"roles": sorted(roles)})
    return user


@transaction.atomic
def give_start_password(*, user: User) -> str:
    """A password that is shown once and changed at the next log-in. Ends every session of the account."""
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    StartPassword.objects.get_or_create(user=user)
    record(action="user.password_reset", actor=COMMAND_LINE, subject=f"user:{user.pk}")
    return password


@transaction.atomic
def change_own_password(*, user: User, password: str) -> None:
    """By its owner, who gave the old one. From then on it is theirs alone. The view around it writes the entry."""
    user.set_password(password)
    user.save(update_fields=["password"])
    StartPassword.objects.filter(user=user).delete()


@transaction.atomic
def name_user(*, user: User, name: str) -> None:
    """The full name, as signatures print it from now on. Raises `ValidationError` for none."""
    if not name.strip():
        raise ValidationError("Give the full name, as signatures will print it.")
    _name(user, name.strip())
    user.save(update_fields=["first_name", "last_name"])
    record(action="user.named", actor=COMMAND_LINE, subject=f"user:{user.pk}")


def has_start_password(user: User) -> bool:
    return StartPassword.objects.filter(user_id=user.pk).exists()


def _name(user: User, name: str) -> None:
    user.first_name, _, user.last_name = name.partition(" ")
