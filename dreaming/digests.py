"""Session digests in the database: computed once, read by every pass."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import models
from django.db.models.functions import MD5, Cast

from dreaming.fanout import hand_out
from dreaming.mining.digest import digest_session
from dreaming.mining.values import DIGEST_VERSION, Digest, EventView, SessionView
from dreaming.models import SessionDigest
from sessions.models import Event, Session, SessionQuerySet

CHUNK = 50
# Below this, a pass has digested them itself before a worker has begun.
WORTH_WORKERS = 1000
SESSION_FIELDS = ("external_id", "agent__slug", "principal", "task_id", "outcome", "outcome_score", "outcome_source")
EVENT_FIELDS = ("seq", "type", "role", "text", "tool", "call_id", "input", "output", "is_error")
# What JSON can spell and PostgreSQL cannot keep.
UNKEPT = re.compile("[\0\ud800-\udfff]")


def without_digest(sessions: SessionQuerySet) -> SessionQuerySet:
    """Those of the sessions that have no digest of the current version."""
    return sessions.exclude(digest__version=DIGEST_VERSION)


def digest_missing(sessions: SessionQuerySet, on_progress: Callable[[int, int], None]) -> int:
    """Digest the sessions that have none of the current version; returns how many that were.

    Where they are many, the workers are asked to help: they begin with the oldest, this process with the newest, and
    it skips what is done when it comes there. It never waits for them, so that a busy or missing fleet costs nothing.
    `on_progress(done, total)` is called after every chunk and may raise to stop; what is done stays.
    """
    ids = list(without_digest(sessions).order_by("-pk").values_list("pk", flat=True))
    if len(ids) >= WORTH_WORKERS:
        hand_out(reversed(ids))
    for start in range(0, len(ids), CHUNK):
        digest_sessions(ids[start : start + CHUNK])
        on_progress(min(start + CHUNK, len(ids)), len(ids))
    return len(ids)


def digest_sessions(session_ids: Sequence[int]) -> None:
    """Digest those of a few sessions that have no digest yet. Harmless when it is done twice, or by two at once."""
    sessions = (
        without_digest(Session.objects.filter(pk__in=session_ids).usable())
        .select_related("agent")
        .only(*SESSION_FIELDS)
    )
    rows = [_row(digest_session(view)) for view in session_views(sessions)]
    SessionDigest.objects.bulk_create(
        sorted(rows, key=lambda row: row.session_id),  # so that two who digest the same cannot deadlock
        update_conflicts=True,
        unique_fields=["session"],
        update_fields=["version", "data"],
    )


def _row(digest: Digest) -> SessionDigest:
    # As an expression: Django sends plain values as one array, and to quote that takes as long as to digest.
    data = models.Value(_kept(digest.to_json()), output_field=models.JSONField())
    return SessionDigest(session_id=digest.ref, version=DIGEST_VERSION, data=data)


def _kept(data: Any) -> Any:
    """The data as PostgreSQL can keep them: JSON inside an event may spell NUL, or half of a surrogate pair."""
    text = json.dumps(data)
    return _without_unkept(data) if "\\u0000" in text or "\\ud" in text else data


def _without_unkept(value: Any) -> Any:
    if isinstance(value, str):
        return UNKEPT.sub("\ufffd", value)
    if isinstance(value, dict):
        return {key: _without_unkept(item) for key, item in value.items()}
    return [_without_unkept(item) for item in value] if isinstance(value, list | tuple) else value


def read_digests(sessions: SessionQuerySet) -> Iterator[Digest]:
    """The digests of the sessions, each with its session's week, and its outcome as it is known now."""
    fields = ("digest__data", "outcome", "outcome_score", "outcome_source", "occurred_at")
    rows = sessions.filter(digest__version=DIGEST_VERSION).order_by("pk").values_list(*fields)
    for data, outcome, score, source, at in rows.iterator(chunk_size=500):
        yield replace(Digest.from_json(data), outcome=outcome, score=score, source=source, week=monday(at))


def monday(at: datetime) -> str:
    """The first day of the week (UTC) of a time, in ISO 8601."""
    day = at.astimezone(UTC).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def digests_hash(sessions: SessionQuerySet) -> str:
    """Hexadecimal SHA-256 over agent, id, outcome, hash and digest of each session: the same for the same inputs."""
    digest_sum = MD5(Cast("digest__data", models.TextField()))
    rows = (
        sessions.filter(digest__version=DIGEST_VERSION)
        .order_by("agent__slug", "external_id")
        .values_list("agent__slug", "external_id", "outcome", "sha256", digest_sum)
    )
    found = hashlib.sha256()
    for row in rows.iterator(chunk_size=2000):
        found.update("\x1f".join(row).encode() + b"\n")
    return found.hexdigest()


def session_views(sessions: Iterable[Session]) -> Iterator[SessionView]:
    """The sessions and their events as the plain values that mining works on, one at a time, in any order."""
    waiting = {session.pk: session for session in sessions}
    rows = Event.objects.filter(session__in=list(waiting)).order_by("session_id", "seq")
    found = rows.values_list("session_id", *EVENT_FIELDS).iterator(chunk_size=500)
    for session_id, events in groupby(found, key=itemgetter(0)):
        yield _view(waiting.pop(session_id), [EventView(*row[1:]) for row in events])
    for session in waiting.values():
        yield _view(session, [])


def _view(session: Session, events: list[EventView]) -> SessionView:
    return SessionView(
        ref=session.pk,
        external_id=session.external_id,
        agent=session.agent.slug,
        principal=session.principal,
        task_id=session.task_id,
        outcome=session.outcome,
        score=session.outcome_score,
        source=session.outcome_source,
        events=events,
    )
