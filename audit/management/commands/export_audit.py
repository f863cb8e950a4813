"""`manage.py export_audit FOLDER`: the record to take away, with a verifier that needs nothing of ours."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import Actor
from audit.checkpoints import RecordMoved
from audit.exporting import export_record
from audit.signing import KeyMissing


class Command(BaseCommand):
    help = "Write the record, its checkpoints and a verifier into a new folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="must be empty or new")

    def handle(self, *, folder: Path, **_: Any) -> None:
        try:
            last = export_record(folder, actor=Actor.system("command line"))
        except (FileExistsError, RecordMoved, KeyMissing) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{last.size} entries in {folder}. Check them there with: python3 verify.py")
