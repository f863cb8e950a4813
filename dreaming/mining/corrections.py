"""Findings that change one memory, and the correction of what sessions contradict."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dreaming.mining.evidence import diverse, risk_of
from dreaming.mining.values import (
    NOTHING,
    Digest,
    EvidenceRef,
    Finding,
    MemoryView,
    Quote,
    Support,
    Thresholds,
    Upkeep,
)
from dreaming.mining.window import Window


def key_of(*claim: str) -> str:
    """Return the key of what upkeep claims."""
    return f"upkeep:{hashlib.sha256(':'.join(('upkeep', *claim)).encode()).hexdigest()[:16]}"


def upkeep_finding(
    change: Upkeep,
    *,
    key: str,
    title: str,
    benefit: float,
    support: Support = NOTHING,
    evidence: Sequence[EvidenceRef] = (),
) -> Finding:
    """Return the finding that proposes a change to one memory."""
    return Finding(
        kind="upkeep",
        claim_key=key,
        title=title,
        tool="",
        template=change.path,
        message="",
        warning=False,
        support=support,
        recovered=0,
        transient=0,
        remedy=None,
        causes=(),
        benefit=benefit,
        evidence=tuple(evidence),
        lesson=change,
    )


def contradiction(
    memory: MemoryView,
    news: str,
    swap: Callable[[str], str],
    members: Mapping[int, Quote],
    window: Window,
    limits: Thresholds,
    *,
    key: str,
    title: str,
) -> Finding:
    """Return the correction of a memory in which `swap` puts what the quotes of sessions say in place of what it says."""
    line = next(line for line in memory.text.splitlines() if swap(line) != line).strip()
    change = Upkeep("update", memory.path, memory.version, "contradicted", news, line, swap(line), swap(memory.text))
    shown = diverse(members, window, lambda at: risk_of(window.digests[at], [members[at]]))[: limits.max_evidence]
    digests = [window.digests[at] for at in members]
    return upkeep_finding(
        change,
        key=key,
        title=f"{memory.path} is contradicted: {title}",
        benefit=1.0 + 0.05 * len(members),
        support=replace(support_of(digests, window), occurrences=len(digests)),
        evidence=[_ref(window.digests[at], members[at]) for at in shown],
    )


def support_of(members: Sequence[Digest], window: Window) -> Support:
    """Count the sessions that speak of a memory, and whose they are."""
    return replace(
        NOTHING,
        sessions=len(members),
        agents=len({digest.agent for digest in members}),
        principals=len({digest.principal for digest in members if digest.principal}),
        tasks=len({digest.task_id for digest in members if digest.task_id}),
        eligible=len(window.digests),
    )


def _ref(digest: Digest, quote: Quote) -> EvidenceRef:
    return EvidenceRef(digest.ref, digest.external_id, digest.agent, quote.seq, quote.text, "supports")
