"""Looking through the record: what an address asks for, and the entries that match, a page at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.functional import cached_property

from audit.actions import ACTIONS
from audit.models import Entry
from audit.searching import ACTION, AGENT, STORE, HasLexemes, HasWords, all_words, any_of, named
from reviews.blind import uncovered
from reviews.keyset import integer
from sessions.models import Agent

PAGE_SIZE = 50
COUNT_LIMIT = 1_000
MAX_LENGTH = 300
# What every twentieth entry has is found in the next few; what few have, by asking the index, in ever wider stretches.
LOOKED_AT = 1_000
STRETCHES = (100_000, 2_000_000)
# A clock that was set back leaves times out of order: the first and the last by time may not be so by sequence.
SLACK = 1_000
# Left alone, the planner walks through rows in the wanted order and computes the words of each.
_PLANNER = "SELECT set_config(name, %s, true) FROM unnest(ARRAY['enable_seqscan', 'enable_indexscan', 'jit']) name"


@dataclass(frozen=True)
class Filters:
    """What the address says. Values that mean nothing fall back to none, but an id of an act must be one."""

    action: str = ""
    store: str = ""
    agent: str = ""
    actor: str = ""
    subject: str = ""
    act: str = ""
    q: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        given = {field.name: query.get(field.name, "").replace("\x00", "").strip() for field in fields(cls)}
        return cls(**{name: value[:MAX_LENGTH] for name, value in given.items()})

    @property
    def given(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def query(self) -> str:
        return urlencode(self.given)

    @cached_property
    def actions(self) -> list[str]:
        """The names that `action` stands for: itself, or all of a group such as `memory.*`."""
        if self.action.endswith(".*"):
            return [name for name in ACTIONS if name.startswith(self.action[:-1])]
        return [self.action]

    @cached_property
    def wrong(self) -> str:
        """Why nothing can match, where something that was typed means nothing."""
        for name in ("since", "until"):
            if (value := getattr(self, name)) and moment(value) is None:
                return f"“{value}” is no time. Write it like 2026-03-03 or 2026-03-03T09:30."
        if self.act and not _is_uuid(self.act):
            return "That is no id of an act."
        if self.q and not all_words(self.q):
            return f"“{self.q}” holds no word to look for."
        return ""

    @property
    def begin(self) -> datetime | None:
        return moment(self.since)

    @property
    def end(self) -> datetime | None:
        """The first moment that is too late; a day is meant to its end."""
        end = moment(self.until)
        return end + timedelta(days=1) if end and len(self.until) == len("2026-03-03") else end

    @cached_property
    def is_narrow(self) -> bool:
        """Whether few entries are like that whatever else is asked: each subject and act has its index."""
        return bool(self.subject or self.act)

    @cached_property
    def needs_words(self) -> bool:
        """Whether it takes the index of words: what one column alone asks for is found in order without it."""
        several = bool(self.action) + bool(self.store) > 1 or len(self.actions) > 1
        return bool(self.q or self.actor or self.agent or (several and not self.is_narrow))


def moment(text: str) -> datetime | None:
    """A time of an address or a form; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC) if 1900 < at.year < 9000 else None
    except ValueError:
        return None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


class Span(NamedTuple):
    """The sequence numbers that are looked at, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Found:
    """One page, newest first. `after` and `before` are cursors of the older and the newer page, or empty.

    `count` is of the first page of a search: exact, or so many at least. None elsewhere.
    """

    rows: list[Entry]
    after: str = ""
    before: str = ""
    count: int | None = None
    is_exact: bool = False


def page(filters: Filters, viewer: User, *, after: str = "", before: str = "") -> Found:
    """As fast deep in the record as at its start. A malformed cursor gives the first page."""
    if filters.wrong:
        return Found([], count=0, is_exact=True)
    span = _span(filters)
    if (beyond := _place(before)) is not None:
        rows = _rows(filters, viewer, Span(max(span.first, beyond + 1), span.last), backwards=True).rows
        if len(rows) > PAGE_SIZE:
            return Found(rows[-PAGE_SIZE:], after=str(rows[-1].seq), before=str(rows[-PAGE_SIZE].seq))
    beyond = _place(after)
    span = span if beyond is None else Span(span.first, min(span.last, beyond - 1))
    some = _rows(filters, viewer, span)
    shown = some.rows[:PAGE_SIZE]
    return Found(
        shown,
        after=str(shown[-1].seq) if len(some.rows) > PAGE_SIZE else "",
        before=str(shown[0].seq) if beyond is not None and shown else "",
        **({} if beyond is not None else _count(filters, viewer, span, some)),
    )


def _place(cursor: str) -> int | None:
    try:
        return integer(cursor)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Some:
    """Up to one more than a page; `seen` of those that were looked at match, and the rest was not looked at."""

    rows: list[Entry]
    seen: int | None = None


def _rows(filters: Filters, viewer: User, span: Span, *, backwards: bool = False) -> _Some:
    """The newest of the span, newest first; with `backwards` the oldest of it, newest first too."""
    order = "seq" if backwards else "-seq"
    rows = matching(filters, viewer)
    if not filters.needs_words or filters.is_narrow:
        found = list(_within(rows, span).order_by(order)[: PAGE_SIZE + 1])
        return _Some(found[::-1] if backwards else found)
    near, rest = _cut(span, LOOKED_AT, backwards)
    found = list(_within(rows, near).order_by(order))
    if len(found) > PAGE_SIZE:
        return _Some(found[PAGE_SIZE::-1] if backwards else found[: PAGE_SIZE + 1], seen=len(found))
    with by_index():
        for size in (*STRETCHES, rest.last - rest.first + 1):
            if rest.first > rest.last or len(found) > PAGE_SIZE:
                break
            near, rest = _cut(rest, size, backwards)
            found += _within(rows, near).order_by(order)[: PAGE_SIZE + 1 - len(found)]
    return _Some(found[::-1] if backwards else found)


def _cut(span: Span, size: int, backwards: bool) -> tuple[Span, Span]:
    """The nearest `size` numbers of the span, and the others."""
    if backwards:
        middle = min(span.last, span.first + size - 1)
        return Span(span.first, middle), Span(middle + 1, span.last)
    middle = max(span.first, span.last - size + 1)
    return Span(middle, span.last), Span(span.first, middle - 1)


def _count(filters: Filters, viewer: User, span: Span, some: _Some) -> dict[str, object]:
    """How many match: exactly up to `COUNT_LIMIT`, or so many at least."""
    if len(some.rows) <= PAGE_SIZE:
        return {"count": len(some.rows), "is_exact": True}
    if some.seen is not None:
        return {"count": some.seen}
    rows = _within(matching(filters, viewer), span).order_by()
    if filters.needs_words and not filters.is_narrow:
        with by_index():
            count = rows[: COUNT_LIMIT + 1].count()
    else:
        count = rows.order_by("-seq")[: COUNT_LIMIT + 1].count()
    return {"count": min(count, COUNT_LIMIT), "is_exact": count <= COUNT_LIMIT}


def matching(filters: Filters, viewer: User) -> QuerySet[Entry]:
    """The entries that the filters name and that this reader may see, in no order."""
    if filters.wrong:
        return Entry.objects.none()
    rows = _by_columns(uncovered(Entry.objects.order_by(), viewer), filters)
    marked = []
    if filters.needs_words and not filters.is_narrow:
        marked += [any_of(ACTION, filters.actions)] if filters.action else []
        marked += [any_of(STORE, [filters.store])] if filters.store else []
    if filters.agent:
        pk = Agent.objects.filter(slug=filters.agent).values_list("pk", flat=True).first()
        marked.append(any_of(AGENT, [filters.agent, *([f"agent:{pk}"] if pk else [])]))
    if filters.actor:
        marked.append(named(filters.actor))
    if marked:
        rows = rows.filter(HasLexemes(" & ".join(marked)))
    return rows.filter(HasWords(all_words(filters.q))) if filters.q else rows


def _by_columns(rows: QuerySet[Entry], filters: Filters) -> QuerySet[Entry]:
    exact = {name: value for name in ("store", "subject", "act") if (value := getattr(filters, name))}
    rows = rows.filter(**exact)
    if filters.action:
        rows = rows.filter(action__in=filters.actions)
    if since := filters.begin:
        rows = rows.filter(at__gte=since)
    if until := filters.end:
        rows = rows.filter(at__lt=until)
    return rows


def _span(filters: Filters) -> Span:
    """The numbers between which everything lies that is asked for: times were taken in the order of the sequence."""
    first, last = 1, Entry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    if since := filters.begin:
        earliest = Entry.objects.filter(at__gte=since).order_by("at", "seq").values_list("seq", flat=True)[:SLACK]
        first = min(earliest, default=last + 1)
    if until := filters.end:
        latest = Entry.objects.filter(at__lt=until).order_by("-at", "-seq").values_list("seq", flat=True)[:SLACK]
        last = max(latest, default=0)
    return Span(first, last)


def _within(rows: QuerySet[Entry], span: Span) -> QuerySet[Entry]:
    return rows.filter(seq__gte=span.first, seq__lte=span.last)


@contextmanager
def by_index() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PLANNER, ["off"])
        yield
        cursor.execute(_PLANNER, ["on"])
