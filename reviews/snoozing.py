"""Out of one's own sight for a while. Personal: it changes nothing for anybody else, and nothing in the record."""

from datetime import timedelta

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models.functions import Now

from memory.models import Proposal
from reviews.models import Snooze

SPANS = {
    "hour": ("an hour", timedelta(hours=1)),
    "tomorrow": ("until tomorrow, this time", timedelta(days=1)),
    "week": ("until next week, this time", timedelta(weeks=1)),
}


def snooze_of(proposal: Proposal, user: User | AnonymousUser) -> Snooze | None:
    return Snooze.objects.filter(proposal=proposal, user_id=user.pk, until__gt=Now()).first()


@transaction.atomic
def snooze(*, proposal: Proposal, user: User, span: str) -> Snooze:
    """Replaces an earlier one. Raises `KeyError` for an unknown span."""
    until = Now() + SPANS[span][1]
    row, _ = Snooze.objects.update_or_create(proposal=proposal, user=user, defaults={"until": until})
    row.refresh_from_db()
    return row


def wake(*, proposal: Proposal, user: User) -> None:
    Snooze.objects.filter(proposal=proposal, user=user).delete()
