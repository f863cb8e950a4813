"""The demo fleet in a store, through ingest, and dreams over it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command

from audit.actors import Actor
from dreaming.demo import demo_sessions
from dreaming.models import Dream
from dreaming.passes import run_dream
from dreaming.services import request_dream
from memory.models import MemoryStore
from sessions.preparing import prepare
from sessions.services import ingest

ACTOR = Actor.system("test")
UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


def load_fleet(seed: int = 20) -> MemoryStore:
    lines = [json.dumps(session).encode() for session in demo_sessions(until=UNTIL, seed=seed)]
    ingest(sessions=[prepare(line) for line in lines], store="claims", actor=ACTOR)
    return MemoryStore.objects.get(name="claims")


def request(store: MemoryStore, **options: Any) -> Dream:
    return request_dream(store=store, actor=ACTOR, **options)


def dream(store: MemoryStore, **options: Any) -> Dream:
    """A dream that was run to its end."""
    pending = request(store, **options)
    run_dream(pending.pk)
    pending.refresh_from_db()
    return pending


def dream_json(capsys, **options: Any) -> dict[str, Any]:
    """What `manage.py dream --json` prints."""
    capsys.readouterr()
    call_command("dream", store="claims", json=True, **options)
    return json.loads(capsys.readouterr().out)


class Killed(BaseException):
    """What a dying process raises nowhere: nothing is cleaned up."""


def run_until(pending: Dream, dies: Callable[[str, int], bool]) -> None:
    """Run the dream until the step at which its process dies."""

    def look(step: str, done: int, total: int) -> None:
        if dies(step, done):
            raise Killed

    with pytest.raises(Killed):
        run_dream(pending.pk, look)
