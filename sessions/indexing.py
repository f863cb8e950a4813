"""The index that sessions are looked up by: made by workers after ingest, from what is stored."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from django.db import transaction

from sessions.models import Session, SessionIndex, SessionWords, UnindexedSession
from sessions.words import ERROR, PRINCIPAL, TASK, Vector, words_of

BATCH = 50
# Rows of one INSERT: about 3 MB.
ROWS = 20
# Characters of a stretch. What is looked for together must stand in one.
STRETCH = 30_000
# Longer ones are indexed by their beginning.
MAX_NAME = 200
MAX_HEAD = 10_000
MAX_TOOLS = 1_000
# The place of what is said about a session: before its first event.
HEAD = -1


class Piece(NamedTuple):
    """The texts of an event, or a part of long ones; `start` is where that part begins in them."""

    seq: int
    start: int
    text: str
    is_json: bool
    failed: bool


def index_pending(*, seconds: float) -> int:
    """Index sessions that wait until none is left, or time is up; returns how many. Several may run at a time."""
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end and (batch := _index_batch()):
        done += batch
    return done


@transaction.atomic
def _index_batch() -> int:
    waiting = UnindexedSession.objects.select_for_update(skip_locked=True).order_by("pk")
    ids = list(waiting.values_list("pk", flat=True)[:BATCH])
    if ids:
        index_sessions(ids)
        UnindexedSession.objects.filter(pk__in=ids).delete()
    return len(ids)


@transaction.atomic
def index_sessions(ids: list[int]) -> None:
    """Make the index of these sessions, or make it anew."""
    SessionIndex.objects.filter(pk__in=ids).delete()
    SessionWords.objects.filter(session__in=ids).delete()
    # Held, so that none is erased between being read and being written.
    held = Session.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    for session in held.defer("metadata", "extra"):
        index = SessionIndex(
            session=session,
            agent_id=session.agent_id,
            occurred_at=session.occurred_at,
            outcome=session.outcome,
            about=str(_about(session)),
            error_count=0,
        )
        stretches = _stretches(session, _pieces(session, index))
        while rows := list(islice(stretches, ROWS)):
            SessionWords.objects.bulk_create(rows)
        index.save(force_insert=True)


def head_of(session: Session) -> str:
    """What is said about a session, as one text."""
    about = (session.external_id, session.task_id, session.principal, session.task, session.outcome_detail)
    return "\n".join(filter(None, about))[:MAX_HEAD]


def _about(session: Session) -> Vector:
    vector = Vector()
    vector.add(words_of(session.principal[:MAX_HEAD]), PRINCIPAL)
    for text in (session.external_id, session.task_id, session.task):
        vector.add(words_of(text[:MAX_HEAD]), TASK)
    return vector


def _pieces(session: Session, index: SessionIndex) -> Iterator[Piece]:
    """The session from its head to its last event; on the way, `index` learns its tools and errors."""
    yield Piece(HEAD, 0, head_of(session), is_json=False, failed=False)
    tools: dict[str, bool] = {}
    for event in session.events.defer("call_id", "extra").iterator(chunk_size=200):
        index.error_count += event.failed
        if event.tool and len(tools) < MAX_TOOLS:
            name = event.tool[:MAX_NAME]
            tools[name] = tools.get(name, False) or event.failed
        text = "\n".join(filter(None, (event.text, event.input, event.output)))
        is_json = bool(event.input) or event.output_is_json
        for start in range(0, len(text), STRETCH):
            yield Piece(event.seq, start, text[start : start + STRETCH], is_json, event.failed)
    index.tools = list(tools)
    index.failing_tools = [name for name, failed in tools.items() if failed]


def _stretches(session: Session, pieces: Iterable[Piece]) -> Iterator[SessionWords]:
    """As many pieces in one row as fit."""
    row, vector, size = None, Vector(), 0
    for piece in pieces:
        if row is not None and size + len(piece.text) > STRETCH:
            row.words = str(vector)
            yield row
            row, vector, size = None, Vector(), 0
        if row is None:
            row = SessionWords(session=session, occurred_at=session.occurred_at, first_seq=piece.seq, start=piece.start)
        row.last_seq = piece.seq
        size += len(piece.text)
        vector.add(words_of(piece.text, is_json=piece.is_json), *(("", ERROR) if piece.failed else ("",)))
    if row is not None:
        row.words = str(vector)
        yield row
