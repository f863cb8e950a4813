"""The age of what waits, against the age by which its store wants it decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Max, Min, Value
from django.db.models.functions import Coalesce, Now

from memory.models import Proposal, ProposalQuerySet
from reviews.models import ReviewSettings

AGES = {"over": "over target", "near": "near target", "fresh": "fresh"}
NEAR = 0.75
DEFAULT_HOURS: int = ReviewSettings._meta.get_field("target_hours").default


@dataclass(frozen=True, slots=True)
class Standing:
    """One of `AGES`, and the target that it is measured against."""

    age: str
    target_hours: int

    @property
    def label(self) -> str:
        return AGES[self.age]


def aged(found: ProposalQuerySet, age: str) -> ProposalQuerySet:
    """Those over, near or under the target of their store."""
    hours = Coalesce(F("store__review_settings__target_hours"), Value(DEFAULT_HOURS))
    found = found.alias(late=_used(hours, 1.0), soon=_used(hours, NEAR))
    shortest, longest = _extremes()
    # Exact by store; and bounded for all of them, so that an index over the time of proposing serves.
    if age == "over":
        return found.filter(created_at__lt=F("late")).filter(created_at__lt=Now() - shortest)
    if age == "near":
        found = found.filter(created_at__gte=F("late"), created_at__lt=F("soon"))
        return found.filter(created_at__gte=Now() - longest, created_at__lt=Now() - shortest * NEAR)
    return found.filter(created_at__gte=F("soon")).filter(created_at__gte=Now() - longest * NEAR)


def _used(hours: Coalesce, share: float) -> ExpressionWrapper:
    """When a proposal was made that has used up this share of its store's target by now."""
    target = ExpressionWrapper(hours * Value(timedelta(hours=share)), output_field=DurationField())
    return ExpressionWrapper(Now() - target, output_field=DateTimeField())


def _extremes() -> tuple[timedelta, timedelta]:
    given = ReviewSettings.objects.aggregate(shortest=Min("target_hours"), longest=Max("target_hours"))
    hours = [value for value in given.values() if value is not None]
    return timedelta(hours=min([*hours, DEFAULT_HOURS])), timedelta(hours=max([*hours, DEFAULT_HOURS]))


def standings(rows: Iterable[Proposal]) -> dict[int, Standing]:
    """Proposal id → how its age stands, in one query."""
    rows = list(rows)
    stores = {row.store_id for row in rows}
    targets = dict(ReviewSettings.objects.filter(store__in=stores).values_list("store_id", "target_hours"))
    return {row.pk: _standing(row.created_at, targets.get(row.store_id, DEFAULT_HOURS)) for row in rows}


def _standing(created_at: datetime, hours: int) -> Standing:
    used = (datetime.now(UTC) - created_at) / timedelta(hours=hours)
    return Standing("over" if used > 1 else "near" if used > NEAR else "fresh", hours)
