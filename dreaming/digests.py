"""Session digests in the database: computed once, read by every pass."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from django.db import models
from django.db.models.functions import MD5, Cast

from dreaming.mining.digest import digest_session
from dreaming.mining.values import DIGEST_VERSION, Digest, EventView, SessionView
from dreaming.models import SessionDigest
from sessions.models import Event, Session, SessionQuerySet

CHUNK = 50
# What JSON can spell and PostgreSQL cannot keep.
UNKEPT = re.compile("[\0\ud800-\udfff]")


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
    """The digests of the sessions, each with its session's outcome as it is known now."""
    fields = ("digest__data", "outcome", "outcome_score", "outcome_source")
    rows = sessions.filter(digest__version=DIGEST_VERSION).order_by("pk").values_list(*fields)
    for data, outcome, score, source in rows.iterator(chunk_size=500):
        yield replace(Digest.from_json(data), outcome=outcome, score=score, source=source)


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
            SessionDigest(
                session=session, version=DIGEST_VERSION, data=_kept(digest_session(session_view(session)).to_json())
            )
            for session in sessions
        ],
        update_conflicts=True,
        unique_fields=["session"],
        update_fields=["version", "data"],
    )


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
