"""Writing the record, and checking it."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from audit import salts
from audit.actions import ACTIONS
from audit.actors import Actor
from audit.acts import current_act
from audit.canonical import canonical_bytes, sha256_hex
from audit.models import Entry, Salt

CHAIN_LOCK = 0x0DA71167
GENESIS = "0" * 64
FORMAT = 1


class UnregisteredAction(ValueError):
    """An act that `audit.actions` does not name."""


def record(
    *,
    action: str,
    actor: Actor,
    subject: str,
    store: str = "",
    data: dict[str, Any] | None = None,
    words: Mapping[str, str] | None = None,
    act: uuid.UUID | None = None,
) -> Entry:
    """Append one entry, inside the caller's transaction: if it cannot be written, the act does not happen.

    `data` must have a canonical JSON form and hold no personal content: ids, counts and names. What people or agents
    said, or a hash of it, goes into `words`: the entry holds HMACs of these (`reason` as `reason_hmac`), under a salt of
    its own that is kept beside it and can be erased.
    Without `act` it belongs to the act around it (`one_act()`).
    Take every other lock first; this one serialises all acts until the transaction ends.
    """
    if action not in ACTIONS:
        raise UnregisteredAction(f"{action!r} is not a registered action; add it to audit/actions.py")
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an audit entry belongs in the transaction of its act")
    at, seq, head = _lock_chain()
    entry = Entry(
        seq=seq + 1,
        at=at,
        act=act or current_act(),
        action=action,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        store=store,
        subject=subject,
        prev_hash=head,
    )
    salt = salts.new_salt()
    entry.body = _body(entry, (data or {}) | salts.sealed(salt, words or {}))
    entry.hash = _entry_hash(entry.prev_hash, entry.body)
    entry.save(force_insert=True)
    if words:
        Salt.objects.bulk_create([Salt(entry=entry, value=salt)])
    return entry


def _lock_chain() -> tuple[datetime, int, str]:
    """The database's time, and number and hash of the newest entry, with the chain locked until the transaction ends.

    The lock is a statement of its own: read in the same statement, the head could be older than the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
        cursor.execute(
            "SELECT clock_timestamp(), coalesce(seq, 0), coalesce(hash, %s) FROM (SELECT) AS now"
            " LEFT JOIN (SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1) AS newest ON true",
            [GENESIS],
        )
        row: tuple[datetime, int, str] = cursor.fetchone()
        return row


def _body(entry: Entry, data: dict[str, Any]) -> bytes:
    return canonical_bytes(
        {
            "v": FORMAT,
            "seq": entry.seq,
            "at": entry.at.isoformat(),
            "act": str(entry.act),
            "action": entry.action,
            "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": entry.actor_name},
            "store": entry.store,
            "subject": entry.subject,
            "data": data,
        }
    )


def _entry_hash(prev_hash: str, body: bytes) -> str:
    return sha256_hex(bytes.fromhex(prev_hash) + body)
