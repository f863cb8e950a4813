"""Which sessions somebody looks for, a page at a time by keyset."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.contrib.postgres.search import SearchVectorField
from django.db import connection, transaction
from django.db.models import Lookup, QuerySet, Value
from django.db.models.fields import DateTimeField
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from sessions.filters import OLDEST, Filters, day
from sessions.models import Agent, Session, SessionIndex, SessionWords, UnindexedSession
from sessions.words import PRINCIPAL, TASK, Query

PAGE_SIZE = 25
# Nobody needs to know whether 40,000 or 41,000 match.
COUNT_LIMIT = 1_001
# Sessions that are looked into at a time, and for one page at most.
CHECKED_AT_ONCE, MAX_CHECKED = 400, 4_000
# The planner does not know what unpacking the words of a row costs, nor that a tool is rare: left alone, it walks
# through rows in the wanted order instead of asking the index which rows match.
_PLANNER = "SELECT set_config(name, %s, true) FROM unnest(ARRAY['enable_seqscan', 'enable_indexscan', 'jit']) name"

# A session's time and id, and the same as values of a query.
Row = tuple[datetime, int]
Cursor = tuple[Value, int]


@SearchVectorField.register_lookup
class Matches(Lookup):
    """`words__matches='…'` takes the text of a `tsquery`, as `sessions.words.Query` writes it."""

    lookup_name = "matches"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} @@ %s::tsquery", [*params, self.rhs]


@dataclass(frozen=True, slots=True)
class Page:
    """Ids in order. `after` and `before` are the cursors of the next and of the previous page, or empty.

    `count` is known on the first page of a search, and never more than `COUNT_LIMIT`. `looked_until`: a short page
    that is not the last, and how far it came.
    """

    ids: list[int]
    after: str = ""
    before: str = ""
    count: int | None = None
    looked_until: datetime | None = None


def page(filters: Filters, *, after: str = "", before: str = "") -> Page:
    """One page: as fast deep in the list as at its start. A malformed cursor gives the first page."""
    if filters.wordless:
        return Page([], count=0)
    behind, ahead = _cursor(after), _cursor(before)
    backward = ahead is not None and behind is None
    cursor = ahead if backward else behind
    rows, on = _rows(filters, cursor, newest_first=(filters.order != OLDEST) != backward)
    start = rows[0] if cursor and rows else None
    count = None
    if filters.narrows and not cursor:
        count = _count(filters) if on else len(rows)
    if backward:
        rows, on, start = rows[::-1], start, on
    return Page(
        [pk for _, pk in rows],
        after=_cursor_of(on) if on else "",
        before=_cursor_of(start) if start else "",
        count=count,
        looked_until=on[0] if on and len(rows) < PAGE_SIZE and not backward else None,
    )


def _rows(filters: Filters, cursor: Cursor | None, *, newest_first: bool) -> tuple[list[Row], Row | None]:
    """A page of rows, and the one behind which the next page begins."""
    if not filters.needs_index:
        return _cut(
            list(_slice(_narrowed(Session.objects.all(), filters), "pk", cursor, newest_first)[: PAGE_SIZE + 1])
        )
    # What many sessions hold is found in the next few; what few hold, by asking the index for all of them.
    near = _slice(_narrowed(SessionIndex.objects.all(), filters), "pk", cursor, newest_first)
    candidates: list[Row] = list(near[:CHECKED_AT_ONCE])
    rows = _right(filters, candidates)
    if len(rows) > PAGE_SIZE or len(candidates) < CHECKED_AT_ONCE:
        return _cut(rows)
    found, key = _matching(filters)
    found = found.distinct()
    with _by_index():
        if filters.has_order:
            return _in_a_row(filters, list(_slice(found, key, cursor, newest_first)[:MAX_CHECKED]))
        return _cut(list(_slice(found, key, cursor, newest_first)[: PAGE_SIZE + 1]))


def _cut(rows: list[Row]) -> tuple[list[Row], Row | None]:
    return rows[:PAGE_SIZE], rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None


def _slice(found: QuerySet, key: str, cursor: Cursor | None, newest_first: bool) -> QuerySet:
    """(occurred_at, id) behind the cursor, in order."""
    if cursor:
        compare = TupleLessThan if newest_first else TupleGreaterThan
        found = found.filter(compare(Tuple("occurred_at", key), cursor))
    sign = "-" if newest_first else ""
    return found.order_by(f"{sign}occurred_at", f"{sign}{key}").values_list("occurred_at", key)


def _in_a_row(filters: Filters, candidates: list[Row]) -> tuple[list[Row], Row | None]:
    """Those that hold the words in a row, and where to go on.

    The index knows which rows hold the words; whether in a row, only the rows do. So some are looked into at a time,
    in order, up to `MAX_CHECKED`: then the page may be short, and says how far it came.
    """
    rows: list[Row] = []
    for start in range(0, len(candidates), CHECKED_AT_ONCE):
        rows += _right(filters, candidates[start : start + CHECKED_AT_ONCE])
        if len(rows) > PAGE_SIZE:
            return _cut(rows)
    return rows, candidates[-1] if len(candidates) == MAX_CHECKED else None


def _right(filters: Filters, candidates: list[Row]) -> list[Row]:
    """Those of the candidates that meet every filter of the index, words in a row included."""
    ids = [pk for _, pk in candidates]
    sets = [set(_indexed(filters).filter(pk__in=ids).values_list("pk", flat=True))]
    for query, prefix in filters.asked:
        rows = SessionWords.objects.filter(session__in=ids).values_list("session_id", flat=True)
        sets.append(set(rows.filter(words__matches=query.tsquery(prefix))))
        if query.without:
            sets[-1] -= set(rows.filter(words__matches=query.without_tsquery(prefix)))
    right = set.intersection(*sets)
    return [row for row in candidates if row[1] in right]


def _count(filters: Filters) -> int | None:
    """How many sessions match, up to `COUNT_LIMIT`; None where only looking into all of them could tell."""
    if filters.has_order:
        return None
    if not filters.needs_index:
        return _narrowed(Session.objects.all(), filters)[:COUNT_LIMIT].count()
    found, key = _matching(filters)
    with _by_index():
        # Not `distinct()`, which would read them all before it came to the limit.
        some = list(found.order_by().values_list(key, flat=True)[:COUNT_LIMIT])
    return COUNT_LIMIT if len(some) == COUNT_LIMIT else len(set(some))


def _indexed(filters: Filters) -> QuerySet[SessionIndex]:
    """By all but words."""
    index = _narrowed(SessionIndex.objects.all(), filters)
    if filters.tool:
        names = "failing_tools" if filters.errors else "tools"
        index = index.filter(**{f"{names}__contains": [filters.tool]})
    elif filters.errors:
        index = index.filter(error_count__gt=0)
    if filters.principal:
        index = index.filter(about__matches=Query.read(filters.principal).tsquery(PRINCIPAL))
    if filters.task:
        index = index.filter(about__matches=Query.read(filters.task).tsquery(TASK))
    return index


def _matching(filters: Filters) -> tuple[QuerySet, str]:
    """Rows with `occurred_at`, and the name of the session's id in them, perhaps several of one session.

    In which order words stand is not looked at, nor what is unwanted if that is words in a row.
    """
    index = _indexed(filters)
    if not filters.asked:
        return index, "pk"
    (first, prefix), *more = filters.asked
    found = SessionWords.objects.filter(words__matches=first.loose_tsquery(prefix))
    for query, prefix in more:
        found = found.filter(session__in=_sessions_with(query.loose_tsquery(prefix)))
    for query, prefix in filters.asked:
        if query.without and not filters.has_order:
            found = found.exclude(session__in=_sessions_with(query.without_tsquery(prefix)))
    return (found.filter(session__in=index.values("pk")) if index.query.where else found), "session_id"


def _sessions_with(tsquery: str) -> QuerySet:
    return SessionWords.objects.filter(words__matches=tsquery).values("session")


def _narrowed(rows: QuerySet, filters: Filters) -> QuerySet:
    """By what sessions and their index have in common."""
    if filters.agent:
        # Its number, not a join: the planner then knows how many sessions it has.
        rows = rows.filter(agent_id=Agent.objects.filter(slug=filters.agent).values_list("pk", flat=True).first() or 0)
    if filters.outcome:
        rows = rows.filter(outcome=filters.outcome)
    if since := day(filters.since):
        rows = rows.filter(occurred_at__gte=datetime.combine(since, time.min, UTC))
    if until := day(filters.until):
        rows = rows.filter(occurred_at__lte=datetime.combine(until, time.max, UTC))
    return rows


@contextmanager
def _by_index() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PLANNER, ["off"])
        yield
        cursor.execute(_PLANNER, ["on"])


def _cursor_of(row: Row) -> str:
    return f"{row[0].astimezone(UTC).replace(tzinfo=None).isoformat()}~{row[1]}"


def _cursor(text: str) -> Cursor | None:
    moment, _, pk = text.partition("~")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return None
    try:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Value(at, output_field=DateTimeField()), int(pk)


def known_tools() -> list[str]:
    """The tools of the newest sessions, to choose from: all of them would cost more than they are worth.

    A suggestion cannot show the characters that nobody sees, so names that hold some are not suggested.
    """
    newest = SessionIndex.objects.order_by("-occurred_at", "-pk").values_list("tools", flat=True)[:200]
    return sorted({tool for tools in newest for tool in tools if tool.isprintable()})[:200]


def unindexed_count() -> int:
    """How many sessions no search finds yet, but never more than `COUNT_LIMIT`."""
    return UnindexedSession.objects.all()[:COUNT_LIMIT].count()
