"""Sessions sent as they run: opened, added to, closed. Until then they wait apart, and no dream reads them."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from sessions.format import MAX_EVENTS, MAX_SESSION_BYTES, FormatError, parse_event, parse_session, serialise
from sessions.models import Agent, OpenEvent, OpenSession, Session
from sessions.preparing import prepare
from sessions.redaction import redact_value
from sessions.services import DIFFERS, ingest

logger = logging.getLogger(__name__)

# A session of which nothing was heard for so long is closed, with what there is.
IDLE_FOR = timedelta(hours=6)
SWEEP = 500  # so many are closed at once, at most
CLOSING_KEYS = ("ended_at", "outcome", "metadata")
ROOM = MAX_SESSION_BYTES - 2**20  # what closing adds still fits


class NotOpen(LookupError):
    """No such session is running; the message says whether it is closed or unknown."""


@dataclass(slots=True)
class Appended:
    """What became of the events of one request; `errors` name those that were refused."""

    next_seq: int = 0
    accepted: int = 0
    duplicates: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)


@transaction.atomic
def open_session(*, agent: Agent, head: dict[str, Any]) -> tuple[OpenSession, bool]:
    """Begin a session, or find it begun: then it stays as it was, and the second value is false.

    `head` is a session of format 1 without events. Raises `FormatError`, and `NotOpen` for one that is closed.
    """
    parsed = parse_session(serialise({**head, "events": []}).encode())
    if Session.objects.filter(agent=agent, external_id=parsed.id).exists():
        raise NotOpen(f"{parsed.id} is closed; a session is written once.")
    counts: Counter[str] = Counter()
    kept = {name: value if name in ("id", "agent") else redact_value(value, counts) for name, value in head.items()}
    row, created = OpenSession.objects.get_or_create(
        agent=agent,
        external_id=parsed.id,
        defaults={"head": kept, "redactions": dict(counts), "bytes": len(serialise(kept).encode())},
    )
    return row, created


@transaction.atomic
def append(*, agent: Agent, external_id: str, lines: Sequence[bytes]) -> Appended:
    """Add events, each JSON. A bad one is refused and the others are kept; one whose seq is there changes nothing.

    Raises `NotOpen`.
    """
    session = _locked(agent, external_id)
    result, counts = Appended(), Counter(session.redactions)
    rows: dict[int, OpenEvent] = {}
    sent = [(number, line, _event_or_error(line)) for number, line in enumerate(lines, 1)]
    seqs = [int(event["seq"]) for _, _, event in sent if isinstance(event, dict)]
    known = set(session.events.filter(seq__in=seqs).values_list("seq", flat=True))
    for number, line, event in sent:
        reason = event.reason if isinstance(event, FormatError) else _no_room(session, len(rows), line)
        if reason or isinstance(event, FormatError):
            result.errors.append({"line": number, "reason": reason})
            continue
        seq = int(event["seq"])
        if seq in known or seq in rows:
            result.duplicates += 1
            continue
        rows[seq] = OpenEvent(session=session, seq=seq, body=serialise(redact_value(event, counts)))
        session.bytes += len(rows[seq].body.encode()) + 2
    OpenEvent.objects.bulk_create(rows.values())
    session.event_count += len(rows)
    session.next_seq = max(session.next_seq, *(seq + 1 for seq in rows)) if rows else session.next_seq
    session.redactions, session.touched_at = dict(counts), Now()
    session.save(update_fields=["redactions", "touched_at", "bytes", "event_count", "next_seq"])
    result.accepted, result.next_seq = len(rows), session.next_seq
    return result


def _event_or_error(line: bytes) -> dict[str, Any] | FormatError:
    try:
        return parse_event(line)
    except FormatError as error:
        return error


def _no_room(session: OpenSession, added: int, line: bytes) -> str:
    if session.bytes + len(line) > ROOM:
        return f"the session would be larger than {ROOM // 2**20} MiB; close it and open another"
    if session.event_count + added >= MAX_EVENTS:
        return f"a session may have at most {MAX_EVENTS} events; close it and open another"
    return ""


@transaction.atomic
def close_session(*, agent: Agent, external_id: str, closing: dict[str, Any]) -> str:
    """Make the session whole, with what `closing` says of its end, and ingest it. Returns the status of ingest.

    Raises `FormatError` (then it stays open), and `NotOpen`.
    """
    session = _locked(agent, external_id)
    if unknown := closing.keys() - set(CLOSING_KEYS):
        raise FormatError(f"{sorted(unknown)[0]}: closing takes {', '.join(CLOSING_KEYS)}")
    head = {**session.head, **closing}
    if "metadata" in closing and isinstance(closing["metadata"], dict):
        head["metadata"] = {**session.head.get("metadata", {}), **closing["metadata"]}
    bodies = session.events.order_by("seq").values_list("body", flat=True)
    prepared = prepare(f'{serialise(head)[:-1]}, "events": [{",".join(bodies)}]}}'.encode())
    prepared.redactions = dict(Counter(prepared.redactions) + Counter(session.redactions))
    (status,) = ingest(sessions=[prepared], actor=Actor.agent(agent.slug)).statuses
    if status == DIFFERS:
        raise NotOpen(f"{external_id[:80]} was sent whole meanwhile, with other contents: that one stays.")
    session.delete()
    return status


def close_idle() -> int:
    """Close what nobody closed, with an unknown outcome unless one was said at the start. Returns how many.

    The longest idle come first. One that cannot be closed goes to the end of the line, and is tried again when it would be idle.
    """
    idle = OpenSession.objects.filter(touched_at__lt=Now() - IDLE_FOR).select_related("agent")
    return sum(_closed(session) for session in idle.order_by("touched_at", "pk")[:SWEEP])


def _closed(session: OpenSession) -> bool:
    try:
        close_session(agent=session.agent, external_id=session.external_id, closing={"metadata": {"closed_by": "idle"}})
    except Exception as error:
        is_known = isinstance(error, FormatError | NotOpen)
        logger.warning("open session %s was not closed: %s", session.pk, error, exc_info=not is_known)
        OpenSession.objects.filter(pk=session.pk).update(touched_at=Now())
        return False
    return True


def state_of(*, agent: Agent, external_id: str) -> dict[str, Any]:
    """How a session stands: `open` with the next free seq, or `closed`. Raises `NotOpen` for an unknown one."""
    session = OpenSession.objects.filter(agent=agent, external_id=external_id).first()
    if session is not None:
        return {"id": external_id, "status": "open", "next_seq": session.next_seq}
    if Session.objects.filter(agent=agent, external_id=external_id).exists():
        return {"id": external_id, "status": "closed"}
    raise NotOpen(f"There is no session {external_id[:80]} of {agent.slug}.")


def _locked(agent: Agent, external_id: str) -> OpenSession:
    rows = OpenSession.objects.select_for_update(of=["self"]).filter(agent=agent, external_id=external_id)
    if session := rows.first():
        return session
    if Session.objects.filter(agent=agent, external_id=external_id).exists():
        raise NotOpen(f"{external_id[:80]} is closed; a session is written once.")
    raise NotOpen(f"No session {external_id[:80]} of {agent.slug} is open. Open it first.")
