"""`manage.py publish_anthropic STORE --remote memstore_…`: publish what agents get into a store at Anthropic."""

import json
from argparse import BooleanOptionalAction
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import Actor
from dreaming.engines import remote_store_of
from dreaming.engines.base import EngineFailed
from dreaming.management.commands.dream import find_store
from dreaming.mirrors import MirrorBusy, publish_mirror, set_mirror
from dreaming.models import Mirror
from memory.models import MemoryStore

ACTOR = Actor.system("command line")


class Command(BaseCommand):
    help = "Publish a store's approved memory into a memory store at Anthropic; what others changed there is proposed here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("store")
        parser.add_argument("--remote", default="", help="id of the memory store there; once set, it need not be named")
        parser.add_argument(
            "--follow", action=BooleanOptionalAction, help="publish again whenever what agents get changes"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a summary")

    def handle(self, *, store: str, remote: str, follow: bool | None, json: bool, **_: Any) -> None:
        found = find_store(store)
        try:
            mirror = set_mirror(store=found, remote_store=_remote(found, remote), follows=follow, actor=ACTOR)
            publish_mirror(mirror=mirror, actor=ACTOR)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except (EngineFailed, MirrorBusy) as failure:
            raise CommandError(str(failure)) from failure
        self.stdout.write(_as_json(mirror) if json else _summary(mirror))


def _remote(store: MemoryStore, named: str) -> str:
    known = list(store.mirrors.values_list("remote_store", flat=True))
    if named or len(known) == 1:
        return named or known[0]
    if policy := remote_store_of(store):
        return policy
    raise CommandError("Name the memory store at Anthropic: --remote memstore_…")


def _notes(mirror: Mirror) -> list[tuple[str, str]]:
    return list(mirror.apart.values_list("path", "note"))


def _summary(mirror: Mirror) -> str:
    counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in mirror.counts.items())
    lines = [f"{mirror.store.name} in {mirror.remote_store}: {counts or 'nothing to do'}."]
    return "\n".join([*lines, *(f"{path}: {note}" for path, note in _notes(mirror))])


def _as_json(mirror: Mirror) -> str:
    report = {"remote_store": mirror.remote_store, "revision": mirror.revision, "counts": mirror.counts}
    return json.dumps(report | {"notes": dict(_notes(mirror))}, ensure_ascii=False, indent=2)
