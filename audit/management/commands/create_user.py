"""`manage.py create_user NAME --role reviewer`: the only way to make an account; there is no sign-up."""

import os
import secrets
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit.actors import Actor
from audit.roles import ROLES
from audit.services import record


class Command(BaseCommand):
    help = "Create a user with a role. The password is taken from DAYLIGHT_USER_PASSWORD, or made and printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=ROLES, action="append", required=True, dest="roles")
        parser.add_argument("--name", default="", help="full name, shown in the record")
        parser.add_argument("--email", default="")

    def handle(self, *, username: str, roles: list[str], name: str, email: str, **_: Any) -> None:
        given = os.environ.get("DAYLIGHT_USER_PASSWORD", "")
        password = given or secrets.token_urlsafe(12)
        try:
            create_user(username=username, roles=roles, name=name, email=email, password=password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Created {username} ({', '.join(roles)}).")
        if not given:
            self.stdout.write(f"Password, shown once: {password}")


@transaction.atomic
def create_user(*, username: str, roles: list[str], name: str, email: str, password: str) -> User:
    """Create the account and its audit entry. Raises `ValidationError` for a taken name or a weak password."""
    if User.objects.filter(username=username).exists():
        raise ValidationError(f"There is a user {username} already.")
    first_name, _, last_name = name.partition(" ")
    user = User(username=username, email=email, first_name=first_name, last_name=last_name)
    validate_password(password, user)
    user.set_password(password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    record(
        action="user.created",
        actor=Actor.system("command line"),
        subject=f"user:{user.pk}",
        data={"roles": sorted(roles)},
    )
    return user
