"""Counting and statistics, and fixed sentences: no model, no network, no cost."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from dreaming import writer
from dreaming.digests import digest_missing, digests_hash, read_digests
from dreaming.engines.base import Candidate, LeftOut, Pass
from dreaming.mining import mine
from dreaming.mining.garbage import uncollected
from dreaming.mining.values import DIGEST_VERSION, Discarded, Finding, MiningResult, Thresholds, Upkeep
from dreaming.snapshots import memory_views, served_texts
from memory.models import Memory, Proposal
from memory.scanning import UNSUPPORTED
from memory.services import Draft, QuoteDraft

# What a finding has in columns of its own.
COLUMNS = {"support", "evidence", "kind", "claim_key", "aliases", "title", "reason"}


def candidates(run: Pass) -> Iterator[Candidate]:
    result = mined(run)
    run.expected = len(result.findings)
    for found in result.findings:
        yield of_finding(found, partial(draft_of, run, found))
    yield from (left_out(item) for item in result.discarded)


def mined(run: Pass) -> MiningResult:
    """Digest what is new, and mine the window; note in the manifest what went in."""
    run.step("digesting sessions", 0, 0)
    digest_missing(run.sessions, lambda done, total: run.step("digesting sessions", done, total))
    run.step("mining", 0, 0)
    thresholds = Thresholds()
    store = run.dream.store
    with uncollected():
        digests = list(read_digests(run.sessions))
        result = mine(digests, thresholds, memories=memory_views(store), served=served_texts(store))
    run.session_count, run.event_count = result.sessions, result.events
    run.manifest |= {
        "sessions": result.sessions,
        "sessions_hash": digests_hash(run.sessions),
        "digest_version": DIGEST_VERSION,
        "thresholds": asdict(thresholds),
    }
    return result


def of_finding(found: Finding, draft: Callable[[], Draft]) -> Candidate:
    return Candidate(found.kind, found.title, found.claim_key, {"support": support_of(found)}, draft)


def left_out(item: Discarded) -> Candidate:
    return Candidate("discarded", item.title, item.claim_key, {"support": support_of(item)}, reason=item.reason)


def support_of(found: Finding | Discarded) -> dict[str, Any]:
    """The numbers of a finding as plain JSON."""
    details = asdict(found)
    return asdict(found.support) | {name: value for name, value in details.items() if name not in COLUMNS}


def quotes_of(found: Finding) -> list[QuoteDraft]:
    return [QuoteDraft(item.session_ref, item.seq, item.quote, item.stance) for item in found.evidence]


def draft_of(run: Pass, found: Finding) -> Draft:
    """The finding in fixed sentences; where memory has that path already, it is added to what stands there."""
    text = writer.write(found)
    live = Memory.objects.live(run.dream.store_id).filter(path=text.path).first()
    operation, content = _change(found, text, live)
    return Draft(
        operation=operation,
        path=text.path,
        content=content,
        base_version=live.head if live else None,
        kind=found.kind,
        title=text.title,
        rationale=text.rationale,
        claim_key=found.claim_key,
        evidence=quotes_of(found),
        support=support_of(found) | {"graduation": writer.graduation_text(found)},
        aliases=found.aliases,
        benefit=found.benefit,
        flags=[] if found.evidence else [UNSUPPORTED],
    )


def _change(found: Finding, text: writer.Draft, live: Memory | None) -> tuple[str, str]:
    """The operation and the whole new text. Raises `LeftOut` when what upkeep read is not what stands there now."""
    if isinstance(found.lesson, Upkeep):
        if live is None or live.head_id != found.lesson.version:
            raise LeftOut(f"{text.path} changed while the dream ran.")
        return Proposal.Operation(found.lesson.operation), text.content
    if live and live.head:
        return Proposal.Operation.UPDATE, f"{live.head.content.rstrip()}\n\n{text.content}"
    return Proposal.Operation.CREATE, text.content
