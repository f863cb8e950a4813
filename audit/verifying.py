"""Checking the record: every entry against its hash and the one before it, and all of it against signed checkpoints."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from django.db import connection

from audit.checkpoints import KEY_PREFIX, PREFIX, witnessed
from audit.merkle import Tree
from audit.models import Checkpoint, SigningKey
from audit.services import GENESIS
from audit.signing import is_signed

BATCH = 5000


@dataclass(frozen=True, slots=True)
class Verification:
    """`entries` are whole, the first `covered` of them as checkpoints state; `error` says what is wrong at `seq`."""

    entries: int
    head: str
    covered: int = 0
    seq: int | None = None
    error: str = ""


class _Wrong(Exception):
    def __init__(self, seq: int, message: str) -> None:
        super().__init__(message)
        self.seq = seq


class _Actor(msgspec.Struct):
    kind: str
    id: str
    name: str


class _Said(msgspec.Struct):
    """What the hashed bytes of an entry say."""

    seq: int
    at: datetime
    act: UUID
    action: str
    actor: _Actor
    store: str
    subject: str


@dataclass(slots=True)
class _Walk:
    """How far the check came."""

    tree: Tree
    head: str = GENESIS
    covered: int = 0


def verify_record(*, witnesses: Iterable[dict[str, str]] = ()) -> Verification:
    """Recompute every hash from the first entry on; stop at the first that is wrong.

    Checkpoints count from the database, from the file outside it, and from `witnesses` who kept some: those from outside
    find entries that were cut off, a record that was written anew, and an old backup.
    """
    try:
        stated = _stated(witnesses)
    except _Wrong as wrong:
        return Verification(0, GENESIS, 0, wrong.seq, str(wrong))
    return check_rows(rows(), stated)


def check_rows(rows: Iterable[tuple[Any, ...]], stated: Mapping[int, dict[str, Any]]) -> Verification:
    """Check rows as `rows()` gives them against what checkpoints state, by the number of entries they cover."""
    walk = _Walk(Tree())
    try:
        for row in rows:
            _check(row, walk, stated)
        _check_end(walk, stated)
    except _Wrong as wrong:
        return Verification(walk.tree.size, walk.head, walk.covered, wrong.seq, str(wrong))
    return Verification(walk.tree.size, walk.head, walk.covered)


def rows() -> Iterator[tuple[Any, ...]]:
    """Every entry in order, a batch at a time, as the database holds it.

    In PostgreSQL's binary form: reading the rows as text takes four times as long as checking them.
    """
    after = 0
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        while True:
            cursor.execute(
                "SELECT seq, at, act, action, actor_kind, actor_id, actor_name, store, subject, body, prev_hash, hash"
                " FROM audit_entry WHERE seq > %s ORDER BY seq LIMIT %s",
                [after, BATCH],
                binary=True,
            )
            batch = cursor.fetchall()
            yield from batch
            if len(batch) < BATCH:
                return
            after = batch[-1][0]


def _check(row: tuple[Any, ...], walk: _Walk, stated: Mapping[int, dict[str, Any]]) -> None:
    *columns, body, prev_hash, entry_hash = row
    number = walk.tree.size + 1
    if columns[0] != number:
        raise _Wrong(number, f"entry {number} is missing")
    if prev_hash != walk.head:
        raise _Wrong(number, "its previous hash is not that of the entry before it")
    if entry_hash != hashlib.sha256(bytes.fromhex(prev_hash) + body).hexdigest():
        raise _Wrong(number, "its bytes do not match its hash")
    if _columns(number, body) != columns:
        raise _Wrong(number, "its columns differ from the bytes that were hashed")
    walk.tree.append(bytes.fromhex(entry_hash))
    walk.head = entry_hash
    if said := stated.get(number):
        if (said["head"], said["root"]) != (entry_hash, walk.tree.root().hex()):
            raise _Wrong(
                walk.covered + 1,
                f"from here to entry {number} the record was written anew: the checkpoint of {said['at']} states "
                "another history",
            )
        walk.covered = number


def _columns(number: int, body: bytes) -> list[Any]:
    try:
        said = msgspec.json.decode(body, type=_Said)
    except msgspec.MsgspecError as error:
        raise _Wrong(number, f"its bytes are no entry ({error})") from error
    actor = said.actor
    return [said.seq, said.at, said.act, said.action, actor.kind, actor.id, actor.name, said.store, said.subject]


def _check_end(walk: _Walk, stated: Mapping[int, dict[str, Any]]) -> None:
    if stated and max(stated) > walk.tree.size:
        said = stated[max(stated)]
        raise _Wrong(
            walk.tree.size + 1,
            f"the record ends here, but a checkpoint of {said['at']} covers {said['size']} entries: entries are "
            "missing, or an old backup was restored",
        )


def _stated(witnesses: Iterable[dict[str, str]] = ()) -> dict[int, dict[str, Any]]:
    """Size → what the checkpoint over so many entries states; every one is signed, in the database and outside it."""
    public = _keys()
    stated: dict[int, dict[str, Any]] = {}
    kept = [checkpoint.line for checkpoint in Checkpoint.objects.order_by("size")]
    for line in [*kept, *witnessed(), *witnesses]:
        said = json.loads(line["body"])
        size, key = said["size"], public.get(said["key"], b"")
        if not is_signed(key, bytes.fromhex(line["signature"]), PREFIX + line["body"].encode()):
            raise _Wrong(size, f"the signature of the checkpoint over {size} entries is not that of its key")
        if stated.setdefault(size, said) != said:
            raise _Wrong(size, f"the checkpoint over {size} entries differs from the one that was kept outside")
    return stated


def _keys() -> dict[str, bytes]:
    """Key id → public key; every key but the first is vouched for by an earlier one."""
    public: dict[str, bytes] = {}
    for row in SigningKey.objects.order_by("created_at", "key_id"):
        raw = bytes.fromhex(row.public_key)
        vouched = is_signed(public.get(row.signed_by, b""), bytes.fromhex(row.signature), KEY_PREFIX + raw)
        if hashlib.sha256(raw).hexdigest()[:16] != row.key_id or (public and not vouched):
            raise _Wrong(1, f"no earlier key vouches for the signing key {row.key_id}")
        public[row.key_id] = raw
    return public
