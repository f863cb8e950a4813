"""The record to take away: a folder that verifies offline, with nothing of ours installed."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import transaction
from django.template.loader import render_to_string

from audit.actors import Actor
from audit.canonical import sha256_hex
from audit.checkpoints import make_checkpoint
from audit.models import Checkpoint, Entry, SigningKey
from audit.services import record

VERIFIER = Path(__file__).parent / "bundle" / "verify.py"
SHOWN = 5000


def export_record(folder: Path, *, actor: Actor) -> Checkpoint:
    """Write the whole record into `folder`, which must be empty or new, up to a checkpoint made for it.

    The export stands in the record itself, as its last entry. Raises `FileExistsError`, and what
    `make_checkpoint()` raises.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty.")
    with transaction.atomic():
        record(action="record.exported", actor=actor, subject="record:all", act=uuid.uuid4())
    last = make_checkpoint()
    write_lines(folder / "entries.jsonl", map(entry_line, _entries(last.size)))
    checkpoints = Checkpoint.objects.filter(size__lte=last.size).order_by("size")
    write_lines(folder / "checkpoints.jsonl", (checkpoint.line for checkpoint in checkpoints))
    keys = SigningKey.objects.order_by("created_at", "key_id")
    (folder / "keys.json").write_text(
        json.dumps(list(keys.values("key_id", "public_key", "signed_by", "signature")), indent=2)
    )
    shutil.copyfile(VERIFIER, folder / "verify.py")
    (folder / "index.html").write_text(_page(last))
    return last


def _entries(size: int) -> Iterator[Entry]:
    return Entry.objects.filter(seq__lte=size).order_by("seq").iterator(chunk_size=2000)


def write_lines(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


def entry_line(entry: Entry) -> dict[str, Any]:
    """An entry with its columns beside the bytes that were hashed: the verifier compares them."""
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "act": str(entry.act),
        "action": entry.action,
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": entry.actor_name},
        "store": entry.store,
        "subject": entry.subject,
        "prev_hash": entry.prev_hash,
        "hash": entry.hash,
        "body": bytes(entry.body).decode(),
    }


def _page(last: Checkpoint) -> str:
    """For people: what is in it, how to check it, and the newest entries."""
    newest = Entry.objects.filter(seq__lte=last.size)[:SHOWN]
    said = json.loads(bytes(last.body))
    return render_to_string(
        "audit/bundle.html",
        {
            "said": said,
            "key": SigningKey.objects.order_by("created_at").first(),
            "entries": newest,
            "left_out": max(0, last.size - SHOWN),
            "verifier_hash": sha256_hex(VERIFIER.read_bytes()),
        },
    )
