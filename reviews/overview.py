"""What the overview shows, each part in one query over an index; times are UTC days or weeks."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, DateField, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Length, Trunc

from dreaming.charts import Bar
from dreaming.models import Dream, DreamPolicy, Finding
from dreaming.plots import Plot, Series, Span, line, stacked
from memory.models import Memory, MemoryStore, MemoryVersion
from reviews.models import Decision, ReviewSettings
from sessions.models import SessionCount

PERIODS = (7, 30, 90)
OUTCOMES = (("success", "live"), ("partial", "sun"), ("failure", "bad"), ("unknown", "none"))
VERDICTS = (
    ("approved by a person", "live", Q(verdict="approve", decider_kind="user")),
    ("approved with edits", "info", Q(verdict="approve_with_edits", decider_kind="user")),
    ("let through by policy", "sun", Q(decider_kind="policy")),
    ("rejected", "bad", Q(verdict="reject", decider_kind="user")),
)


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are looked at, the last of them today."""

    days: int
    span: Span

    @classmethod
    def of(cls, days: int, today: date | None = None) -> "Period":
        return cls(days, Span.of(days, today or datetime.now(UTC).date()))

    @property
    def since(self) -> datetime:
        return datetime.combine(self.span.starts[0], time(), UTC)

    def buckets(self, rows: QuerySet, at: str, *group: str) -> QuerySet:
        """The rows of the period counted by bucket, and by `group`."""
        bucket = Trunc(at, "week" if self.span.weekly else "day", output_field=DateField(), tzinfo=UTC)
        inside = rows.order_by().filter(**{f"{at}__gte": self.since})
        return inside.annotate(bucket=bucket).values("bucket", *group)


@dataclass(frozen=True, slots=True)
class Signal:
    """How sessions ended over time, and for each store the share that says so at all."""

    plot: Plot
    stores: list[Bar]


def signal(period: Period) -> Signal:
    bucket = Trunc("day", "week" if period.span.weekly else "day", output_field=DateField())
    counted = SessionCount.objects.filter(day__gte=period.span.starts[0]).annotate(bucket=bucket)
    rows = list(counted.order_by().values("bucket", "outcome", "agent").annotate(number=Sum("number")))
    series = [
        Series(name, tone, period.span.values((row["bucket"], row["number"]) for row in rows if row["outcome"] == name))
        for name, tone in OUTCOMES
    ]
    total = sum(one.total for one in series)
    known = total - series[-1].total
    won = series[0].total
    note = (
        f"sessions; {won:,} of {known:,} with an outcome succeeded ({100 * won / known:.0f} %)" if known else "sessions"
    )
    plot = stacked("Sessions and how they ended", period.span.labels, series, number=f"{total:,}", note=note)
    return Signal(plot, _by_store(rows))


def _by_store(rows: list[dict[str, Any]]) -> list[Bar]:
    totals: dict[int, int] = defaultdict(int)
    known: dict[int, int] = defaultdict(int)
    for row in rows:
        totals[row["agent"]] += row["number"]
        known[row["agent"]] += row["number"] * (row["outcome"] != "unknown")
    members: dict[str, list[int]] = defaultdict(list)
    for name, agent in MemoryStore.objects.values_list("name", "agents").order_by("name"):
        members[name].append(agent)
    bars = (
        Bar(name, sum(known[agent] for agent in agents), sum(totals[agent] for agent in agents))
        for name, agents in members.items()
    )
    return [bar for bar in bars if bar.total]


AGES = ((1, "under 1 d"), (3, "1–3 d"), (7, "3–7 d"), (14, "1–2 weeks"), (28, "2–4 weeks"), (0, "older"))
_AGEING = """
    SELECT width_bucket(extract(epoch FROM now() - proposal.created_at)::float8, %s::float8[]) AS class,
           proposal.created_at < now() - make_interval(hours => coalesce(settings.target_hours, %s)) AS late, count(*)
    FROM memory_proposal proposal LEFT JOIN reviews_reviewsettings settings ON settings.store_id = proposal.store_id
    WHERE proposal.status = 'open' GROUP BY 1, 2
"""


def ageing() -> Plot:
    """How long open proposals have waited, against the target of their store."""
    limits = [days * 86_400 for days, _ in AGES if days]
    target = ReviewSettings._meta.get_field("target_hours").get_default()
    counts = {False: [0] * len(AGES), True: [0] * len(AGES)}
    with connection.cursor() as cursor:
        cursor.execute(_AGEING, [limits, target])
        for place, late, number in cursor.fetchall():
            counts[late][place] += number
    series = [
        Series("within its target", "info", tuple(counts[False])),
        Series("past its target", "sun", tuple(counts[True])),
    ]
    late = series[1].total
    note = f"wait for a decision, {late:,} of them past the target of their store" if late else "wait for a decision"
    return stacked(
        "Age of the queue", [label for _, label in AGES], series, number=f"{sum(s.total for s in series):,}", note=note,
        few=True,
    )  # fmt: skip


def decisions(period: Period) -> Plot:
    counts = {f"n{place}": Count("pk", filter=which) for place, (_, _, which) in enumerate(VERDICTS)}
    rows = list(period.buckets(Decision.objects.all(), "created_at").annotate(**counts))
    series = [
        Series(name, tone, period.span.values((row["bucket"], row[f"n{place}"]) for row in rows))
        for place, (name, tone, _) in enumerate(VERDICTS)
    ]
    total = sum(one.total for one in series)
    by_people = total - series[2].total
    note = f"decisions, {by_people:,} of them by people" if total else "decisions"
    return stacked("Decisions", period.span.labels, series, number=f"{total:,}", note=note)


@dataclass(frozen=True, slots=True)
class Growth:
    memories: Plot
    revisions: Plot


def growth(period: Period) -> Growth:
    """Live memories at the end of each bucket, walked back from those of now; and what was published."""
    heads = Memory.objects.filter(head__isnull=False)
    now = heads.aggregate(number=Count("pk"), size=Coalesce(Sum(_bytes("head__content")), 0))
    kinds = {"created": "live", "modified": "info", "deleted": "bad"}
    rows = list(period.buckets(MemoryVersion.objects.all(), "created_at", "operation").annotate(number=Count("pk")))
    series = [
        Series(kind, tone, period.span.values((r["bucket"], r["number"]) for r in rows if r["operation"] == kind))
        for kind, tone in kinds.items()
    ]
    levels, level = [], now["number"]
    for created, deleted in zip(reversed(series[0].values), reversed(series[2].values), strict=True):
        levels.append(max(0, level))
        level -= created - deleted
    live = Series("live memories", "live", tuple(reversed(levels)))
    labels = period.span.labels
    total = sum(one.total for one in series)
    return Growth(
        line(
            "Live memories", labels, live, number=f"{now['number']:,}", note=f"live now, {_size(now['size'])} of text"
        ),
        stacked("Revisions", labels, series, number=f"{total:,}", note="published in this period"),
    )


def _bytes(text: str) -> Length:
    return Length(text, function="octet_length")


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 10_000 else f"{size / 1_000:,.0f} kB"


@dataclass(frozen=True, slots=True)
class Passes:
    """One store's dreams: the last that ended well, the next, and what those of the period came to."""

    store: MemoryStore
    last: Dream | None
    next: datetime | None
    schedule: str
    number: int
    cost: Decimal
    proposed: int
    left_out: int


def passes(period: Period) -> list[Passes]:
    inside = Dream.objects.filter(created_at__gte=period.since).order_by()
    spent = {r["store"]: r for r in inside.values("store").annotate(number=Count("pk"), cost=Sum("cost"))}
    # An answered test item is no proposal; one that waits counts, for nobody may tell it from others.
    found = Finding.objects.filter(dream__in=inside).exclude(proposal__in=_answered()).order_by()
    by_store = found.values(store=F("dream__store")).annotate(
        proposed=Count("proposal"), left_out=Count("pk", filter=Q(proposal=None))
    )
    outcome = {row["store"]: row for row in by_store}
    done = Dream.objects.filter(status=Dream.Status.COMPLETED).order_by("store_id", "-id").distinct("store_id")
    last = {dream.store_id: dream for dream in done}
    policies = {policy.store_id: policy for policy in DreamPolicy.objects.all()}
    nothing: dict[str, Any] = {"number": 0, "cost": None, "proposed": 0, "left_out": 0}
    rows = []
    for store in MemoryStore.objects.all():
        counts = nothing | spent.get(store.pk, {}) | outcome.get(store.pk, {})
        policy = policies.get(store.pk) or DreamPolicy(store=store)
        rows.append(
            Passes(
                store, last.get(store.pk), next_run(policy.schedule, datetime.now(UTC)), policy.get_schedule_display(),
                counts["number"], counts["cost"] or Decimal(0), counts["proposed"], counts["left_out"],
            )
        )  # fmt: skip
    return rows


def _answered() -> QuerySet:
    return Finding.objects.filter(proposal__seed__isnull=False, proposal__status="expired").values("proposal")


def next_run(schedule: str, now: datetime) -> datetime | None:
    """When `dreaming.services.CRONTABS` starts it next; None when nobody does."""
    if schedule == DreamPolicy.Schedule.OFF:
        return None
    if schedule == DreamPolicy.Schedule.HOURLY:
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    at = now.replace(hour=2, minute=0, second=0, microsecond=0)
    at += timedelta(days=at <= now)
    return at + timedelta(days=-at.weekday() % 7 if schedule == DreamPolicy.Schedule.WEEKLY else 0)


def live_where() -> QuerySet[MemoryStore]:
    """Every store with its live memories and the agents that read it."""
    return MemoryStore.objects.with_open_counts().prefetch_related("agents")
