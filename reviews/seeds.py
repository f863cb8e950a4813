"""Known-bad proposals, put into the queue to see whether they are caught. They can never be published."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from memory.models import Proposal
from reviews.ballots import Ballot, NotAllowed
from reviews.models import Decision, Seed, SeedAnswer, SeedDraft, Signature
from reviews.signatures import on_record, signed_words

UNANSWERED = timedelta(days=14)


def answer_seed(
    proposal: Proposal, decider: object, ballot: Ballot, signature: Signature | None = None
) -> SeedAnswer | None:
    """Close a test item with what was made of it; None for any other proposal. Nothing is ever published."""
    seed = Seed.objects.filter(proposal=proposal).first()
    if seed is None:
        return None
    if not isinstance(decider, User):
        raise NotAllowed("A person decides this.")
    actor, caught = Actor.user(decider), ballot.verdict == Decision.Verdict.REJECT
    answer = SeedAnswer.objects.create(
        seed=seed,
        user=decider,
        user_name=actor.name,
        verdict=ballot.verdict,
        reason=ballot.reason.strip(),
        caught=caught,
    )
    _close(proposal, f"This was a test item; it could not have gone live. {seed.flaw}")
    record(
        action="review.test_item_answered",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={"verdict": ballot.verdict, "caught": caught, **_opened(proposal), **on_record(signature)},
        words={"digest": ballot.digest, "reason": answer.reason, **signed_words(signature)},
    )
    return answer


def inherit(*, old: Proposal, new: Proposal) -> None:
    """A test item that is put forward anew stays one. Called in the transaction that files it."""
    if seed := Seed.objects.filter(proposal=old).first():
        Seed.objects.create(proposal=new, flaw=seed.flaw, planted_by=seed.planted_by)


def expire_unanswered() -> int:
    """Close the test items that nobody answered within `UNANSWERED`; returns how many."""
    waiting = Seed.objects.filter(
        proposal__status__in=[Proposal.Status.OPEN, Proposal.Status.STALE], planted_at__lt=Now() - UNANSWERED
    )
    return sum(_expire(seed) for seed in waiting)


@transaction.atomic
def _expire(seed: Seed) -> bool:
    rows = Proposal.objects.select_for_update(of=("self",), no_key=True).select_related("store")
    proposal = rows.get(pk=seed.proposal_id)
    if proposal.status not in (Proposal.Status.OPEN, Proposal.Status.STALE):
        return False
    _close(proposal, f"This was a test item that nobody answered. {seed.flaw}")
    record(
        action="proposal.expired",
        actor=Actor.system("test items"),
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={"test_item": True, **_opened(proposal)},
    )
    return True


def _close(proposal: Proposal, reason: str) -> None:
    proposal.status = Proposal.Status.EXPIRED
    proposal.status_reason = reason
    proposal.decided_at = Now()
    proposal.save(update_fields=["status", "status_reason", "decided_at"])


def _opened(proposal: Proposal) -> dict[str, Any]:
    """Which commitment of the day when the item was ordered this is. What opens it is kept beside the order."""
    item = SeedDraft.objects.filter(proposal=proposal).first()
    return {"commitment": item.commitment, "ordered_in_act": str(item.act)} if item else {}
