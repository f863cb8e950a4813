"""The queue: which proposals somebody sees, in which order, a page at a time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.db.models import BigIntegerField, Count, DateTimeField, F, FloatField, Func, IntegerField, QuerySet
from django.db.models.functions import Coalesce
from django.http import QueryDict

from audit.roles import REVIEWER, has_role
from dreaming.charts import Bar
from dreaming.supports import bars_of
from memory.models import Evidence, MemoryStore, Proposal, ProposalQuerySet
from memory.scanning import EXPLANATIONS
from reviews import ages, waiting
from reviews.keyset import Key, Order, Page, integer, moment, page_of
from reviews.models import Mention

PAGE_SIZE = 25
# Nobody needs to know whether 40,000 or 41,000 wait, and counting them costs every page.
COUNT_LIMIT = 200

TABS = {
    "open": "Needs you",
    "others": "Waits for others",
    "stale": "Changed under you",
    "policy": "Let through by policy",
    "decided": "Decided",
}
# Who may not decide is needed by none of them, and sees every open one.
READERS_TABS = {"open": "Open", **{tab: label for tab, label in TABS.items() if tab not in ("open", "others")}}
SORTS = {
    "benefit": "most useful first",
    "risk": "most flags first",
    "oldest": "oldest first",
    "newest": "newest first",
}
ANY_FLAG, NO_FLAG = "any", "none"

_ID = Key("id", F("id"), attrgetter("pk"), BigIntegerField(), integer)
_BENEFIT = Key("benefit", F("benefit"), attrgetter("benefit"), FloatField(), float, repr)
_FLAGS = Key("flag_count", Func(F("risk"), function="CARDINALITY"), lambda row: len(row.risk), IntegerField(), integer)
_CLOSED = Key(
    "closed_at",
    Coalesce("decided_at", "created_at"),
    lambda row: row.decided_at or row.created_at,
    DateTimeField(),
    moment,
    datetime.isoformat,
)
_DECISION = Key("decision_id", F("decision__id"), attrgetter("decision.pk"), BigIntegerField(), integer)
_ORDERS = {
    "benefit": Order((_BENEFIT, _ID)),
    "risk": Order((_FLAGS, _BENEFIT, _ID)),
    "oldest": Order((_ID,), descends=False),
    "newest": Order((_ID,)),
}
_CLOSED_ORDERS = {"decided": Order((_CLOSED, _ID)), "policy": Order((_DECISION,))}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of a queue page says. Unknown names of a tab, kind, sort, … fall back to the default."""

    tab: str = "open"
    store: str = ""
    agent: str = ""
    kind: str = ""
    operation: str = ""
    risk: str = ""
    age: str = ""
    mentions: str = ""
    sort: str = "benefit"

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        known = {
            "tab": TABS,
            "kind": Proposal.Kind.values,
            "operation": Proposal.Operation.values,
            "risk": [ANY_FLAG, NO_FLAG, *EXPLANATIONS],
            "age": ages.AGES,
            "mentions": ["me"],
            "sort": SORTS,
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
        return any(name not in ("tab", "sort") for name, _ in self.given)

    @property
    def is_closed(self) -> bool:
        return self.tab in _CLOSED_ORDERS

    @property
    def order(self) -> Order:
        return _CLOSED_ORDERS.get(self.tab) or _ORDERS[self.sort]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proposal stands among those that wait."""

    number: int
    total: int
    previous: int | None
    next: int | None


def tabs_for(viewer: User | AnonymousUser | None) -> dict[str, str]:
    return TABS if _decides(viewer) else READERS_TABS


def matching(filters: Filters, viewer: User | AnonymousUser | None = None) -> ProposalQuerySet:
    """The proposals of a tab that meet the filters, in no order. What waits for whom is asked for reviewers only."""
    found = _narrowed(Proposal.objects.all(), filters, viewer)
    if filters.tab == "stale":
        return found.filter(status=Proposal.Status.STALE)
    if filters.tab == "decided":
        return found.closed()
    if filters.tab == "policy":
        return found.filter(decision__decider_kind="policy")
    if not _decides(viewer):
        return found.open()
    return (waiting.waiting if filters.tab == "others" else waiting.needing)(found.open(), viewer.pk)


def _decides(viewer: User | AnonymousUser | None) -> bool:
    return viewer is not None and has_role(viewer, REVIEWER)


def _narrowed(found: ProposalQuerySet, filters: Filters, viewer: User | AnonymousUser | None) -> ProposalQuerySet:
    # Stores are few: their ids go into the query, so that the planner knows how many proposals they have.
    if filters.store:
        found = found.filter(store_id__in=_ids(MemoryStore.objects.filter(name=filters.store)))
    if filters.agent:
        found = found.filter(store_id__in=_ids(MemoryStore.objects.filter(agents__slug=filters.agent)))
    if filters.kind:
        found = found.filter(kind=filters.kind)
    if filters.operation:
        found = found.filter(operation=filters.operation)
    if filters.risk in (ANY_FLAG, NO_FLAG):
        found = found.exclude(risk=[]) if filters.risk == ANY_FLAG else found.filter(risk=[])
    elif filters.risk:
        found = found.filter(risk__contains=[filters.risk])
    if filters.age:
        found = ages.aged(found, filters.age)
    if filters.mentions and viewer is not None:
        unseen = Mention.objects.filter(user_id=viewer.pk, seen_at=None)
        found = found.filter(pk__in=unseen.values("comment__proposal_id"))
    return found


def _ids(stores: QuerySet[MemoryStore]) -> list[int]:
    return list(stores.order_by().values_list("pk", flat=True))


def page(filters: Filters, viewer: User | None = None, *, after: str = "", before: str = "") -> Page:
    related = [
        "store",
        "escalation",
        "assignment",
        *(["decision__version", "decision__signature"] if filters.is_closed else []),
    ]
    found = matching(filters, viewer).select_related(*related).defer("content", "rationale")
    return page_of(found, filters.order, size=PAGE_SIZE, after=after, before=before)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the queue, with what the tables beside the proposal say of it."""

    proposal: Proposal
    bars: list[Bar]
    counts: dict[str, int]
    standing: ages.Standing
    waits_for: list[str]


def rows_of(shown: Page, filters: Filters, viewer: User) -> list[Row]:
    """The lines of a page, in a fixed number of queries."""
    counts, standings = evidence_counts(shown.rows), ages.standings(shown.rows)
    said = waiting.reasons(shown.rows, viewer.pk) if filters.tab == "others" else {}
    return [
        Row(row, bars_of(row.support), counts[row.pk], standings[row.pk], said.get(row.pk, [])) for row in shown.rows
    ]


def bounded_count(found: ProposalQuerySet) -> int:
    """How many, but never more than `COUNT_LIMIT`."""
    return found.order_by()[:COUNT_LIMIT].count()


def counted(number: int) -> str:
    """A bounded count in words, such as `199+`."""
    return f"{COUNT_LIMIT - 1}+" if number >= COUNT_LIMIT else str(number)


def top_of(filters: Filters, viewer: User | AnonymousUser | None) -> list[int]:
    """The first ids of a queue, at most `COUNT_LIMIT`; of the whole queue asked of the database once per user object."""
    if filters != Filters() or viewer is None:
        return list(_top(filters, viewer))
    kept = viewer.__dict__
    if "_daylight_top" not in kept:
        with connection.cursor() as cursor:
            cursor.execute(*_top_statement(viewer))
            kept["_daylight_top"] = [pk for (pk,) in cursor.fetchall()]
    top: list[int] = kept["_daylight_top"]
    return top


def _top(filters: Filters, viewer: User | AnonymousUser | None) -> QuerySet[Any]:
    found = filters.order.sorted(matching(filters, viewer)).values_list("pk", flat=True)
    return found[:COUNT_LIMIT]


_statements: dict[tuple[int | None, bool], tuple[str, tuple[Any, ...]]] = {}


def _top_statement(viewer: User | AnonymousUser) -> tuple[str, tuple[Any, ...]]:
    """Written once for each reader: writing it takes longer than asking, and every page asks."""
    key = (viewer.pk, _decides(viewer))
    if key not in _statements:
        _statements[key] = _top(Filters(), viewer).query.sql_with_params()
    return _statements[key]


def stale_count() -> str:
    return counted(bounded_count(matching(Filters(tab="stale"))))


def place_of(proposal: Proposal, filters: Filters, viewer: User | AnonymousUser | None = None) -> Place:
    """The neighbours of a proposal in its queue, whether or not it still is in it."""
    walked = _walked(filters)
    # Who works from the top is served by one query.
    top = top_of(walked, viewer)
    if proposal.pk in top[: COUNT_LIMIT - 1]:
        at = top.index(proposal.pk)
        earlier, later = top[:at][::-1], top[at + 1 :]
    else:
        earlier = _neighbours(proposal, walked, viewer, backwards=True)
        later = _neighbours(proposal, walked, viewer)
    total = len(earlier) + proposal.is_open + len(later)
    return Place(
        number=len(earlier) + 1,
        total=min(total, COUNT_LIMIT),
        previous=earlier[0] if earlier else None,
        next=later[0] if later else None,
    )


def next_open(proposal: Proposal, filters: Filters, viewer: User | AnonymousUser | None = None) -> int | None:
    """The one to decide next: the next in the queue, or its first."""
    walked = _walked(filters)
    if later := _neighbours(proposal, walked, viewer, limit=1):
        return later[0]
    first = walked.order.sorted(matching(walked, viewer).exclude(pk=proposal.pk))
    return first.values_list("pk", flat=True).first()


def _neighbours(
    proposal: Proposal,
    walked: Filters,
    viewer: User | AnonymousUser | None,
    *,
    backwards: bool = False,
    limit: int = COUNT_LIMIT,
) -> list[int]:
    """The ids after the proposal in its queue, nearest first; with `backwards` those before it."""
    place = walked.order.place(walked.order.cursor(proposal))
    others = matching(walked, viewer).exclude(pk=proposal.pk)
    return list(walked.order.beyond(others, place, backwards=backwards).values_list("pk", flat=True)[:limit])


def _walked(filters: Filters) -> Filters:
    """What is decided is read, not worked through: from there the way on leads through what is open."""
    return replace(filters, tab="open") if filters.is_closed else filters


def evidence_counts(rows: list[Proposal]) -> dict[int, dict[str, int]]:
    """Proposal id → stance → number of quotes, in one query."""
    counts: dict[int, dict[str, int]] = {row.pk: {} for row in rows}
    found = Evidence.objects.filter(proposal_id__in=counts).order_by()
    for pk, stance, number in found.values_list("proposal_id", "stance").annotate(number=Count(F("id"))):
        counts[pk][stance] = number
    return counts


def address_of(query: str) -> str:
    """The part of a queue's address that is kept in a saved view; what no filter knows is left out."""
    return Filters.read(QueryDict(query)).query
