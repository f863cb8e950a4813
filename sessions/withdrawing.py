"""Taking a session back as evidence: its outcome was wrong, or nobody should learn from it."""

import uuid
from typing import Any

from django.db import transaction

from audit.actors import Actor
from audit.services import record
from sessions.models import OutcomeCorrection, Poisoning, Session, SessionIndex
from sessions.redaction import redact
from sessions.signals import sessions_withdrawn

MAX_REASON = 4_000


class NotWithdrawn(ValueError):
    """What was asked for makes no sense; the message says why, and nothing was done."""


class Unchanged(NotWithdrawn):
    """It was said so already."""


@transaction.atomic
def correct_outcome(
    *,
    session_id: int,
    outcome: str,
    reason: str,
    actor: Actor,
    score: float | None = None,
    source: str = "correction",
    detail: str = "",
    first_reason: str = "",
) -> OutcomeCorrection:
    """Say that a session ended otherwise than its producer said, or another correction did. What was said is kept.

    The same outcome with another score is a correction too; without a score it says nothing new. Where nobody had said it,
    `first_reason` is reason enough, nothing rested on it, and no memory is sent back. Raises `NotWithdrawn`, `Unchanged`.
    """
    session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
    if outcome not in Session.Outcome.values:
        raise NotWithdrawn(f"Choose one of {', '.join(Session.Outcome.values)}.")
    if outcome == session.outcome and score in (None, session.outcome_score):
        raise Unchanged(f"The outcome is {outcome} already.")
    if score is not None and not 0 <= score <= 1:
        raise NotWithdrawn("A score lies between 0 and 1.")
    is_first = _is_first(session, outcome)
    reason = _checked(reason or (first_reason if is_first else ""), "Say how you know that it ended otherwise.")
    correction = OutcomeCorrection.objects.create(
        session=session,
        earlier=session.outcome,
        earlier_score=session.outcome_score,
        earlier_source=session.outcome_source,
        earlier_detail=session.outcome_detail,
        outcome=outcome,
        reason=reason,
        by_id=actor.id,
        by_name=actor.name,
    )
    said: dict[str, Any] = {"correction": correction.pk, "before": session.outcome, "after": outcome}
    if score != session.outcome_score:
        said["scores"] = [session.outcome_score, score]
    session.outcome, session.outcome_score = outcome, score
    session.outcome_source, session.outcome_detail = redact(source)[0], redact(detail)[0]
    session.save(update_fields=["outcome", "outcome_score", "outcome_source", "outcome_detail"])
    SessionIndex.objects.filter(session=session).update(outcome=outcome)
    act = uuid.uuid4()
    if not is_first:
        sessions_withdrawn.send(sender=Session, session_ids=[session.pk], why="relabelled", act=act)
    record(
        action="session.outcome_corrected",
        actor=actor,
        subject=f"session:{session.pk}",
        data=said,
        words={"reason": reason},
        act=act,
    )
    return correction


def _is_first(session: Session, outcome: str) -> bool:
    """Whether nobody had said what is said now: how it ended, or which score that has."""
    if session.outcome == Session.Outcome.UNKNOWN:
        return True
    return outcome == session.outcome and session.outcome_score is None


@transaction.atomic
def mark_poisoned(*, session_id: int, reason: str, actor: Actor) -> Poisoning:
    """Keep a session from dreams and from new evidence; what rests on it is looked at again. Raises `NotWithdrawn`."""
    reason = _checked(reason, "Say why nobody should learn from it.")
    session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
    if earlier := Poisoning.objects.filter(session=session).first():
        raise NotWithdrawn(f"{earlier.by_name} marked it already.")
    poisoning = Poisoning.objects.create(session=session, reason=reason, by_id=actor.id, by_name=actor.name)
    act = uuid.uuid4()
    sessions_withdrawn.send(sender=Session, session_ids=[session.pk], why="poisoned", act=act)
    record(action="session.poisoned", actor=actor, subject=f"session:{session.pk}", words={"reason": reason}, act=act)
    return poisoning


def _checked(reason: str, ask: str) -> str:
    reason = reason.replace("\r\n", "\n").strip()
    if not reason:
        raise NotWithdrawn(ask)
    if len(reason) > MAX_REASON:
        raise NotWithdrawn(f"That has {len(reason):,} characters; {MAX_REASON:,} are the most.")
    return reason
