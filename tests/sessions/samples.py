"""Sessions as a producer would write them."""

import gzip
import json
from pathlib import Path
from typing import Any

from audit.actors import Actor
from sessions.models import Agent, ApiKey
from sessions.services import issue_key

ADMIN = Actor.system("test")


def event(seq: int = 0, **fields: Any) -> dict[str, Any]:
    return {"seq": seq, "type": "message", "role": "user", "text": f"step {seq}", **fields}


def session(session_id: str = "s-1", *, agent: str = "alice-bot", events: int = 2, **fields: Any) -> dict[str, Any]:
    return {"id": session_id, "agent": agent, "events": [event(seq) for seq in range(events)], **fields}


def line(*args: Any, **fields: Any) -> bytes:
    return json.dumps(session(*args, **fields)).encode()


def with_event(**fields: Any) -> bytes:
    """A session of one event with these fields."""
    return line(events=0)[:-3] + b"[" + json.dumps(event(**fields)).encode() + b"]}"


def write(path: Path, *lines: bytes) -> Path:
    data = b"\n".join(lines) + (b"\n" if lines else b"")
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def make_key(agent: str = "alice-bot", scopes: tuple[str, ...] = ("ingest",), **fields: Any) -> tuple[ApiKey, str]:
    owner, _ = Agent.objects.get_or_create(slug=agent)
    return issue_key(agent=owner, scopes=scopes, issued_by=ADMIN, **fields)
