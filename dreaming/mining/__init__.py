"""The pure core of a dream pass: sessions to digests, digests to findings. No Django, no I/O."""

from dreaming.mining.digest import digest_session
from dreaming.mining.mine import mine
from dreaming.mining.values import (
    DIGEST_VERSION,
    Digest,
    Discarded,
    EventView,
    EvidenceRef,
    Finding,
    MemoryView,
    MiningResult,
    SessionView,
    Support,
    Thresholds,
)

__all__ = [
    "DIGEST_VERSION",
    "Digest",
    "Discarded",
    "EventView",
    "EvidenceRef",
    "Finding",
    "MemoryView",
    "MiningResult",
    "SessionView",
    "Support",
    "Thresholds",
    "digest_session",
    "mine",
]
