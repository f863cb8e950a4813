"""Decisions that can be taken back for a moment. They take effect through `decide()`, like all."""

import logging
import uuid
from dataclasses import asdict
from datetime import timedelta

from celery import current_app
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from memory.models import Proposal
from reviews.ballots import AlreadyDecided, Ballot, DecisionRefused, Edit, NotAllowed, Stale
from reviews.models import HeldBallot, ReviewSettings
from reviews.services import Decided, decide, mark_stale

logger = logging.getLogger(__name__)

State = HeldBallot.State


class _Rehearsed(Exception):
    """What `decide()` would do, taken back."""


def cast(*, proposal_id: int, decider: User, ballot: Ballot, act: uuid.UUID | None = None) -> Decided | HeldBallot:
    """Decide, or hold the ballot back as long as the store's settings say. Raises what `decide()` raises.

    `act` is the act that a decision made at once is part of.
    """
    store = Proposal.objects.select_related("store").get(pk=proposal_id).store
    seconds = ReviewSettings.of(store).hold_back_seconds
    if not seconds:
        return decide(proposal_id=proposal_id, decider=decider, ballot=ballot, act=act)
    _rehearse(proposal_id, decider, ballot)
    return _hold(proposal_id, decider, ballot, timedelta(seconds=seconds))


def _rehearse(proposal_id: int, decider: User, ballot: Ballot) -> None:
    """Refuse now what would be refused when it is due."""
    try:
        with transaction.atomic():
            decide(proposal_id=proposal_id, decider=decider, ballot=ballot)
            raise _Rehearsed
    except _Rehearsed:
        pass
    except Stale as stale:
        mark_stale(proposal_id=proposal_id, reason=str(stale))
        raise


@transaction.atomic
def _hold(proposal_id: int, decider: User, ballot: Ballot, wait: timedelta) -> HeldBallot:
    proposal = Proposal.objects.select_for_update(of=("self",), no_key=True).select_related("store").get(pk=proposal_id)
    if HeldBallot.objects.filter(proposal=proposal, state=State.HELD).exists():
        raise AlreadyDecided("Somebody else decided it a moment ago.")
    actor = Actor.user(decider)
    held = HeldBallot.objects.create(
        proposal=proposal, user=decider, user_name=actor.name, ballot=asdict(ballot), due_at=Now() + wait
    )
    record(
        action="decision.held",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={"verdict": ballot.verdict, "held": held.pk},
        words={"digest": ballot.digest},
    )
    held.refresh_from_db()
    # Should the broker be away, `release_held` finds it.
    transaction.on_commit(
        lambda: current_app.send_task("reviews.tasks.release_one", [held.pk], eta=held.due_at), robust=True
    )
    return held


@transaction.atomic
def undo(*, held_id: int, by: User) -> HeldBallot:
    """Take one's own held ballot back. Raises `NotAllowed`, and `AlreadyDecided` when it took effect."""
    held = HeldBallot.objects.select_for_update(of=("self",)).select_related("proposal__store").get(pk=held_id)
    if held.user_id != by.pk:
        raise NotAllowed(f"Only {held.user_name} can take it back.")
    if held.state != State.HELD:
        raise AlreadyDecided(f"It {held.get_state_display()} already.")
    held.state = State.UNDONE
    held.save(update_fields=["state"])
    record(
        action="decision.undone",
        actor=Actor.user(by),
        subject=f"proposal:{held.proposal_id}",
        store=held.proposal.store.name,
        data={"held": held.pk},
    )
    return held


def release(held_id: int) -> Decided | None:
    """Let a ballot that is due take effect. None when it was taken back, took effect, is not due or is refused now.

    A refusal is kept with its reason, for its reviewer to see; the proposal is open again, or stale.
    """
    with transaction.atomic():
        held = (
            HeldBallot.objects.select_for_update(of=("self",))
            .filter(pk=held_id, state=State.HELD, due_at__lte=Now())
            .first()
        )
        if held is None:
            return None
        try:
            decided = decide(proposal_id=held.proposal_id, decider=_decider(held), ballot=_ballot(held), held=held.pk)
        except DecisionRefused as refusal:
            decided = None
            held.state, held.outcome = State.REFUSED, str(refusal)
        else:
            held.state = State.DONE
        held.save(update_fields=["state", "outcome"])
        return decided


def release_due() -> int:
    """Let every ballot that is due take effect; returns how many did."""
    due = HeldBallot.objects.filter(state=State.HELD, due_at__lte=Now()).order_by("due_at").values_list("pk", flat=True)
    return sum(_released(pk) for pk in list(due))


def _released(held_id: int) -> bool:
    """One ballot that fails keeps the others from nothing; the next sweep tries it again."""
    try:
        return release(held_id) is not None
    except DatabaseError:
        logger.exception("held ballot %s could not be released", held_id)
        return False


def _decider(held: HeldBallot) -> User:
    if user := User.objects.filter(pk=held.user_id).first():
        return user
    raise NotAllowed(f"The account of {held.user_name} is gone.")


def to_tell(user: User) -> list[HeldBallot]:
    """The user's ballots that can still be taken back, and those that could not take effect, newest first."""
    untold = Q(state=State.HELD) | Q(state=State.REFUSED, dismissed_at=None)
    return list(HeldBallot.objects.filter(untold, user_id=user.pk).select_related("proposal").order_by("-id"))


def dismiss(*, held_id: int, by: User) -> None:
    """The reviewer has read why it could not take effect."""
    HeldBallot.objects.filter(pk=held_id, user_id=by.pk, state=State.REFUSED).update(dismissed_at=Now())


def _ballot(held: HeldBallot) -> Ballot:
    edit = held.ballot["edit"]
    return Ballot(**{**held.ballot, "edit": Edit(**edit) if edit else None})
