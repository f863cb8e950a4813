"""`manage.py changepassword NAME`, in place of Django's own: nobody sets a password that they know for somebody else."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.accounts import give_start_password


class Command(BaseCommand):
    help = "Give a user a start password, printed once, which has to be changed at the next log-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **_: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        self.stdout.write(f"Start password, shown once: {give_start_password(user=user)}")
