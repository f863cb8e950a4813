"""`manage.py load_demo`: the demo fleet, its four users and a first dream. Run again, it changes nothing."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.accounts import create_user
from audit.actors import Actor
from audit.roles import ADMIN, AUDITOR, REVIEWER
from dreaming.demo import MEMORY, demo_sessions
from dreaming.passes import run_dream
from dreaming.services import request_dream
from memory.models import MemoryStore
from reviews.imports import import_memory
from sessions.preparing import prepare
from sessions.services import ingest

STORE = "claims"
USERS = [
    ("rita", REVIEWER, "Rita Reviewer"),
    ("adam", ADMIN, "Adam Admin"),
    ("alma", ADMIN, "Alma Admin"),
    ("aude", AUDITOR, "Aude Auditor"),
]


class Command(BaseCommand):
    help = "Load the demo fleet: four users, four agents, 200 sessions, and what one dream makes of them."

    def handle(self, **_: Any) -> None:
        password = os.environ.get("DAYLIGHT_DEMO_PASSWORD", "")
        if not password:
            raise CommandError("Set DAYLIGHT_DEMO_PASSWORD: the demo users log in with it.")
        _ensure_users(password)
        if MemoryStore.objects.filter(name=STORE).exists():
            self.stdout.write("The demo fleet is there already.")
            return
        with transaction.atomic():
            _load_fleet()
        self.stdout.write("Loaded the demo fleet.")


def _ensure_users(password: str) -> None:
    """The accounts exist. One that was there keeps its password: it may be somebody's own, by the same name."""
    for username, role, name in USERS:
        if not User.objects.filter(username=username).exists():
            create_user(username=username, roles=[role], name=name, email="", password=password, start=False)


def _load_fleet() -> None:
    """All or nothing, so that a first start that was cut off begins again."""
    lines = [json.dumps(session).encode() for session in demo_sessions(until=datetime.now(UTC))]
    ingest(sessions=[prepare(line) for line in lines], store=STORE, actor=Actor.system("demo"))
    store = MemoryStore.objects.get(name=STORE)
    with TemporaryDirectory() as folder:
        for path, text in MEMORY.items():
            file = Path(folder, path.lstrip("/"))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        rita = User.objects.get(username="rita")
        reason = "The playbook as it stood before Daylight."
        report = import_memory(folder=Path(folder), store=store, by=rita, reason=reason)
        if report.refused:
            raise CommandError(f"The demo's own playbook is refused: {report.refused[0]}")
    dream = request_dream(store=store, actor=Actor.system("demo"))
    run_dream(dream.pk)
