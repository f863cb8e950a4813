"""Proposals grow old: past the store's target they are marked, past its limit they expire and are not applied."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.actors import Actor
from audit.services import record
from memory.models import MemoryStore, Proposal, ProposalQuerySet
from reviews.models import HeldBallot, ReviewSettings

EXPIRY = Actor.system("expiry")
BATCH = 100
# From then on the page tells when a proposal will expire.
EXPIRES_SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Age:
    """Since when a proposal waits, against the store's target and limit."""

    since: datetime
    target_hours: int
    expires_at: datetime

    @property
    def is_late(self) -> bool:
        return timezone.now() - self.since > timedelta(hours=self.target_hours)

    @property
    def expires_soon(self) -> bool:
        return self.expires_at - timezone.now() < EXPIRES_SOON


def age_of(proposal: Proposal) -> Age | None:
    """The age of a proposal that waits; none for one that is closed."""
    if proposal.status not in (Proposal.Status.OPEN, Proposal.Status.STALE):
        return None
    settings = ReviewSettings.of(proposal.store)
    limit = timedelta(days=settings.expires_after_days)
    return Age(proposal.created_at, settings.target_hours, proposal.created_at + limit)


def late(store: MemoryStore, settings: ReviewSettings) -> ProposalQuerySet:
    """What waits longer in the store than its target."""
    waiting = Proposal.objects.open().filter(store=store)
    return waiting.filter(created_at__lt=Now() - timedelta(hours=settings.target_hours))


def expire_due() -> int:
    """Expire what waited longer than its store's limit; returns how many did. Whoever decides at that moment wins."""
    return sum(_expire(batch, days) for store in MemoryStore.objects.all() for batch, days in _due(store))


def _due(store: MemoryStore) -> Iterator[tuple[list[int], int]]:
    """The ids of what is due, a batch at a time, and the limit in days."""
    days = ReviewSettings.of(store).expires_after_days
    ids = list(_overdue(days).filter(store=store).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH], days


def _overdue(days: int) -> ProposalQuerySet:
    waiting = Proposal.objects.filter(status__in=[Proposal.Status.OPEN, Proposal.Status.STALE])
    return waiting.filter(created_at__lt=Now() - timedelta(days=days))


@transaction.atomic
def _expire(ids: list[int], days: int) -> int:
    """What somebody has locked is left for the next time, and what is held back for its reviewer.

    Held ballots are looked for with the rows locked: before, one could be cast in between.
    """
    rows = _overdue(days).filter(pk__in=ids).select_related("store").order_by("pk")
    locked = list(rows.select_for_update(of=("self",), skip_locked=True, no_key=True))
    held = set(
        HeldBallot.objects.filter(proposal__in=locked, state=HeldBallot.State.HELD).values_list("proposal", flat=True)
    )
    expired = [proposal for proposal in locked if proposal.pk not in held]
    for proposal in expired:
        proposal.status_reason = _reason(proposal, days)
        proposal.status = Proposal.Status.EXPIRED
        proposal.decided_at = Now()
    Proposal.objects.bulk_update(expired, ["status", "status_reason", "decided_at"])
    for proposal in expired:
        record(
            action="proposal.expired",
            actor=EXPIRY,
            subject=f"proposal:{proposal.pk}",
            store=proposal.store.name,
            data={"after_days": days},
            words={"reason": proposal.status_reason},
        )
    return len(expired)


def _reason(proposal: Proposal, days: int) -> str:
    stale = f" It was stale: {proposal.status_reason}" if proposal.status == Proposal.Status.STALE else ""
    return f"Nobody decided it within {days} days, so it was not applied. The same claim may be proposed again.{stale}"
