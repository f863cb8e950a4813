"""Decisions that can be taken back for a moment. They take effect through `decide()`, like all."""

import logging
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
from reviews.models import HeldBallot, ReviewSettings, Signature, Waiver
from reviews.services import Decided, decide, mark_stale
from reviews.signatures import REHEARSED, on_record, signed_words
from reviews.signing import SigningRequest, Verified, verify

logger = logging.getLogger(__name__)

State = HeldBallot.State


class _Rehearsed(Exception):
    """What `decide()` would do, taken back."""


def cast(
    *, proposal_id: int, decider: User, ballot: Ballot, signed: SigningRequest | Verified | None = None
) -> Decided | HeldBallot:
    """Decide, or hold the ballot back as long as the store's settings say. Raises what `decide()` raises.

    `signed` is the signing request, where the store asks for signatures. An emergency is not held back.
    """
    store = Proposal.objects.select_related("store").get(pk=proposal_id).store
    settings = ReviewSettings.of(store)
    seconds = 0 if ballot.waiver == Waiver.Kind.EMERGENCY else settings.hold_back_seconds
    if not settings.signatures:
        signed = None
    elif not isinstance(signed, Verified):
        # What would be refused anyway must not use a code up.
        _rehearse(proposal_id, decider, ballot, REHEARSED)
        signed = verify(
            signer=decider,
            request=signed or SigningRequest(),
            what=over_proposal(proposal_id, ballot.digest),
            minutes=settings.signing_break_minutes,
            store=store.name,
        )
    if not seconds:
        return decide(proposal_id=proposal_id, decider=decider, ballot=ballot, signed=signed)
    signature = _rehearse(proposal_id, decider, ballot, signed)
    return _hold(proposal_id, decider, ballot, timedelta(seconds=seconds), signature)


def over_proposal(proposal_id: int, digest: str) -> str:
    """What the signing request of one decision is bound to."""
    return f"proposal:{proposal_id}:{digest}"


def _rehearse(proposal_id: int, decider: User, ballot: Ballot, signed: Verified | None) -> Signature | None:
    """Refuse now what would be refused when it is due. Returns the signature that was rehearsed, not kept."""
    signature = None
    try:
        with transaction.atomic():
            decide(proposal_id=proposal_id, decider=decider, ballot=ballot, signed=signed)
            if signed:
                signature = Signature.objects.get(proposal_id=proposal_id, nonce=signed.nonce)
            raise _Rehearsed
    except _Rehearsed:
        pass
    except Stale as stale:
        mark_stale(proposal_id=proposal_id, reason=str(stale))
        raise
    return signature


@transaction.atomic
def _hold(proposal_id: int, decider: User, ballot: Ballot, wait: timedelta, signature: Signature | None) -> HeldBallot:
    proposal = Proposal.objects.select_for_update(of=("self",), no_key=True).select_related("store").get(pk=proposal_id)
    if HeldBallot.objects.filter(proposal=proposal, state=State.HELD).exists():
        raise AlreadyDecided("Somebody else decided it a moment ago.")
    actor = Actor.user(decider)
    if signature:
        signature.pk = None
        signature.save(force_insert=True)
    held = HeldBallot.objects.create(
        proposal=proposal,
        user=decider,
        user_name=actor.name,
        ballot=asdict(ballot),
        signature=signature,
        due_at=Now() + wait,
    )
    record(
        action="decision.held",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={"verdict": ballot.verdict, "held": held.pk, **on_record(signature)},
        words={"digest": ballot.digest, **signed_words(signature)},
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
            decided = decide(
                proposal_id=held.proposal_id,
                decider=_decider(held),
                ballot=_ballot(held),
                held=held.pk,
                signed=held.signature,
            )
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
