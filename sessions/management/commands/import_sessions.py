"""`manage.py import_sessions PATH… --store NAME [--agent SLUG] [--all] [--json]`"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from audit.actors import Actor
from sessions.importing import ImportReport, import_files
from sessions.models import slug_validator
from sessions.pipeline import WorkerDiedError
from sessions.sources import STDIN, SourceError, find_files
from sessions.transcripts import Reading

ERRORS_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Import sessions (format 1, JSON Lines) and Claude Code's transcripts (~/.claude/projects)."
        " Sessions that are there already are left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "paths",
            nargs="+",
            metavar="PATH",
            help=".jsonl or .jsonl.gz file, a folder of them, or - for stdin",
        )
        parser.add_argument("--store", required=True, help="memory store to attach new agents to; created if new")
        parser.add_argument("--agent", default="claude-code", help="agent of transcripts (default: claude-code)")
        parser.add_argument("--principal", default="", help="on whose behalf transcripts ran")
        parser.add_argument(
            "--all",
            action="store_true",
            dest="include_open",
            help="take transcripts whose last line is less than an hour old too; what is added to them later is lost",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
        parser.add_argument("--workers", type=int, help="processes that read (default: by size; 0: none)")

    def handle(self, *, paths: list[str], store: str, as_json: bool, workers: int | None, **options: Any) -> None:
        for name, slug in (("store", store), ("agent", options["agent"])):
            try:
                slug_validator(slug)
            except ValidationError as error:
                raise CommandError(f"--{name} {slug}: {' '.join(error.messages)}") from error
        try:
            files = find_files(paths)
        except SourceError as error:
            raise CommandError(f"{error}. Nothing was imported.") from error
        transcripts = Reading(
            agent=options["agent"],
            principal=options["principal"],
            include_open=options["include_open"],
            now=timezone.now(),
        )
        report = self._import(files, store, transcripts, workers)
        if as_json:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False))
        else:
            self._print(report)
        if report.refused:
            sys.exit(1)

    def _import(self, files: list[Path], store: str, transcripts: Reading, workers: int | None) -> ImportReport:
        size = sum(path.stat().st_size for path in files if path != STDIN)
        bar = tqdm(
            total=size or None,
            unit="B",
            unit_scale=True,
            desc="importing",
            leave=False,
            disable=not sys.stderr.isatty(),
        )
        with bar:
            try:
                return import_files(
                    files=files,
                    store=store,
                    actor=Actor.system("import"),
                    transcripts=transcripts,
                    workers=workers,
                    progress=bar.update,
                )
            except WorkerDiedError as error:
                raise CommandError(str(error)) from error

    def _print(self, report: ImportReport) -> None:
        numbers = report.as_dict()
        self.stdout.write(
            f"{report.sessions_imported:,} sessions with {report.events:,} events in {report.seconds:.1f} s"
            f" ({numbers['events_per_second']:,} events/s), {report.duplicates:,} were there already."
        )
        if report.differing:
            self.stdout.write(
                f"{report.differing:,} have the id of a kept session and other content; the kept ones stay."
            )
        if report.left_open:
            self.stdout.write(
                f"{report.left_open:,} transcripts may still grow and wait: import again in an hour, or with --all."
            )
        if report.redactions:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.redactions.most_common())
            self.stdout.write(f"Redacted: {kinds}.")
        if report.agents_created:
            self.stdout.write(f"New agents, gated: {', '.join(sorted(report.agents_created))}.")
        for warning in report.warnings:
            self.stderr.write(self.style.WARNING(warning))
        for error in report.errors[:ERRORS_SHOWN]:
            self.stderr.write(self.style.ERROR(f"{error['file']}:{error['line']}: {error['reason']}"))
        if report.refused > ERRORS_SHOWN:
            self.stderr.write(self.style.ERROR(f"… and {report.refused - ERRORS_SHOWN:,} more; --json lists them."))
        if report.refused:
            self.stderr.write(self.style.ERROR(f"{report.refused:,} lines were refused; everything else went in."))
