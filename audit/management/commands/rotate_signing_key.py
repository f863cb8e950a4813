"""`manage.py rotate_signing_key`: sign checkpoints with a new key, vouched for by the old one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.actors import Actor
from audit.checkpoints import rotate_key
from audit.signing import KeyMissing


class Command(BaseCommand):
    help = "Make a new signing key, let the old one vouch for it, and sign with it from now on."

    def handle(self, **_: Any) -> None:
        try:
            row = rotate_key(actor=Actor.system("command line"))
        except KeyMissing as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Checkpoints are signed by {row.key_id} now; {row.signed_by} vouches for it.")
