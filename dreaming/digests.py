"""Session digests in the database: computed once, read by every pass."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import models
from django.db.models.functions import MD5, Cast

from dreaming.mining.digest import digest_session
from dreaming.mining.values import DIGEST_VERSION, Digest, EventView, SessionView
from dreaming.models import SessionDigest
from sessions.models import Event, Session, SessionQuerySet

CHUNK = 50


def digest_missing(sessions: SessionQuerySet, on_progress: Callable[[int, int], None]) -> int:
    """Digest the sessions that have none of the current version; returns how many that were.

    `on_progress(done, total)` is called after every chunk and may raise to stop; what is done stays.
    """
    missing = sessions.exclude(digest__version=DIGEST_VERSION).order_by("pk").values_list("pk", flat=True)
    ids = list(missing)
    for start in range(0, len(ids), CHUNK):
        _store(Session.objects.filter(pk__in=ids[start : start + CHUNK]).select_related("agent"))
        on_progress(min(start + CHUNK, len(ids)), len(ids))
    return len(ids)


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


def _store(sessions: models.QuerySet[Session]) -> None:
    SessionDigest.objects.bulk_create(
        [
            SessionDigest(session=session, version=DIGEST_VERSION, data=digest_session(session_view(session)).to_json())
            for session in sessions
        ],
        update_conflicts=True,
        unique_fields=["session"],
        update_fields=["version", "data"],
    )


def session_view(session: Session) -> SessionView:
    """The session and its events as the plain values that mining works on."""
    fields = ("seq", "type", "role", "text", "tool", "call_id", "input", "output", "is_error")
    rows = Event.objects.filter(session=session).order_by("seq").values_list(*fields)
    return SessionView(
        ref=session.pk,
        external_id=session.external_id,
        agent=session.agent.slug,
        principal=session.principal,
        task_id=session.task_id,
        outcome=session.outcome,
        score=session.outcome_score,
        source=session.outcome_source,
        events=[EventView(*row) for row in rows],
    )
