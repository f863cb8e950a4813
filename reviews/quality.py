"""How well reviews go: what is caught, what is reversed, and whether what is decided was read. Never a table of people."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from statistics import quantiles

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest, Length, Now

from dreaming.mining.stats import wilson
from memory.models import MemoryStore, MemoryVersion, Proposal
from reviews.models import Decision, Reading, SecondLook, SeedAnswer

PERIODS = (30, 90, 365)
REVERSED_WITHIN = timedelta(days=30)
# Most adults read 175 to 300 words of English non-fiction a minute: M. Brysbaert, "How many words do we read per
# minute?", Journal of Memory and Language 109 (2019). A word with its space is about six characters.
WORDS_A_SECOND = 5
CHARACTERS_A_WORD = 6
NEWEST = 5_000
TIERS = ("flagged, or deletes", "changes live text", "new and unflagged")
SIZES = ((100, "up to 100 words"), (250, "100 to 250 words"), (0, "longer"))


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose reviews are looked at: of the last `days`, in one store or all, by one person or all."""

    days: int
    store: MemoryStore | None = None
    user: User | None = None

    def rows(self, found: QuerySet, *, at: str, store: str, user: str) -> QuerySet:
        found = found.filter(**{f"{at}__gte": Now() - timedelta(days=self.days)})
        found = found.filter(**{store: self.store}) if self.store else found
        return found.filter(**{user: self.user}) if self.user else found


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with Wilson's 95 % interval."""

    part: int
    total: int

    @property
    def percent(self) -> str:
        return f"{100 * self.part / self.total:.0f} %" if self.total else "–"

    @property
    def interval(self) -> str:
        low, high = wilson(self.part, self.total)
        return f"95 %: {100 * low:.0f} to {100 * high:.0f} %" if self.total else ""


def catch_rate(scope: Scope) -> Rate:
    """Of the test items that were answered, those that were rejected."""
    rows = scope.rows(SeedAnswer.objects.all(), at="at", store="seed__proposal__store", user="user")
    found = rows.aggregate(part=Count("pk", filter=Q(caught=True)), total=Count("pk"))
    return Rate(**found)


def reversal_rate(scope: Scope) -> Rate:
    """Of what people approved, what was deleted or put back to the text before within `REVERSED_WITHIN`."""
    approved = Decision.objects.filter(decider_kind="user", version__isnull=False).exclude(proposal__operation="delete")
    later = MemoryVersion.objects.filter(
        Q(operation="deleted") | (Q(sha256=OuterRef("proposal__base_version__sha256")) & ~Q(sha256="")),
        memory=OuterRef("version__memory"),
        revision__gt=OuterRef("version__revision"),
        created_at__lt=OuterRef("created_at") + REVERSED_WITHIN,
    )
    rows = scope.rows(approved, at="created_at", store="proposal__store", user="decider").annotate(undone=Exists(later))
    return Rate(**rows.aggregate(part=Count("pk", filter=Q(undone=True)), total=Count("pk")))


@dataclass(frozen=True, slots=True)
class SecondLooks:
    """What came of looking again at what the policy let through."""

    reversed: Rate
    waiting: int


def second_looks(scope: Scope) -> SecondLooks:
    states = SecondLook.State
    rows = scope.rows(SecondLook.objects.all(), at="created_at", store="decision__proposal__store", user="by")
    found = rows.aggregate(
        part=Count("pk", filter=Q(state=states.REVERSED)),
        total=Count("pk", filter=~Q(state=states.WAITING)),
        waiting=Count("pk", filter=Q(state=states.WAITING)),
    )
    return SecondLooks(Rate(found["part"], found["total"]), found["waiting"])


@dataclass(frozen=True, slots=True)
class Read:
    """One reading that ended in a decision. `seconds` is 0 where the browser told none."""

    tier: int
    words: int
    seconds: int
    opened: int
    evidence: int
    blind: bool
    approved: bool | None

    @property
    def too_fast(self) -> bool:
        return self.seconds * WORDS_A_SECOND < self.words


def readings(scope: Scope) -> list[Read]:
    """The newest `NEWEST` of the scope, without test items. `approved` is None where somebody else decided."""
    rows = scope.rows(Reading.objects.all(), at="decided_at", store="proposal__store", user="user")
    base = Coalesce(Length("proposal__base_version__content"), 0)
    rows = rows.filter(proposal__seed=None).annotate(
        flagged=Q(proposal__risk__len__gt=0) | Q(proposal__operation="delete"),
        creates=Q(proposal__operation=Proposal.Operation.CREATE),
        shown=Length("proposal__title") + Greatest(Length("proposal__content") - base, 0),
        why=Length("proposal__rationale"),
        quotes=Count("proposal__evidence"),
        decider=F("proposal__decision__decider"),
        verdict=F("proposal__decision__verdict"),
    )
    return [_read(row) for row in rows.order_by("-decided_at")[:NEWEST]]


def _read(row: Reading) -> Read:
    """`row` with what `readings` adds to it."""
    seen = row.shown + (0 if row.holds_back else row.why)
    return Read(
        tier=0 if row.flagged else 2 if row.creates else 1,
        words=round(seen / CHARACTERS_A_WORD),
        seconds=row.dwell_seconds,
        opened=row.evidence_opened,
        evidence=row.quotes,
        blind=row.blind,
        approved=row.verdict != Decision.Verdict.REJECT if row.verdict and row.user_id == row.decider else None,
    )


@dataclass(frozen=True, slots=True)
class Spread:
    """How long pages of one tier and length were in view: quartiles in seconds; `left` and `width` are out of 100."""

    tier: str
    size: str
    number: int
    low: float
    median: float
    high: float
    left: float = 0
    middle: float = 0
    width: float = 0


def dwell(read: Iterable[Read]) -> list[Spread]:
    """By risk tier and length of text, of readings whose time is known."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one in read:
        if one.seconds:
            size = next(place for place, (limit, _) in enumerate(SIZES) if not limit or one.words <= limit)
            groups[one.tier, size].append(one.seconds)
    quartiles = {key: _quartiles(seconds) for key, seconds in sorted(groups.items())}
    longest = max((high for _, _, high in quartiles.values()), default=1)
    return [
        Spread(
            TIERS[tier], SIZES[size][1], len(groups[tier, size]), low, median, high,
            left=100 * low / longest, middle=100 * median / longest, width=max(1.0, 100 * (high - low) / longest),
        )
        for (tier, size), (low, median, high) in quartiles.items()
    ]  # fmt: skip


def _quartiles(seconds: list[int]) -> tuple[float, float, float]:
    if len(seconds) == 1:
        return (seconds[0],) * 3
    low, median, high = quantiles(seconds, n=4, method="inclusive")
    return low, median, high


@dataclass(frozen=True, slots=True)
class Quality:
    caught: Rate
    reversed: Rate
    looks: SecondLooks
    number: int
    timed: int
    too_fast: Rate
    evidence: Rate
    blind: Rate
    open: Rate
    dwell: list[Spread]

    def __bool__(self) -> bool:
        return bool(self.number or self.caught.total or self.reversed.total or self.looks.reversed.total)


def quality(scope: Scope) -> Quality:
    read = readings(scope)
    timed = [one for one in read if one.seconds]
    decided = [one for one in read if one.approved is not None]
    return Quality(
        caught=catch_rate(scope),
        reversed=reversal_rate(scope),
        looks=second_looks(scope),
        number=len(read),
        timed=len(timed),
        too_fast=Rate(sum(one.too_fast for one in timed), len(timed)),
        evidence=Rate(sum(min(one.opened, one.evidence) for one in read), sum(one.evidence for one in read)),
        blind=_approved(one for one in decided if one.blind),
        open=_approved(one for one in decided if not one.blind),
        dwell=dwell(timed),
    )


def _approved(read: Iterable[Read]) -> Rate:
    rows = list(read)
    return Rate(sum(bool(one.approved) for one in rows), len(rows))
