"""`manage.py people`: who has an account and which roles; `grant`, `revoke`, `deactivate` and `activate` change it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import people
from audit.actors import Actor
from audit.roles import ROLES, roles_of

ACTIONS: dict[str, Callable[..., User]] = {
    "grant": people.grant_role,
    "revoke": people.revoke_role,
    "deactivate": people.deactivate,
    "activate": people.activate,
}


class Command(BaseCommand):
    help = "List the accounts and their roles, or change one: people grant NAME --role reviewer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=["list", *ACTIONS], default="list")
        parser.add_argument("username", nargs="?")
        parser.add_argument("--role", choices=ROLES, help="which one, for grant and revoke")

    def handle(self, *, what: str, username: str | None, role: str | None, **_: Any) -> None:
        if what == "list":
            self._list()
            return
        takes_role = what in ("grant", "revoke")
        if not username or takes_role != bool(role):
            raise CommandError(f"Write: people {what} NAME{' --role ROLE' if takes_role else ''}")
        try:
            user_id = User.objects.get(username=username).pk
            arguments = {"role": role} if takes_role else {}
            user = ACTIONS[what](user_id=user_id, actor=Actor.system("command line"), **arguments)
        except User.DoesNotExist:
            raise CommandError(f"There is no user {username}.") from None
        except people.NotChanged as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(self._line(User.objects.get(pk=user.pk)))

    def _list(self) -> None:
        for user in User.objects.order_by("username"):
            self.stdout.write(self._line(user))

    def _line(self, user: User) -> str:
        state = ", ".join(sorted(roles_of(user))) or "no role" if user.is_active else "deactivated"
        seen = f"last log-in {user.last_login:%Y-%m-%d %H:%M} UTC" if user.last_login else "never logged in"
        return f"{user.username}: {state}; {seen}"
