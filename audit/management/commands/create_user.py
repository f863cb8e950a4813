"""`manage.py create_user NAME --role reviewer`: the only way to make an account; there is no sign-up."""

import os
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.accounts import create_user
from audit.roles import ROLES


class Command(BaseCommand):
    help = (
        "Create a user with a role. The start password is taken from DAYLIGHT_USER_PASSWORD, or made and printed once;"
        " its owner has to change it at the first log-in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=ROLES, action="append", required=True, dest="roles")
        parser.add_argument("--name", default="", help="full name, shown in the record and printed by signatures")
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
            self.stdout.write(f"Start password, shown once: {password}")
