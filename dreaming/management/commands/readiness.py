"""`manage.py readiness STORE`: what the sessions of a store can teach, and what to log."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from dreaming.digests import digest_missing
from dreaming.management.commands.dream import find_store
from dreaming.readiness import report_on


class Command(BaseCommand):
    help = "Say what the sessions of a store can teach, and what to log so that they teach more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("store")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a summary")

    def handle(self, *, store: str, json: bool, **_: Any) -> None:
        sessions = find_store(store).sessions()
        with tqdm(file=sys.stderr, disable=None, leave=False, unit="", desc="digesting sessions") as bar:

            def show(done: int, total: int) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            digest_missing(sessions, show)
        report = report_on(sessions)
        self.stdout.write(_as_json(report) if json else _summary(report))


def _as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=2)


def _summary(report: dict[str, Any]) -> str:
    if not report["sessions"]:
        return "No session yet: import some, or let agents send them."
    sources = ", ".join(f"{name} {count:,}" for name, count in report["sources"]["shown"]) or "nobody"
    lines = [
        f"{report['sessions']:,} sessions of {report['agents']:,} agents; {report['with_outcome']:,} say how they ended, "
        f"{report['won']:,} in success.",
        f"Who says so: {sources}.",
    ]
    if report["scores"]:
        least, middle, most = report["scores"]
        lines.append(f"Scores: {report['scored']:,}, {middle:g} in the middle, from {least:g} to {most:g}.")
    lines.append(f"Task named in {report['with_task']:,}, principal in {report['with_principal']:,}.")
    lines += [f"  {item['field'] or 'agents'}: {item['text']}" for item in report["advice"]]
    return "\n".join(lines)
