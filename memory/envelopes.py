"""A signed statement of what was served, so that an answer proves itself where it is kept."""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import signing
from audit.canonical import canonical_bytes
from audit.models import Entry
from memory.models import MemoryVersion

CONTEXT = b"daylight memory v1\n"
LASTS = timedelta(days=2)
KEY_KEPT_SECONDS = 10


class Signer(NamedTuple):
    """The key that signs, and its id; envelopes are issued at midnight (UTC). `words` tells it from others."""

    key: Ed25519PrivateKey
    key_id: str
    issued: datetime
    words: str


def envelope(*, agent: str, store_id: int, statement: dict[str, Any]) -> dict[str, str] | None:
    """`statement` (`store`, `revision`, `content_sha256`, …) with where the record stood when that revision was published,
    signed: `body` in canonical JSON, `signature` Ed25519 in hexadecimal over `daylight memory v1`, a line feed and the body.

    The same statement gives the same bytes all day, and holds for two. None while there is no key to sign with.
    """
    signer = current_signer()
    if signer is None:
        return None
    body = canonical_bytes(
        {
            **statement,
            "agent": agent,
            "audit": _entry_of(store_id, statement["revision"]),
            "issued": signer.issued.isoformat(),
            "expires": (signer.issued + LASTS).isoformat(),
            "key_id": signer.key_id,
        }
    )
    return {"body": body.decode(), "signature": signer.key.sign(CONTEXT + body).hex()}


def signer_and_day() -> str:
    """What an envelope depends on beside its statement: part of every ETag."""
    signer = current_signer()
    return signer.words if signer else ""


def current_signer() -> Signer | None:
    return _signer(int(time.time() // KEY_KEPT_SECONDS))


@lru_cache(maxsize=1)
def _signer(span: int) -> Signer | None:
    """The key that signs checkpoints; looked for anew every few seconds, so that a rotation is noticed."""
    try:
        key = signing.current_key()
    except signing.KeyMissing:
        return None
    if key is None:
        return None
    today = datetime.fromtimestamp(span * KEY_KEPT_SECONDS, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    key_id = signing.key_id(signing.public_bytes(key))
    return Signer(key, key_id, today, f"{key_id} {today:%Y-%m-%d}")


def _entry_of(store_id: int, revision: int) -> dict[str, Any] | None:
    """The audit entry of the publication that made the revision: it never changes. None for an empty store."""
    version = MemoryVersion.objects.select_related("decision").filter(store_id=store_id, revision=revision).first()
    if version is None:
        return None
    entries = Entry.objects.filter(act=version.decision.act, action="memory.version.published")
    for entry in entries:
        if entry.data.get("revision") == revision and entry.subject == f"memory:{version.memory_id}":
            return {"seq": entry.seq, "hash": entry.hash}
    return None
