"""`manage.py import_memory DIR --store NAME --by USER --reason TEXT`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import Actor
from audit.roles import REVIEWER, has_role
from memory.models import MemoryStore
from memory.services import create_store
from reviews.imports import import_memory


class Command(BaseCommand):
    help = "Bring in existing memory files as decided versions, in the name of a reviewer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)
        parser.add_argument("--store", required=True)
        parser.add_argument("--by", required=True, help="username of the reviewer who answers for it")
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--accept-flags", action="store_true", help="take texts that look suspicious; never ones with a secret"
        )
        parser.add_argument("--json", action="store_true")

    def handle(
        self, *, folder: Path, store: str, by: str, reason: str, accept_flags: bool, json: bool, **_: Any
    ) -> None:
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        if not reason.strip():
            raise CommandError("Give a reason: it stands in the record as why these texts are believed.")
        reviewer = User.objects.filter(username=by, is_active=True).first()
        if reviewer is None or not has_role(reviewer, REVIEWER):
            raise CommandError(f"{by} is not an active user with the role reviewer. Only reviewers decide.")
        report = import_memory(
            folder=folder, store=_store(store), by=reviewer, reason=reason, accept_flags=accept_flags
        )
        if json:
            self.stdout.write(_as_json(asdict(report)))
        else:
            self.stdout.write(
                f"{len(report.created)} created, {len(report.updated)} updated, {len(report.unchanged)} unchanged."
            )
            for path, flags in report.flagged:
                self.stdout.write(f"{path} went in flagged: {', '.join(flags)}.")
        for file, why in report.refused:
            self.stderr.write(f"{file}: {why}")
        if report.refused:
            raise CommandError(f"{len(report.refused)} files were refused; the others are in.")


def _store(name: str) -> MemoryStore:
    try:
        return MemoryStore.objects.filter(name=name).first() or create_store(name=name, actor=Actor.system("import"))
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error


def _as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=2)
