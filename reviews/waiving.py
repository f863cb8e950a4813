"""One person publishes where two are asked: only where the store allows it, with a reason, and never quietly."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from memory.models import Proposal
from reviews.ballots import BadDecision, Ballot, NotAllowed
from reviews.four_eyes import others_behind
from reviews.models import Decision, ReviewSettings, Waiver

LOOKED_AT_WITHIN = timedelta(hours=24)


def goes_alone(proposal: Proposal, decider: User, ballot: Ballot, *, asks_two: bool) -> bool:
    """Whether the ballot waives the second person; not when there is one already. Raises a `DecisionRefused`."""
    if not ballot.waiver:
        return False
    if ballot.waiver not in Waiver.Kind.values:
        raise BadDecision(f"{ballot.waiver!r} is no waiver; use {', '.join(Waiver.Kind.values)}.")
    if not asks_two:
        raise BadDecision("One person decides here: there is nobody to waive. Approve it as usual.")
    if not ReviewSettings.of(proposal.store).waivers_allowed:
        raise NotAllowed(f"{proposal.store.name} allows no waiver: two people approve this.")
    if not ballot.reason.strip():
        raise BadDecision("Say why one person is enough: somebody looks at it again, and will ask.")
    return bool(ballot.edit) or not others_behind(proposal, decider)


def waive(decision: Decision, kind: str) -> Waiver:
    """Keep that one person was enough, and who has to be asked by when. In the transaction of the decision."""
    waiver = Waiver.objects.create(
        decision=decision,
        kind=kind,
        reason=decision.reason,
        by_id=decision.decider_id,
        by_name=decision.decider_name,
        due_at=Now() + LOOKED_AT_WITHIN,
    )
    record(
        action="decision.emergency" if kind == Waiver.Kind.EMERGENCY else "decision.waived",
        actor=Actor("user", str(decision.decider_id), decision.decider_name),
        subject=f"proposal:{decision.proposal_id}",
        store=decision.proposal.store.name,
        data={"decision": decision.pk, "waiver": waiver.pk},
        words={"reason": waiver.reason},
        act=decision.act,
    )
    return waiver
