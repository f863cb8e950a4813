"""Who reads a proposal now. A courtesy among reviewers that expires: deciding never asks for it."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Now

from audit.actors import Actor
from memory.models import Proposal
from reviews.models import Claim

LASTS = timedelta(minutes=10)


def claim(*, proposal_id: int, by: User) -> None:
    """Say that `by` reads an open proposal, or still does, unless somebody else does."""
    name, until = Actor.user(by).name, Now() + LASTS
    free = Q(user_id=by.pk) | Q(expires_at__lte=Now())
    kept = Claim.objects.filter(free, proposal_id=proposal_id)
    if kept.update(user_id=by.pk, user_name=name, expires_at=until):
        return
    if Proposal.objects.open().filter(pk=proposal_id, desk_claim=None).exists():
        # Two who open it at once: one of them is first.
        Claim.objects.bulk_create(
            [Claim(proposal_id=proposal_id, user_id=by.pk, user_name=name, expires_at=until)], ignore_conflicts=True
        )


def take_over(*, proposal_id: int, by: User) -> None:
    """Say that `by` reads it instead of whoever did."""
    Claim.objects.filter(proposal_id=proposal_id).delete()
    claim(proposal_id=proposal_id, by=by)


def release(*, proposal_id: int, by: User) -> None:
    """Say that `by` does not read it any more."""
    Claim.objects.filter(proposal_id=proposal_id, user_id=by.pk).delete()
