"""Where in a session something stands: the event that matched, and the words around the match."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import connection

from sessions.filters import Filters
from sessions.format import MAX_SEQ
from sessions.indexing import MAX_NAME, STRETCH, head_of
from sessions.models import Session, SessionWords
from sessions.words import ERROR, Query

BEFORE, AFTER = 80, 180
# Who finds more than so many in one session looks for something else.
MAX_FOUND = 500

_IN_STRETCHES = r"""
    SELECT event.session_id, event.seq, event.tool, event.type = 'error' OR coalesce(event.is_error, false),
        substr(
            concat_ws(E'\n', nullif(event.text, ''), nullif(event.input, ''), nullif(event.output, '')),
            (CASE WHEN event.seq = stretch.first_seq THEN stretch.start ELSE 0 END + 1)::int,
            %s
        )
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS stretch (session_id, first_seq, last_seq, start)
    JOIN agent_sessions_event event
        ON event.session_id = stretch.session_id AND event.seq BETWEEN stretch.first_seq AND stretch.last_seq
    ORDER BY event.session_id, event.seq, stretch.start
"""
_FIRST_OF_TOOL = r"""
    SELECT wanted.id, first.*
    FROM unnest(%s::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
        SELECT event.seq, event.tool, event.type = 'error' OR coalesce(event.is_error, false),
            left(concat_ws(E'\n', nullif(event.text, ''), nullif(event.input, ''), nullif(event.output, '')), %s)
        FROM agent_sessions_event event
        WHERE event.session_id = wanted.id AND (%s = '' OR left(event.tool, %s) = %s)
            AND (NOT %s OR event.type = 'error' OR event.is_error)
        ORDER BY event.seq LIMIT 1
    ) first
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """`seq` is None where the match stands in what is said about the session."""

    seq: int | None
    tool: str
    failed: bool
    text: str


def hits(filters: Filters, sessions: list[Session]) -> dict[int, Hit]:
    """For each session the first event that the filters name, if they name any."""
    ids = [session.pk for session in sessions]
    if not ids:
        return {}
    if filters.q:
        return _by_words(sessions, filters.words, only_failed=False)
    if filters.error:
        return _by_words(sessions, filters.error_words, only_failed=True)
    if filters.tool or filters.errors:
        values = [ids, BEFORE + AFTER, filters.tool, MAX_NAME, filters.tool, bool(filters.errors)]
        return {row[0]: Hit(*row[1:]) for row in _rows(_FIRST_OF_TOOL, values)}
    return {}


def found_in(session: Session, query: Query) -> list[int]:
    """The events of one session that hold what is looked for, at most `MAX_FOUND`; else those that hold a part of it."""
    if not query:
        return []
    stretches = list(_stretches([session.pk], query.tsquery()))
    if not stretches and not SessionWords.objects.filter(session=session).exists():
        stretches = [(session.pk, 0, MAX_SEQ, 0)]
    whole, partly = [], []
    for _, seq, _, _, text in _events(stretches):
        if query.matches(text):
            whole.append(seq)
        elif not whole and query.touches(text):
            partly.append(seq)
        if len(whole) == MAX_FOUND:
            break
    return list(dict.fromkeys(whole or partly[:MAX_FOUND]))


def _by_words(sessions: list[Session], query: Query, *, only_failed: bool) -> dict[int, Hit]:
    stretches = _stretches([session.pk for session in sessions], query.tsquery(ERROR if only_failed else ""))
    found = {}
    for session_id, events in groupby(_events(_first_of_each(stretches)), key=lambda row: row[0]):
        found[session_id] = _best([row for row in events if row[3] or not only_failed], query)
    return {session.pk: found.get(session.pk) or _in_head(session, query) for session in sessions}


def _best(events: list[tuple], query: Query) -> Hit | None:
    """The first event that holds all of it, or else any of it."""
    whole = (row for row in events if query.matches(row[4]))
    partly = (row for row in events if query.touches(row[4]))
    if not (row := next(whole, None) or next(partly, None)):
        return None
    return Hit(row[1], row[2], row[3], around(row[4], query))


def _in_head(session: Session, query: Query) -> Hit:
    return Hit(None, "", False, around(head_of(session), query))


def around(text: str, query: Query) -> str:
    """The first match in `text` with some of what stands about it."""
    match = query.pattern.search(text) if query.pattern else None
    begin = max(0, match.start() - BEFORE) if match else 0
    end = (match.end() if match else 0) + AFTER
    return ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")


def _stretches(session_ids: list[int], tsquery: str) -> Iterable[tuple[int, int, int, int]]:
    found = SessionWords.objects.filter(session__in=session_ids, words__matches=tsquery)
    columns = ("session_id", "first_seq", "last_seq", "start")
    return found.order_by("session_id", "first_seq", "start").values_list(*columns)


def _first_of_each(stretches: Iterable[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    return [next(own) for _, own in groupby(stretches, key=lambda row: row[0])]


def _events(stretches: list[tuple[int, int, int, int]]) -> list[tuple]:
    """(session id, seq, tool, failed, text) of their events in order; of long texts the part in the stretch."""
    columns = [list(column) for column in zip(*stretches, strict=True)] or [[], [], [], []]
    return _rows(_IN_STRETCHES, [STRETCH, *columns])


def _rows(sql: str, values: list[Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
