"""`manage.py verify_audit`: recompute the record, and compare it with its signed checkpoints."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.checkpoints import witnessed
from audit.models import SigningKey
from audit.salts import all_matches
from audit.verifying import verify_record


class Command(BaseCommand):
    help = "Check that no entry of the record was changed, removed, reordered or cut off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--witness",
            type=Path,
            metavar="FILE",
            help="checkpoints that an agent kept, one Daylight-Checkpoint a line",
        )
        parser.add_argument(
            "--words",
            action="store_true",
            help="Check as well that the database holds the words that entries are about",
        )

    def handle(self, *, witness: Path | None, words: bool, **_: Any) -> None:
        if witness and not witness.exists():
            raise CommandError(f"There is no file {witness}.")
        result = verify_record(witnesses=witnessed(witness) if witness else ())
        if result.error:
            raise CommandError(f"Entry {result.seq}: {result.error}. The {result.entries} entries before it are whole.")
        self.stdout.write(f"{result.entries} entries, all whole. Head {result.head}")
        if result.covered:
            key = SigningKey.objects.order_by("created_at").first()
            self.stdout.write(
                f"Entries 1 to {result.covered} are proven by signed checkpoints (first key {key}); the "
                f"{result.entries - result.covered} after them by the chain alone."
            )
        else:
            self.stdout.write("There is no checkpoint yet: entries cut off at the end would not be seen.")
        if words:
            self._check_words()

    def _check_words(self) -> None:
        said: Counter[str] = Counter()
        for entry, match in all_matches():
            said[match] += 1
            if match == "differs":
                raise CommandError(
                    f"Entry {entry.seq}: what the database holds of {entry.subject} is not what it was then."
                )
        self.stdout.write(f"The words of {said['matches']} entries match what the database holds.")
        self.stdout.write(f"Those of {said['erased']} were erased.")
