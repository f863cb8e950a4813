"""Known-bad proposals, put into the queue to see whether they are caught. They can never be published."""

from django.contrib.auth.models import User
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from memory.models import Proposal
from reviews.ballots import Ballot, NotAllowed
from reviews.models import Decision, Seed, SeedAnswer


def answer_seed(proposal: Proposal, decider: object, ballot: Ballot) -> SeedAnswer | None:
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
    proposal.status = Proposal.Status.EXPIRED
    proposal.status_reason = f"This was a test item; it could not have gone live. {seed.flaw}"
    proposal.decided_at = Now()
    proposal.save(update_fields=["status", "status_reason", "decided_at"])
    record(
        action="review.test_item_answered",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={"verdict": ballot.verdict, "caught": caught, "digest": ballot.digest},
    )
    return answer


def carry_seed(old: Proposal, newer: Proposal) -> None:
    """A test item that was reworded or rebased is one still. In the transaction that files the newer one."""
    if seed := Seed.objects.filter(proposal=old).first():
        Seed.objects.create(proposal=newer, flaw=seed.flaw, planted_by=seed.planted_by)
