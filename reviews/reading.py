"""What is kept of a reading: when it began, how long the page was in view, what was opened, and whether it was blind."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from memory.models import Proposal
from reviews.models import Reading, ReviewSettings

DEFAULT_SHARE = ReviewSettings._meta.get_field("blind_share").get_default


def is_drawn(proposal: Proposal, user: User, share: int) -> bool:
    """Whether this person reads this proposal blind first: the same each time, and known to nobody without the key."""
    drawn = salted_hmac("reviews.blind", f"{proposal.pk}:{user.pk}", algorithm="sha256").digest()
    return int.from_bytes(drawn[:8]) % 100 < share


def open_reading(proposal: Proposal, user: User) -> Reading:
    """The person's reading of the proposal, begun now if it is the first time."""
    blind = lambda: is_drawn(proposal, user, ReviewSettings.of(proposal.store).blind_share)  # noqa: E731
    reading, _ = Reading.objects.get_or_create(proposal=proposal, user=user, defaults={"blind": blind})
    return reading


def held_back(proposals: Iterable[Proposal], user: User) -> set[int]:
    """The ids of those whose numbers and rationale this person is not shown yet; for lists, in two queries."""
    rows = {row.pk: row for row in proposals if row.is_open}
    stores = {row.store_id for row in rows.values()}
    shares = dict(ReviewSettings.objects.filter(store__in=stores).values_list("store_id", "blind_share"))
    begun = {row.proposal_id: row for row in Reading.objects.filter(proposal__in=rows, user=user)}
    return {
        pk
        for pk, row in rows.items()
        if (begun[pk].holds_back if pk in begun else is_drawn(row, user, shares.get(row.store_id, DEFAULT_SHARE())))
    }


def reveal(proposal: Proposal, user: User) -> None:
    """Show the rationale and the numbers from now on. The first time counts."""
    reading = open_reading(proposal, user)
    Reading.objects.filter(pk=reading.pk, revealed_at=None).update(revealed_at=Now())


@transaction.atomic
def add_time(*, proposal: Proposal, user: User, seconds: int, evidence: int) -> None:
    """Add what the page told: seconds in view, and links to evidence opened. Never more than can be.

    The seconds end with the decision, and are at most those that went by since the page was opened.
    """
    reading = Reading.objects.select_for_update().get(pk=open_reading(proposal, user).pk)
    passed = ((reading.decided_at or datetime.now(UTC)) - reading.opened_at).total_seconds()
    reading.dwell_seconds = min(reading.dwell_seconds + max(0, seconds), max(0, round(passed)))
    reading.evidence_opened = min(reading.evidence_opened + max(0, evidence), proposal.evidence.count())
    reading.save(update_fields=["dwell_seconds", "evidence_opened"])


def note_decided(proposal: Proposal, user: User) -> None:
    Reading.objects.filter(proposal=proposal, user=user).update(decided_at=Now())
