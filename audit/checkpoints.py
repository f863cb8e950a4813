"""Signed checkpoints of the record, kept in the database and, where its administrators cannot reach, in a file."""

import json
import logging
import os
import time
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit import signing
from audit.actors import Actor
from audit.canonical import canonical_bytes, sha256_hex
from audit.merkle import Tree
from audit.models import Checkpoint, Entry, SigningKey
from audit.services import GENESIS, record

logger = logging.getLogger(__name__)

CHECKPOINT_LOCK = 0x0DA7C4E1
EVERY_ENTRIES = 100
EVERY = timedelta(minutes=5)
PREFIX = b"daylight checkpoint v1\n"
KEY_PREFIX = b"daylight signing key v1\n"
SYSTEM = Actor.system("checkpoints")
# Readers are told of a new checkpoint so much later, and cost no query in between.
KEPT_SECONDS = 5


class RecordMoved(Exception):
    """The record is not what a checkpoint outside the database says it was; the message says how."""


def checkpoint_if_due() -> Checkpoint | None:
    """Make a checkpoint when enough entries, or enough time, came since the last one."""
    last = Checkpoint.objects.first()
    newest = Entry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    size = last.size if last else 0
    if newest == size:
        return None
    if last and newest - size < EVERY_ENTRIES and timezone.now() - last.at < EVERY:
        return None
    return make_checkpoint()


@transaction.atomic
def make_checkpoint() -> Checkpoint:
    """Sign the record as it stands; the newest checkpoint when nothing was added since.

    Raises `RecordMoved` when the file of checkpoints knows more, or something else, than the database: then nothing
    is signed, because a signature would hide it. `signing.KeyMissing` when the key is gone.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHECKPOINT_LOCK])
    last = Checkpoint.objects.first()
    check_witness(last)
    key = _key()
    tree = Tree(last.size, map(bytes.fromhex, last.roots)) if last else Tree()
    head = GENESIS
    for seq, entry_hash in _hashes_after(tree.size):
        if seq != tree.size + 1:
            raise RecordMoved(f"Entry {tree.size + 1} is missing.")
        tree.append(bytes.fromhex(entry_hash))
        head = entry_hash
    if last and tree.size == last.size:
        return last
    made = _signed(tree, head, last, key)
    transaction.on_commit(lambda: write_witness(made))
    return made


def _hashes_after(size: int) -> Any:
    rows = Entry.objects.filter(seq__gt=size).order_by("seq").values_list("seq", "hash")
    return rows.iterator(chunk_size=5000)


def _signed(tree: Tree, head: str, last: Checkpoint | None, key: signing.Ed25519PrivateKey) -> Checkpoint:
    at = timezone.now()
    name = signing.key_id(signing.public_bytes(key))
    body = canonical_bytes(
        {
            "v": 1,
            "size": tree.size,
            "head": head,
            "root": tree.root().hex(),
            "at": at.isoformat(),
            "key": name,
            "previous": sha256_hex(bytes(last.body)) if last else GENESIS,
        }
    )
    return Checkpoint.objects.create(
        size=tree.size,
        at=at,
        body=body,
        key_id=name,
        signature=key.sign(PREFIX + body).hex(),
        roots=[root.hex() for root in tree.roots],
    )


def _key() -> signing.Ed25519PrivateKey:
    """The key that signs. The first one is made here; a later one only by `rotate_key()`."""
    key = signing.current_key()
    if key is None:
        if SigningKey.objects.exists():
            raise signing.KeyMissing("The signing keys' folder is empty, but the record knows keys: restore it.")
        key = signing.new_key()
        signing.use(key)
    public = signing.public_bytes(key)
    SigningKey.objects.get_or_create(key_id=signing.key_id(public), defaults={"public_key": public.hex()})
    return key


@transaction.atomic
def rotate_key(*, actor: Actor) -> SigningKey:
    """Sign with a new key from now on. The old key vouches for it, and the record keeps that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHECKPOINT_LOCK])
    old, new = _key(), signing.new_key()
    public = signing.public_bytes(new)
    row = SigningKey.objects.create(
        key_id=signing.key_id(public),
        public_key=public.hex(),
        signed_by=signing.key_id(signing.public_bytes(old)),
        signature=old.sign(KEY_PREFIX + public).hex(),
    )
    record(
        action="signing_key.rotated",
        actor=actor,
        subject=f"signing_key:{row.key_id}",
        data={"public_key": row.public_key, "signed_by": row.signed_by, "signature": row.signature},
    )
    transaction.on_commit(lambda: signing.use(new))
    return row


def newest_line() -> str:
    """The newest checkpoint as one line, for whoever reads, at most `KEPT_SECONDS` late; empty before the first."""
    return newest_within(int(time.monotonic() // KEPT_SECONDS))


@lru_cache(maxsize=1)
def newest_within(_span: int) -> str:
    last = Checkpoint.objects.first()
    return canonical_bytes(last.line).decode() if last else ""


def witness_file() -> Path:
    return Path(settings.DAYLIGHT_CHECKPOINTS)


def write_witness(checkpoint: Checkpoint) -> None:
    """Append the checkpoint to the file outside the database, and see it on the disk."""
    file = witness_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A line that a crash cut off is ended first.
    line = (b"" if _ends_whole(file) else b"\n") + canonical_bytes(checkpoint.line) + b"\n"
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line)
        os.fsync(handle)
    finally:
        os.close(handle)


def _ends_whole(file: Path) -> bool:
    try:
        return file.read_bytes()[-1:] in (b"", b"\n")
    except FileNotFoundError:
        return True


def witnessed(file: Path | None = None) -> list[dict[str, str]]:
    """The checkpoints in the file outside the database, or in another one; what a crash left half written is left out."""
    try:
        lines = (file or witness_file()).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [line for line in map(_parsed, lines) if line]


def _parsed(line: str) -> dict[str, str] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"body", "signature"} <= found.keys() else None


def check_witness(last: Checkpoint | None) -> None:
    """Refuse to go on when the file knows a later checkpoint, or another one of the same size. Writes what it lacks."""
    lines = witnessed()
    if not lines:
        for checkpoint in Checkpoint.objects.order_by("size"):
            write_witness(checkpoint)
        return
    newest = max(lines, key=lambda line: json.loads(line["body"])["size"])
    told = json.loads(newest["body"])
    if last is None or told["size"] > last.size:
        held = Entry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        if told["size"] > held:
            raise RecordMoved(
                f"The record ends at entry {held}, but a checkpoint of {told['at']} covers {told['size']}: entries are "
                "missing, or an old backup was restored."
            )
        raise RecordMoved(f"The checkpoint of {told['at']} over {told['size']} entries is gone from the database.")
    if told["size"] == last.size and newest["body"] != last.line["body"]:
        raise RecordMoved(f"The checkpoint over {last.size} entries differs from the one that was written outside.")
    for checkpoint in Checkpoint.objects.filter(size__gt=told["size"]).order_by("size"):
        write_witness(checkpoint)
