"""One dream pass: digest what is new, mine, write, submit. Pure mining in the middle, the database around it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from dreaming import writer
from dreaming.digests import digest_missing, read_digests
from dreaming.mining import mine
from dreaming.mining.values import DIGEST_VERSION, Discarded, MiningResult, Thresholds, Upkeep
from dreaming.mining.values import Finding as Found
from dreaming.models import Dream, Finding
from dreaming.snapshots import memory_views, served_texts
from dreaming.windows import in_window
from memory.models import Memory, Proposal
from memory.paths import InvalidMemory
from memory.services import Draft, QuoteDraft, Refused, submit_proposal

logger = logging.getLogger(__name__)

RUNNER_LOCK = 0x0D8EA4
Progress = Callable[[str, int, int], None]


class Canceled(Exception):
    """Somebody canceled the dream while it ran."""


def run_dream(dream_id: int, on_progress: Progress | None = None) -> bool:
    """Run a pending dream to its end, or take up one whose runner died. False when another runner has it, or it ended.

    The runner holds an advisory lock on its database connection, so a dead runner lets go by itself.
    """
    with _only_runner(dream_id) as mine_to_run:
        if not mine_to_run:
            return False
        claimed = (
            Dream.objects.unfinished()
            .filter(pk=dream_id)
            .update(status=Dream.Status.RUNNING, started_at=Now(), error="")
        )
        if not claimed:
            return False
        dream = Dream.objects.select_related("store").get(pk=dream_id)
        try:
            _pass(dream, on_progress or (lambda *_: None))
        except Canceled:
            logger.info("%s was canceled", dream.public_id)
        except Exception as error:
            _end(dream, Dream.Status.FAILED, error=f"{type(error).__name__}: {error}")
            raise
    return True


@contextmanager
def _only_runner(dream_id: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [RUNNER_LOCK, dream_id])
        (locked,) = cursor.fetchone()
    try:
        yield locked
    finally:
        if locked and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [RUNNER_LOCK, dream_id])


def _pass(dream: Dream, on_progress: Progress) -> None:
    def step(name: str, done: int, total: int) -> None:
        still = Dream.objects.filter(pk=dream.pk, status=Dream.Status.RUNNING)
        if not still.update(step=name, done=done, total=total):
            raise Canceled
        on_progress(name, done, total)

    base_revision = dream.store.revision
    sessions = in_window(dream.store.sessions(), dream.window)
    step("digesting sessions", 0, 0)
    fresh = digest_missing(sessions, lambda done, total: step("digesting sessions", done, total))
    step("mining", 0, 0)
    thresholds = Thresholds()
    result = mine(
        list(read_digests(sessions)),
        thresholds,
        memories=memory_views(dream.store),
        served=served_texts(dream.store),
    )
    outcomes = _submit_all(dream, result, step)
    manifest = {
        "window": dream.window,
        "max_proposals": dream.max_proposals,
        "thresholds": asdict(thresholds),
        "digest_version": DIGEST_VERSION,
        "sessions_digested": fresh,
        "notes": list(result.notes),
    }
    with transaction.atomic():
        dream.findings.all().delete()
        Finding.objects.bulk_create(outcomes)
        _end(
            dream,
            Dream.Status.COMPLETED,
            base_revision=base_revision,
            sessions=result.sessions,
            events=result.events,
            manifest=manifest,
        )


def _submit_all(dream: Dream, result: MiningResult, step: Progress) -> list[Finding]:
    """Submit findings, best first, until the cap; what is refused or over the cap is kept with its reason."""
    outcomes, accepted = [], 0
    for number, found in enumerate(result.findings, 1):
        step("writing proposals", number, len(result.findings))
        if accepted >= dream.max_proposals:
            outcomes.append(_outcome(dream, found, reason=f"Over the cap of {dream.max_proposals} proposals a pass."))
            continue
        try:
            proposal = _submit(dream, found)
        except (Refused, InvalidMemory) as refusal:
            outcomes.append(_outcome(dream, found, reason=str(refusal)))
        else:
            accepted += 1
            outcomes.append(_outcome(dream, found, proposal=proposal))
    return outcomes + [_outcome(dream, discarded, reason=discarded.reason) for discarded in result.discarded]


def _submit(dream: Dream, found: Found) -> Proposal:
    filed = Proposal.objects.filter(store=dream.store, claim_key=found.claim_key, source_ref=dream_ref(dream)).first()
    if filed:  # by this dream, before its first runner died
        return filed
    text = writer.write(found)
    live = Memory.objects.filter(store=dream.store, path=text.path, head__isnull=False).select_related("head").first()
    if isinstance(found.lesson, Upkeep):
        if live is None or live.head_id != found.lesson.version:
            raise Refused(f"{text.path} changed while the dream ran.")
        operation, content = Proposal.Operation(found.lesson.operation), text.content
    elif live:
        operation, content = Proposal.Operation.UPDATE, f"{live.head.content.rstrip()}\n\n{text.content}"
    else:
        operation, content = Proposal.Operation.CREATE, text.content
    draft = Draft(
        operation=operation,
        path=text.path,
        content=content,
        base_version=live.head if live else None,
        kind=found.kind,
        title=text.title,
        rationale=text.rationale,
        claim_key=found.claim_key,
        evidence=[QuoteDraft(item.session_ref, item.seq, item.quote, item.stance) for item in found.evidence],
        support=support_of(found) | {"graduation": writer.graduation_text(found)},
        benefit=found.benefit,
    )
    return submit_proposal(
        store=dream.store,
        draft=draft,
        source=Proposal.Source.DREAM,
        source_ref=dream_ref(dream),
        proposer=Actor.system("dream"),
    )


def dream_ref(dream: Dream) -> str:
    return f"dream:{dream.pk}"


# What a finding has in columns of its own.
COLUMNS = {"support", "evidence", "kind", "claim_key", "title", "reason"}


def support_of(found: Found | Discarded) -> dict[str, Any]:
    """The numbers of a finding as plain JSON."""
    details = asdict(found)
    return asdict(found.support) | {name: value for name, value in details.items() if name not in COLUMNS}


def _outcome(dream: Dream, found: Found | Discarded, *, proposal: Proposal | None = None, reason: str = "") -> Finding:
    kind = found.kind if isinstance(found, Found) else "discarded"
    return Finding(
        dream=dream,
        kind=kind,
        title=found.title,
        claim_key=found.claim_key,
        data={"support": support_of(found)},
        proposal=proposal,
        discarded_reason=reason,
    )


@transaction.atomic
def _end(dream: Dream, status: str, **values: Any) -> None:
    """Close the dream with its audit entry; raises `Canceled` when somebody canceled it meanwhile."""
    running = Dream.objects.filter(pk=dream.pk, status=Dream.Status.RUNNING)
    if not running.update(status=status, ended_at=Now(), step="", **values):
        raise Canceled
    record(
        action="dream.ended",
        actor=Actor.system("dream"),
        subject=f"dream:{dream.pk}",
        store=dream.store.name,
        data={"status": status, "proposals": Proposal.objects.filter(source_ref=dream_ref(dream)).count()},
    )
