"""`manage.py dream --store NAME`: run one pass in the foreground."""

import json
import sys
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from audit.actors import Actor
from dreaming.engines.base import EngineFailed
from dreaming.models import Dream, Engine
from dreaming.passes import estimate as estimate_dream
from dreaming.passes import run_dream
from dreaming.reports import dream_report
from dreaming.services import DreamRefused, cancel_dream, check_options, request_dream
from memory.models import MemoryStore


class Command(BaseCommand):
    help = "Look across the sessions of a store's agents and propose changes to its memory."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", required=True)
        parser.add_argument("--engine", default=Engine.MINING, choices=Engine.values)
        parser.add_argument("--window", default="all", help="all, so many days (30d), or so many newest sessions (500)")
        parser.add_argument("--max-proposals", type=int, default=12)
        parser.add_argument(
            "--max-cost", type=Decimal, help="USD that a model may cost; the deployment's cap holds too"
        )
        parser.add_argument("--estimate", action="store_true", help="only say what it would cost; nothing is paid")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a summary")

    def handle(self, *, store: str, json: bool, estimate: bool, **options: Any) -> None:
        wanted = {name: options[name] for name in ("engine", "window", "max_proposals", "max_cost")}
        wanted["store"] = find_store(store)
        if estimate:
            self._estimate(wanted, json)
            return
        try:
            dream = request_dream(actor=Actor.system("command line"), **wanted)
        except DreamRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self._run(dream)
        dream.refresh_from_db()
        report = dream_report(dream)
        self.stdout.write(_as_json(report) if json else _summary(report))
        if dream.status == Dream.Status.FAILED:
            raise CommandError(f"{dream.public_id} failed: {dream.error}")

    def _estimate(self, wanted: dict[str, Any], as_json: bool) -> None:
        try:
            check_options(**{name: value for name, value in wanted.items() if name != "max_cost"})
            found = estimate_dream(Dream(**wanted))
        except (DreamRefused, EngineFailed) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(_as_json(found) if as_json else _estimated(found))

    def _run(self, dream: Dream) -> None:
        with tqdm(file=sys.stderr, disable=None, leave=False, unit="") as bar:

            def show(step: str, done: int, total: int) -> None:
                bar.set_description(step)
                bar.total, bar.n = total or None, done
                bar.refresh()

            try:
                run_dream(dream.pk, show)
            except KeyboardInterrupt as interrupt:
                cancel_dream(dream=dream, actor=Actor.system("command line"))
                raise CommandError(f"{dream.public_id} was canceled.") from interrupt
            except Exception as error:
                raise CommandError(f"{dream.public_id} failed: {error}") from error


def find_store(name: str) -> MemoryStore:
    """The store of that name. Raises `CommandError` that lists those there are."""
    store = MemoryStore.objects.filter(name=name).first()
    if store is None:
        names = ", ".join(MemoryStore.objects.values_list("name", flat=True)) or "none yet; import sessions first"
        raise CommandError(f"There is no store {name!r}. Stores: {names}.")
    return store


def _as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=2)


def _estimated(found: dict[str, Any]) -> str:
    if not found:
        return "This engine pays for nothing, or for what nobody can count before; the caps hold in any case."
    return (
        f"About ${found['cost']:.2f}, at most ${found['cost_at_most']:.2f}, with {found['model']}: "
        f"{found['findings']} findings to word, {found['sessions_to_read']} sessions to read "
        f"({found['notes_kept']} have notes already), "
        f"{found['input_tokens']:,} tokens in, about {found['output_tokens']:,} out."
    )


def _summary(report: dict[str, Any]) -> str:
    lines = [
        f"{report['dream']} {report['status']}: {report['sessions']:,} sessions, {report['events']:,} events in {report['seconds']:.1f} s.",
        f"{len(report['proposals'])} proposals, {len(report['discarded'])} discarded.",
    ]
    if report["usage"]:
        lines.append(f"It cost ${report['cost']:.4f}.")
    if stopped := report["manifest"].get("stopped"):
        lines.append(f"It stopped early: {stopped}")
    lines += [f"  {proposal['id']}  {proposal['title']}" for proposal in report["proposals"]]
    return "\n".join(lines)
