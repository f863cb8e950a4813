"""Somebody else looks again at what one person published where two are asked: within a day, and confirms or reverts it."""

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.actors import Actor
from audit.acts import one_act
from audit.services import record
from memory.models import Proposal
from reviews.ballots import AlreadyDecided, NotAllowed
from reviews.models import ReReview, Waiver
from reviews.together import check_reviewer, checked_words
from reviews.undoing import revert as file_reverse

Outcome = ReReview.Outcome


@transaction.atomic
def confirm(*, waiver_id: int, by: User, note: str) -> ReReview:
    """It may stay. Raises `NotDone` without a note, `NotAllowed` for who waived it, `AlreadyDecided`."""
    return _answer(_open(waiver_id, by), Outcome.CONFIRMED, by, note)


@transaction.atomic
@one_act()
def revert(*, waiver_id: int, by: User, note: str) -> ReReview:
    """Put its reverse forward, which needs a decision like any other. Raises what `confirm()` and undoing raise."""
    waiver = _open(waiver_id, by)
    reversal = file_reverse(decision_id=waiver.decision_id, by=by, why=note)
    return _answer(waiver, Outcome.REVERTED, by, note, reversal)


def _open(waiver_id: int, by: User) -> Waiver:
    check_reviewer(by)
    waiver = Waiver.objects.select_related("decision__proposal__store").get(pk=waiver_id)
    if waiver.by_id == by.pk:
        raise NotAllowed("You published it alone. Somebody else looks at it again.")
    if ReReview.objects.filter(waiver=waiver).exists():
        raise AlreadyDecided("Somebody looked at it again already.")
    return waiver


def _answer(waiver: Waiver, outcome: str, by: User, note: str, reversal: Proposal | None = None) -> ReReview:
    actor, note = Actor.user(by), checked_words(note, "Say what you found: it is kept in the record.")
    try:
        with transaction.atomic():
            answer = ReReview.objects.create(
                waiver=waiver, outcome=outcome, by=by, by_name=actor.name, note=note, reversal=reversal
            )
    except IntegrityError as error:
        raise AlreadyDecided("Somebody looked at it again a moment ago.") from error
    proposal = waiver.decision.proposal
    record(
        action="decision.re_reviewed",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={
            "waiver": waiver.pk,
            "outcome": str(outcome),
            "reversal": reversal.pk if reversal else None,
        },
        words={"note": note},
    )
    return answer
