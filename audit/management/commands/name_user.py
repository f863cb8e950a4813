"""`manage.py name_user NAME "Full Name"`: the full name of an account, which its signatures print."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.accounts import name_user


class Command(BaseCommand):
    help = "Give a user a full name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("full_name")

    def handle(self, *, username: str, full_name: str, **_: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        try:
            name_user(user=user, name=full_name)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{username} signs as {user.get_full_name()}.")
