"""`manage.py verify_audit`: recompute the hash chain of the record."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services import verify_chain


class Command(BaseCommand):
    help = "Check that no entry of the record was changed, removed or reordered."

    def handle(self, **_: Any) -> None:
        result = verify_chain()
        if result.error:
            raise CommandError(f"Entry {result.seq}: {result.error}. The {result.entries} entries before it are whole.")
        self.stdout.write(f"{result.entries} entries, all whole. Head {result.head}")
