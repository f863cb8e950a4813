"""Changes to agents, keys and sessions, each with its audit entry."""

import json
import secrets
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.actors import Actor
from audit.acts import current_act, one_act
from audit.services import record
from sessions.known_keys import forget
from sessions.models import Agent, ApiKey, Session, hash_secret
from sessions.preparing import EVENT_COLUMNS, ID_MARK, PreparedSession
from sessions.signals import agents_seen, sessions_added

CREATED = "created"
DUPLICATE = "duplicate"
DIFFERS = "differs"

# Column → its type as an array, in the order of `_session_row`.
SESSION_COLUMNS = {
    "id": "bigint",
    "agent_id": "bigint",
    "external_id": "text",
    "task": "text",
    "task_id": "text",
    "principal": "text",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "outcome": "text",
    "outcome_score": "float8",
    "outcome_source": "text",
    "outcome_detail": "text",
    "metadata": "jsonb",
    "extra": "jsonb",
    "redactions": "jsonb",
    "event_count": "int",
    "sha256": "text",
}
NEXT_IDS = "SELECT nextval(pg_get_serial_sequence('agent_sessions_session', 'id')) FROM generate_series(1, %s)"
# `jsonb` goes as text: an array of it would need each value wrapped.
INSERT_SESSIONS = """
INSERT INTO agent_sessions_session ({columns}, received_at, occurred_at)
SELECT {values}, statement_timestamp(), least(started_at, statement_timestamp())
FROM unnest({arrays}) AS sent ({columns})
ON CONFLICT (agent_id, external_id) DO NOTHING
RETURNING id
""".format(
    columns=", ".join(SESSION_COLUMNS),
    values=", ".join(f"{name}::{kind}" for name, kind in SESSION_COLUMNS.items()),
    arrays=", ".join(f"%s::{kind.replace('jsonb', 'text')}[]" for kind in SESSION_COLUMNS.values()),
)
ASK_FOR_INDEX = "INSERT INTO agent_sessions_unindexedsession (session_id) SELECT unnest(%s::bigint[])"
COPY_EVENTS = f"COPY agent_sessions_event ({', '.join(EVENT_COLUMNS)}) FROM STDIN"


@dataclass(slots=True)
class IngestResult:
    """`statuses` has `created`, `duplicate` or `differs` for each session, in the order they were given."""

    statuses: list[str] = field(default_factory=list)
    events: int = 0
    redactions: Counter[str] = field(default_factory=Counter)
    agents_created: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@transaction.atomic
def ingest(
    *,
    sessions: Sequence[PreparedSession],
    actor: Actor,
    store: str = "",
    act: uuid.UUID | None = None,
    durable: bool = True,
) -> IngestResult:
    """Write a batch of sessions with their events: all of it, or nothing.

    Idempotent on (agent, id) and safe against others that send the same: what is there stays, and is
    reported as `duplicate`, or as `differs` if it was sent with other bytes. With a `store`, listeners of
    `agents_seen` attach agents that have none. One audit entry a batch that added something; give the batches
    of one import the same `act`. Without `durable` a crash of the server may take back the last batches, whole,
    until `make_durable` was called: waiting for the disk at each batch takes a tenth of an import's time.
    """
    result = IngestResult()
    if not sessions:
        return result
    if not durable:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")
    agents, created = _agents_of(sessions)
    new_ids = _insert_sessions(sessions, agents)
    added = [(session_id, session) for session_id, session in zip(new_ids, sessions, strict=True) if session_id]
    _copy_events(added)
    _ask_for_index([session_id for session_id, _ in added])
    result.statuses = _statuses(sessions, agents, new_ids)
    result.events = sum(session.event_count for _, session in added)
    for _, session in added:
        result.redactions.update(session.redactions)
    result.agents_created = [agent.slug for agent in created]
    act = act or current_act()
    if store:
        with one_act(act):
            result.warnings = _announce(store, list(agents.values()), {agent.pk for agent in created})
    # From here on the record is locked for everyone else, so it comes last: after every row, and every store.
    for agent in created:
        record(
            action="agent.created",
            actor=actor,
            subject=f"agent:{agent.pk}",
            act=act,
            data={"slug": agent.slug, "mode": agent.mode},
        )
    if added:
        record(
            action="sessions.imported",
            actor=actor,
            subject=f"import:{act}",
            store=store,
            act=act,
            data=_summary(result),
        )
        ids = [session_id for session_id, _ in added]
        # Robust: the sessions stand, whatever a listener makes of them.
        transaction.on_commit(lambda: sessions_added.send(sender=Session, session_ids=ids), robust=True)
    return result


def make_durable() -> None:
    """Wait until every batch before this is on disk. An empty transaction would not: it must write something."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_logical_emit_message(true, 'daylight', 'import')")


def _summary(result: IngestResult) -> dict[str, Any]:
    counts = Counter(result.statuses)
    return {
        "sessions": counts[CREATED],
        "duplicates": counts[DUPLICATE],
        "differing": counts[DIFFERS],
        "events": result.events,
        "redactions": dict(result.redactions),
    }


def _agents_of(sessions: Sequence[PreparedSession]) -> tuple[dict[str, Agent], list[Agent]]:
    """The agents by slug, and those of them that are new. Sorted, so that two imports cannot deadlock."""
    slugs = {session.agent for session in sessions}
    agents = {agent.slug: agent for agent in Agent.objects.filter(slug__in=slugs)}
    created = []
    for slug in sorted(slugs - agents.keys()):
        agents[slug], is_new = Agent.objects.get_or_create(slug=slug)
        if is_new:
            created.append(agents[slug])
    return dict(sorted(agents.items())), created


def _insert_sessions(sessions: Sequence[PreparedSession], agents: dict[str, Agent]) -> list[int | None]:
    """The id of each session that was not there yet, None for the others.

    Ids follow the order of the batch; rows are inserted sorted by key, so that two batches cannot deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEXT_IDS, [len(sessions)])
        ids = [row[0] for row in cursor.fetchall()]
        rows = [
            _session_row(session_id, agents[session.agent].pk, session)
            for session_id, session in zip(ids, sessions, strict=True)
        ]
        rows.sort(key=lambda row: row[1:3])
        cursor.execute(INSERT_SESSIONS, [list(column) for column in zip(*rows, strict=True)])
        inserted = {row[0] for row in cursor.fetchall()}
    return [session_id if session_id in inserted else None for session_id in ids]


def _session_row(session_id: int, agent_id: int, session: PreparedSession) -> tuple[Any, ...]:
    return (
        session_id,
        agent_id,
        session.external_id,
        session.task,
        session.task_id,
        session.principal,
        session.started_at,
        session.ended_at,
        session.outcome,
        session.outcome_score,
        session.outcome_source,
        session.outcome_detail,
        session.metadata,
        session.extra,
        json.dumps(session.redactions),
        session.event_count,
        session.sha256,
    )


def _copy_events(added: list[tuple[int, PreparedSession]]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY_EVENTS) as copy:
        for session_id, session in added:
            copy.write(session.copy_rows.replace(ID_MARK, b"%d" % session_id))


def _ask_for_index(session_ids: list[int]) -> None:
    if session_ids:
        with connection.cursor() as cursor:
            cursor.execute(ASK_FOR_INDEX, [session_ids])


def _statuses(sessions: Sequence[PreparedSession], agents: dict[str, Agent], new_ids: list[int | None]) -> list[str]:
    if all(new_ids):
        return [CREATED] * len(new_ids)
    known = [session.external_id for session, new in zip(sessions, new_ids, strict=True) if not new]
    kept = {
        (agent_id, external_id): sha256
        for agent_id, external_id, sha256 in Session.objects.filter(
            agent__in=agents.values(), external_id__in=known
        ).values_list("agent_id", "external_id", "sha256")
    }
    return [
        CREATED
        if new
        else DUPLICATE
        if kept[agents[session.agent].pk, session.external_id] == session.sha256
        else DIFFERS
        for session, new in zip(sessions, new_ids, strict=True)
    ]


def _announce(store: str, agents: list[Agent], created: set[int]) -> list[str]:
    answers = agents_seen.send(sender=Agent, store=store, agents=agents, created=created)
    return [warning for _, warnings in answers for warning in warnings or ()]


@transaction.atomic
def issue_key(
    *,
    agent: Agent | None,
    scopes: Sequence[str],
    issued_by: Actor,
    label: str = "",
    expires_at: datetime | None = None,
    replaces: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """A new key, and its text, which is not kept and can be shown only now. Raises `ValueError` for a bad scope.

    A key to manage stores belongs to no agent, and does nothing else.
    """
    allowed = [scope for scope, _ in ApiKey.AGENT_SCOPES] if agent else [ApiKey.Scope.MANAGE.value]
    if not scopes or set(scopes) - set(allowed):
        raise ValueError(f"scopes must be one or more of {', '.join(allowed)}, not {list(scopes)}")
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        agent=agent,
        public_id=secrets.token_hex(6),
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        label=label,
        issued_by=issued_by.name,
        expires_at=expires_at,
        replaces=replaces,
    )
    record(
        action="api_key.issued",
        actor=issued_by,
        subject=f"api_key:{key.public_id}",
        data={
            "agent": agent.slug if agent else None,
            "scopes": key.scopes,
            "expires_at": expires_at.isoformat() if expires_at else None,
            "replaces": f"api_key:{replaces.public_id}" if replaces else None,
        },
    )
    return key, f"dl_{key.public_id}_{secret}"


@transaction.atomic
def revoke_key(*, key: ApiKey, by: Actor) -> bool:
    """End a key at once. False if it was revoked already: then nothing is written."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()):
        return False
    key.refresh_from_db(fields=["revoked_at"])
    _look_up_anew(key)
    record(
        action="api_key.revoked",
        actor=by,
        subject=f"api_key:{key.public_id}",
        data={"agent": key.agent.slug if key.agent else None},
    )
    return True


class NotRotated(ValueError):
    """The key cannot be replaced; the message says why."""


@transaction.atomic
def rotate_key(*, key: ApiKey, by: Actor, overlap: timedelta) -> tuple[ApiKey, str]:
    """A new key for the same, and its text. The old one is good for `overlap` more, unless it ends sooner.

    Raises `NotRotated` for a key that is not usable any more or was replaced before.
    """
    old = ApiKey.objects.select_for_update(of=["self"]).usable().filter(pk=key.pk, replaced_by=None).first()
    if old is None:
        raise NotRotated(f"{key} has ended or was replaced already. Issue a new key.")
    fresh, text = issue_key(
        agent=old.agent, scopes=old.scopes, issued_by=by, label=old.label, expires_at=old.expires_at, replaces=old
    )
    ends = timezone.now() + overlap
    old.expires_at = min(ends, old.expires_at or ends)
    old.save(update_fields=["expires_at"])
    _look_up_anew(old)
    return fresh, text


def _look_up_anew(key: ApiKey) -> None:
    """Now, and once the change is committed: in between somebody may look it up as it was."""
    forget(key.public_id)
    transaction.on_commit(lambda: forget(key.public_id))
