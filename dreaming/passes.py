"""One dream pass: claim it, let its engine find, submit what it found, and close it with its record."""

import logging
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from dreaming.engines import engine
from dreaming.engines.base import Canceled, Candidate, EngineFailed, LeftOut, OverBudget, Pass, Progress
from dreaming.locks import alone
from dreaming.mixing import mixed
from dreaming.models import Dream, Finding
from dreaming.readiness import report_on
from dreaming.services import RUNNER_LOCK
from dreaming.signals import candidate_filed
from dreaming.version import code_version
from dreaming.windows import in_window
from memory.models import Proposal
from memory.paths import InvalidMemory
from memory.services import Draft, Refused, known_claim, submit_proposal

logger = logging.getLogger(__name__)


def run_dream(dream_id: int, on_progress: Progress | None = None) -> bool:
    """Run a pending dream to its end, or take up one whose runner died. False when another runner has it, or it ended.

    The runner holds an advisory lock on its database connection, so a dead runner lets go by itself.
    """
    with alone(RUNNER_LOCK, dream_id) as mine_to_run:
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


def _pass(dream: Dream, on_progress: Progress) -> None:
    def step(name: str, done: int, total: int) -> None:
        still = Dream.objects.filter(pk=dream.pk, status=Dream.Status.RUNNING)
        if not still.update(step=name, done=done, total=total):
            raise Canceled
        on_progress(name, done, total)

    base_revision = dream.store.revision
    run = Pass(dream=dream, step=step, sessions=in_window(dream.store.sessions(), dream.window))
    run.manifest |= {
        "window": dream.window,
        "engine": dream.engine,
        "max_proposals": dream.max_proposals,
        "code_version": code_version(),
    }
    outcomes: list[Finding] = []
    error = ""
    try:
        _submit_all(run, outcomes)
    except EngineFailed as failure:
        error = str(failure)
    run.manifest["readiness"] = report_on(run.sessions)
    with transaction.atomic():
        dream.findings.all().delete()
        Finding.objects.bulk_create(outcomes)
        _end(
            dream,
            Dream.Status.FAILED if error else Dream.Status.COMPLETED,
            error=error,
            base_revision=base_revision,
            sessions=run.session_count,
            events=run.event_count,
            manifest=run.manifest,
        )


def estimate(dream: Dream) -> dict[str, Any]:
    """What such a dream would cost, in tokens and USD; {} when nothing. `dream` need not be saved; nothing is paid.

    Raises `EngineFailed` when the API that counts cannot be had.
    """
    run = Pass(dream=dream, step=lambda *_: None, sessions=in_window(dream.store.sessions(), dream.window))
    guess = getattr(engine(dream.engine), "estimate", None)
    return guess(run) if guess else {}


def _submit_all(run: Pass, outcomes: list[Finding]) -> None:
    """Submit candidates, best first, until the cap or the budget; what is left out is kept with its reason.

    What this dream filed before its first runner died is its own, whatever became of it since.
    """
    number = 0
    filed = {proposal.claim_key: proposal for proposal in Proposal.objects.filter(source_ref=dream_ref(run.dream))}
    run.accepted = len(filed)
    for candidate in mixed(run, engine(run.dream.engine).candidates(run)):
        reason = candidate.reason
        if candidate.claim_key in filed:
            outcomes.append(_outcome(run, candidate, proposal=filed[candidate.claim_key]))
            continue
        if candidate.draft:
            number += 1
            run.step("writing proposals", number, run.expected)
            try:
                outcomes.append(_outcome(run, candidate, proposal=_submit(run, candidate)))
                run.accepted += 1
                continue
            except (Refused, InvalidMemory, LeftOut) as refusal:
                reason = str(refusal)
            except OverBudget as stop:
                run.manifest["stopped"] = str(stop)
                reason = f"Not looked at: {stop}"
        outcomes.append(_outcome(run, candidate, reason=reason))


def _submit(run: Pass, candidate: Candidate) -> Proposal:
    if not run.room:
        raise LeftOut(f"Over the cap of {run.dream.max_proposals} proposals a pass.")
    if "stopped" in run.manifest:
        raise OverBudget(run.manifest["stopped"])
    assert candidate.draft
    draft = candidate.draft()
    if reason := _in_the_way(run, draft, candidate.claim_key):
        raise LeftOut(reason)
    with transaction.atomic():
        proposal = submit_proposal(
            store=run.dream.store,
            draft=draft,
            source=Proposal.Source.DREAM,
            source_ref=dream_ref(run.dream),
            proposer=Actor.system("dream"),
        )
        candidate_filed.send(sender=Pass, proposal=proposal)
    return proposal


def _in_the_way(run: Pass, draft: Draft, claim_key: str) -> str:
    """Which open proposal changes the same memory, so that approving one would make the other stale; '' when none.

    A claim that is known already is refused for that, by `submit_proposal`.
    """
    store = run.dream.store
    if known_claim(store=store, claim_key=claim_key):
        return ""
    base = draft.base_version
    waiting = Proposal.objects.open().touching(
        store_id=store.pk, paths={draft.path, draft.new_path} - {""}, memory_id=base.memory_id if base else None
    )
    other = waiting.order_by("pk").first()
    if other is None:
        return ""
    if other.source_ref == dream_ref(run.dream):
        return f"Another proposal of this pass changes this memory: {other.public_id}, {draft.path}. It comes again."
    return f"{other.public_id} changes this memory, {draft.path}, and waits for a decision. It comes again after that."


def dream_ref(dream: Dream) -> str:
    return f"dream:{dream.pk}"


def _outcome(run: Pass, candidate: Candidate, *, proposal: Proposal | None = None, reason: str = "") -> Finding:
    return Finding(
        dream=run.dream,
        kind=proposal.kind if proposal else candidate.kind,
        title=candidate.title,
        claim_key=candidate.claim_key,
        data=candidate.data,
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
