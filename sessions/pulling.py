"""Sessions of Anthropic's Managed Agents, pulled through the SDK.

Sessions are listed oldest first, from a cursor on. What was pulled is written together with how far it was pulled, so
that a pull which ends anywhere goes on where it was. A session that runs, or was idle only just now, is left for later
and holds the cursor. An idle session may go on: for a week it is looked at again, and what was added becomes a session
of its own, as what is here is never changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import anthropic
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from sessions.foreign import id_of, session_line, time_of
from sessions.format import FormatError
from sessions.managed_agents import session_of
from sessions.models import Agent, RemoteSession, RemoteSource
from sessions.preparing import prepare
from sessions.services import CREATED, ingest

JUST_NOW = timedelta(minutes=15)
LOOK_AGAIN = timedelta(days=7)
PART_EVENTS = 20_000
PAGE = 100
RETRIES = 5
TIMEOUT = 60.0


class PullFailed(Exception):
    """The pull ended early; what was pulled is kept. The message says what to do."""


@dataclass(slots=True)
class PullReport:
    """What one pull did. `waiting`: sessions that are not over. `problems`: sessions that could not be had, and why."""

    looked_at: int = 0
    sessions: int = 0
    events: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def has_key() -> bool:
    return bool(settings.ANTHROPIC_API_KEY)


@transaction.atomic
def follow(*, agent: Agent, remote_agent: str, is_followed: bool | None, by: Actor) -> RemoteSource:
    """The source of an agent; with `is_followed`, whether the schedule pulls it from now on."""
    source, _ = RemoteSource.objects.select_for_update().get_or_create(agent=agent, remote_agent=remote_agent)
    if is_followed is not None and source.is_followed != is_followed:
        source.is_followed = is_followed
        source.save(update_fields=["is_followed"])
        record(
            action="remote_source.changed",
            actor=by,
            subject=f"agent:{agent.pk}",
            data={"slug": agent.slug, "remote_agent": remote_agent, "is_followed": is_followed},
        )
    return source


def pull(*, source: RemoteSource, actor: Actor, now: datetime, since: datetime | None = None) -> PullReport:
    """Pull what is new of a source. `since` goes back behind its cursor. Raises `PullFailed`."""
    report = PullReport()
    client = anthropic.Anthropic(
        api_key=settings.ANTHROPIC_API_KEY,
        base_url=settings.ANTHROPIC_BASE_URL,
        max_retries=RETRIES,
        timeout=TIMEOUT,
    )
    trouble = ""
    try:
        with client:
            _pull_all(client, source, actor, now, since, report)
    except anthropic.APIStatusError as error:
        trouble = f"Anthropic answered {error.status_code}: {error.message}"
    except anthropic.APIError as error:
        trouble = f"Anthropic could not be asked: {error}"
    RemoteSource.objects.filter(pk=source.pk).update(pulled_at=Now(), trouble=trouble[:2_000])
    if trouble:
        raise PullFailed(f"{trouble}. What was pulled is kept; pull again to go on.")
    return report


def _pull_all(
    client: anthropic.Anthropic,
    source: RemoteSource,
    actor: Actor,
    now: datetime,
    since: datetime | None,
    report: PullReport,
) -> None:
    start = since or source.cursor
    filters: dict[str, Any] = {"created_at_gte": start} if start else {}
    if source.remote_agent:
        filters["agent_id"] = source.remote_agent
    # Going back, or beginning, leaves nothing out; a start after the cursor would.
    settled = since is None or source.pulled_at is None or bool(source.cursor and since <= source.cursor)
    for listed in client.beta.sessions.list(order="asc", limit=PAGE, include_archived=True, **filters):
        session = listed.to_dict(mode="json", warnings=False)
        report.looked_at += 1
        if not _is_over(session, now):
            report.waiting += 1
            settled = False
            continue
        try:
            _pull_one(client, source, session, actor, report)
        except (anthropic.NotFoundError, anthropic.BadRequestError) as error:
            report.problems.append(f"{session['id']}: {error.message}")
        # Up to the first that may still change, and never back.
        created = time_of(session.get("created_at"))
        settled = settled and (session["status"] == "terminated" or _age(session, now) > LOOK_AGAIN)
        if settled and created and (source.cursor is None or created > source.cursor):
            source.cursor = created
            source.save(update_fields=["cursor"])


def _age(session: dict[str, Any], now: datetime) -> timedelta:
    return now - (time_of(session.get("updated_at")) or datetime.min.replace(tzinfo=UTC))


def _is_over(session: dict[str, Any], now: datetime) -> bool:
    status = session.get("status")
    return status == "terminated" or (status == "idle" and _age(session, now) >= JUST_NOW)


def _pull_one(
    client: anthropic.Anthropic, source: RemoteSource, session: dict[str, Any], actor: Actor, report: PullReport
) -> None:
    """What is new of one session, in parts of a bounded size; each is written with how far it goes."""
    updated = time_of(session.get("updated_at"))
    known = RemoteSession.objects.filter(source=source, remote_id=session["id"]).first()
    if known is not None and known.updated_at == updated:
        return
    fresh = _fresh_events(client, session["id"], known)
    last_event = known.last_event if known else ""
    while events := list(islice(fresh, PART_EVENTS)):
        if not _write(source, session, events, last_event, actor, report):
            return
        last_event = _id(events[-1])
    RemoteSession.objects.filter(source=source, remote_id=session["id"]).update(updated_at=updated)


def _fresh_events(client: anthropic.Anthropic, remote_id: str, known: RemoteSession | None) -> Iterator[dict[str, Any]]:
    """The events that are not here, in their order. Those at the very time of the last are read over until after it."""
    last_at = known.last_event_at if known else None
    after: dict[str, Any] = {"created_at_gte": last_at} if last_at else {}
    listed = client.beta.sessions.events.list(remote_id, order="asc", limit=PAGE, **after)
    is_fresh = known is None or not known.last_event
    for event in (event.to_dict(mode="json", warnings=False) for event in listed):
        if is_fresh:
            yield event
            continue
        at = time_of(event.get("processed_at"))
        is_fresh = event.get("id") == known.last_event
        if last_at and at and at > last_at and not is_fresh:  # the last that is here is no longer there
            is_fresh = True
            yield event


@transaction.atomic
def _write(
    source: RemoteSource,
    session: dict[str, Any],
    events: list[dict[str, Any]],
    after: str,
    actor: Actor,
    report: PullReport,
) -> bool:
    """Write the events that follow `after`. False, and nothing, if another pull got further meanwhile."""
    kept, _ = RemoteSession.objects.select_for_update().get_or_create(
        source=source,
        remote_id=session["id"],
        # Not the session's own: it is known as pulled only when all of its parts are.
        defaults={"updated_at": datetime(1970, 1, 1, tzinfo=UTC), "last_event": ""},
    )
    if kept.last_event != after:
        return False
    remote_id = id_of(session["id"])
    made = session_of(
        session,
        events,
        # Not at the end: what begins with `sesn_` is a session at Anthropic.
        external_id=id_of(f"part-{kept.parts + 1}/{remote_id}") if kept.parts else remote_id,
        agent=source.agent.slug,
    )
    kept.last_event = _id(events[-1])
    kept.last_event_at = time_of(events[-1].get("processed_at")) or kept.last_event_at
    kept.parts += made is not None
    kept.save()
    if made is None:
        return True
    try:
        prepared = prepare(session_line(made))
    except FormatError as error:
        report.problems.append(f"{session['id']}: {error.reason}")
        return True
    result = ingest(sessions=[prepared], actor=actor)
    report.sessions += result.statuses.count(CREATED)
    report.events += result.events
    return True


def _id(event: dict[str, Any]) -> str:
    return str(event.get("id", ""))[:255]
