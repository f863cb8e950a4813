"""The queue: which proposals a reviewer sees, in which order, a page at a time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from urllib.parse import urlencode

from django.db.models import Count, F, FloatField, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from memory.models import Evidence, Proposal, ProposalQuerySet
from memory.scanning import EXPLANATIONS

PAGE_SIZE = 25
# Nobody needs to know whether 40,000 or 41,000 wait, and counting them costs every page.
COUNT_LIMIT = 1_000

TABS = {
    "open": "Needs you",
    "stale": "Changed under you",
    "policy": "Let through by policy",
    "decided": "Decided",
}
ANY_FLAG, NO_FLAG = "any", "none"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of a queue page says. Unknown tabs, kinds and flags fall back to none."""

    tab: str = "open"
    store: str = ""
    agent: str = ""
    kind: str = ""
    risk: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        known = {
            "tab": TABS,
            "kind": Proposal.Kind.values,
            "risk": [ANY_FLAG, NO_FLAG, *EXPLANATIONS],
        }
        given = {field.name: query.get(field.name, "").replace("\x00", "") for field in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value and value in known.get(name, [value])})

    @property
    def given(self) -> list[tuple[str, str]]:
        """The names and values that are not the default."""
        default = asdict(Filters())
        return [(name, value) for name, value in asdict(self).items() if value != default[name]]

    @property
    def query(self) -> str:
        return urlencode(self.given)

    @property
    def narrows(self) -> bool:
        return bool(self.store or self.agent or self.kind or self.risk)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order; `after` is the cursor of the next page, or empty."""

    rows: list[Proposal]
    after: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proposal stands among those that wait."""

    number: int
    total: int
    previous: int | None
    next: int | None


def matching(filters: Filters) -> ProposalQuerySet:
    """The proposals of a tab that meet the filters, in no order."""
    found = Proposal.objects.all()
    if filters.store:
        found = found.filter(store__name=filters.store)
    if filters.agent:
        found = found.filter(store__agents__slug=filters.agent)
    if filters.kind:
        found = found.filter(kind=filters.kind)
    if filters.risk in (ANY_FLAG, NO_FLAG):
        found = found.filter(risk__len__gt=0) if filters.risk == ANY_FLAG else found.filter(risk=[])
    elif filters.risk:
        found = found.filter(risk__contains=[filters.risk])
    return {
        "open": lambda: found.open(),
        "stale": lambda: found.filter(status=Proposal.Status.STALE),
        "decided": lambda: found.filter(decision__isnull=False),
        "policy": lambda: found.filter(decision__decider_kind="policy"),
    }[filters.tab]()


def page(filters: Filters, after: str = "") -> Page:
    """One page by keyset: as fast deep in the queue as at its start. A malformed cursor gives the first page."""
    found = matching(filters).select_related("store", "escalation", "assignment")
    if filters.tab in ("decided", "policy"):
        found = found.select_related("decision__version").order_by("-decision__id")
        cursor = _decided_cursor(after)
        found = found.filter(decision__id__lt=cursor) if cursor else found
    else:
        found = found.order_by("-benefit", "-id")
        cursor = _waiting_cursor(after)
        found = found.filter(TupleLessThan(Tuple("benefit", "id"), cursor)) if cursor else found
    rows = list(found.defer("content", "rationale")[: PAGE_SIZE + 1])
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    return Page(rows, _cursor_after(filters, rows[-1]) if more else "")


def _cursor_after(filters: Filters, row: Proposal) -> str:
    return str(row.decision.pk) if filters.tab in ("decided", "policy") else f"{row.benefit!r}~{row.pk}"


def _decided_cursor(after: str) -> int | None:
    return int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None


def _waiting_cursor(after: str) -> tuple[Value, int] | None:
    benefit, _, pk = after.partition("~")
    try:
        number = float(benefit)
    except ValueError:
        return None
    row = _decided_cursor(pk)
    return (Value(number, output_field=FloatField()), row) if row else None


def bounded_count(found: ProposalQuerySet) -> int:
    """How many, but never more than `COUNT_LIMIT`."""
    return found.order_by()[:COUNT_LIMIT].count()


def place_of(proposal: Proposal, filters: Filters) -> Place:
    """The neighbours of a proposal in the open queue, whether or not it still is in it."""
    waiting = matching(Filters(**{**asdict(filters), "tab": "open"})).exclude(pk=proposal.pk)
    key = (Value(proposal.benefit, output_field=FloatField()), proposal.pk)
    earlier = waiting.filter(TupleGreaterThan(Tuple("benefit", "id"), key))
    later = waiting.filter(TupleLessThan(Tuple("benefit", "id"), key))
    before = earlier.order_by("benefit", "id").values_list("pk", flat=True).first()
    after = later.order_by("-benefit", "-id").values_list("pk", flat=True).first()
    ahead = bounded_count(earlier)
    total = ahead + proposal.is_open + bounded_count(later)
    return Place(number=ahead + 1, total=min(total, COUNT_LIMIT), previous=before, next=after)


def next_open(proposal: Proposal, filters: Filters) -> int | None:
    """The one to decide next: the next in the queue, or its first."""
    waiting = matching(Filters(**{**asdict(filters), "tab": "open"})).exclude(pk=proposal.pk)
    key = (Value(proposal.benefit, output_field=FloatField()), proposal.pk)
    later = waiting.filter(TupleLessThan(Tuple("benefit", "id"), key)).order_by("-benefit", "-id")
    first = waiting.order_by("-benefit", "-id")
    return later.values_list("pk", flat=True).first() or first.values_list("pk", flat=True).first()


def evidence_counts(rows: list[Proposal]) -> dict[int, dict[str, int]]:
    """Proposal id → stance → number of quotes, in one query."""
    counts: dict[int, dict[str, int]] = {row.pk: {} for row in rows}
    found = Evidence.objects.filter(proposal_id__in=counts).order_by()
    for pk, stance, number in found.values_list("proposal_id", "stance").annotate(number=Count(F("id"))):
        counts[pk][stance] = number
    return counts
