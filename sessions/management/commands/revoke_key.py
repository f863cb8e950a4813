"""`manage.py revoke_key KEY_ID`: end a key at once. The id stands between the underscores: `dl_ID_…`"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import Actor
from sessions.models import ApiKey
from sessions.services import revoke_key


class Command(BaseCommand):
    help = "End an API key at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key_id", metavar="KEY_ID", help="what stands between the underscores: dl_ID_…")

    def handle(self, *, key_id: str, **_: Any) -> None:
        key = ApiKey.objects.select_related("agent").filter(public_id=key_id).first()
        if key is None:
            raise CommandError(f"There is no key {key_id[:40]}. Give its id, not its secret.")
        done = revoke_key(key=key, by=Actor.system("command line"))
        self.stdout.write(f"{key} is revoked." if done else f"{key} was revoked already.")
