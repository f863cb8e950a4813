"""Whose turn a proposal is, and when one person does not want to decide it alone."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.roles import REVIEWER, has_role
from audit.services import record
from memory.models import Proposal
from reviews.ballots import AlreadyDecided, NotAllowed
from reviews.models import Assignment, Escalation, HeldBallot


class NotDone(ValueError):
    """What was asked for makes no sense; the message says why, and nothing was done."""


def check_reviewer(user: User) -> None:
    if not has_role(User.objects.get(pk=user.pk), REVIEWER):
        raise NotAllowed("Only a reviewer does that.")


def locked_open(proposal_id: int, by: User) -> Proposal:
    """The proposal, locked, when it waits for a decision and `by` may have a hand in that."""
    check_reviewer(by)
    proposal = Proposal.objects.select_for_update(of=("self",), no_key=True).select_related("store").get(pk=proposal_id)
    if not proposal.is_open:
        raise AlreadyDecided(f"{proposal.public_id} is not open any more: {proposal.get_status_display()}.")
    return proposal


def check_not_held(proposal: Proposal) -> None:
    if HeldBallot.objects.filter(proposal=proposal, state=HeldBallot.State.HELD).exists():
        raise AlreadyDecided("Somebody decided it a moment ago; that can still be taken back.")


@transaction.atomic
def assign(*, proposal_id: int, to: User, by: User) -> Assignment:
    """Make it `to`'s turn. Raises `NotDone`, `NotAllowed`, `AlreadyDecided`."""
    proposal = locked_open(proposal_id, by)
    if not has_role(User.objects.get(pk=to.pk), REVIEWER):
        raise NotDone(f"{to.username} is no reviewer.")
    assignment, _ = Assignment.objects.update_or_create(
        proposal=proposal,
        defaults={
            "assignee": to,
            "assignee_name": Actor.user(to).name,
            "by_name": Actor.user(by).name,
            "at": Now(),
        },
    )
    record_act("proposal.assigned", proposal, by, to=str(to.pk))
    return assignment


@transaction.atomic
def unassign(*, proposal_id: int, by: User) -> None:
    """Make it anybody's turn again. Raises `NotDone`, `NotAllowed`, `AlreadyDecided`."""
    proposal = locked_open(proposal_id, by)
    gone, _ = Assignment.objects.filter(proposal=proposal).delete()
    if not gone:
        raise NotDone("It is nobody's turn in particular already.")
    record_act("proposal.unassigned", proposal, by)


@transaction.atomic
def escalate(*, proposal_id: int, by: User, reason: str) -> Escalation:
    """Ask for two people from now on; that stays so. Raises `NotDone`, `NotAllowed`, `AlreadyDecided`."""
    proposal = locked_open(proposal_id, by)
    reason = checked_words(reason, "Say why: the second person will ask.")
    if earlier := Escalation.objects.filter(proposal=proposal).first():
        raise NotDone(f"{earlier.by_name} escalated it already.")
    escalation = Escalation.objects.create(proposal=proposal, by=by, by_name=Actor.user(by).name, reason=reason)
    record_act("proposal.escalated", proposal, by, words={"reason": reason})
    return escalation


def checked_words(words: str, ask: str) -> str:
    words = words.replace("\r\n", "\n").strip()
    if not words:
        raise NotDone(ask)
    if len(words) > 4_000:
        raise NotDone(f"That has {len(words):,} characters; 4,000 are the most.")
    return words


def record_act(action: str, proposal: Proposal, by: User, words: dict[str, str] | None = None, **data: Any) -> None:
    record(
        action=action,
        actor=Actor.user(by),
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data=data,
        words=words,
    )
