"""Taking a session back as evidence: its outcome was wrong, or nobody should learn from it."""

import uuid

from django.db import transaction

from audit.actors import Actor
from audit.services import record
from sessions.models import OutcomeCorrection, Poisoning, Session, SessionIndex
from sessions.redaction import redact
from sessions.signals import sessions_withdrawn

MAX_REASON = 4_000


class NotWithdrawn(ValueError):
    """What was asked for makes no sense; the message says why, and nothing was done."""


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
) -> OutcomeCorrection:
    """Say that a session ended otherwise than its producer said, or another correction did. What was said is kept.

    Where nobody had said how it ended, nothing rested on that, and no memory is sent back. Raises `NotWithdrawn`.
    """
    reason = _checked(reason, "Say how you know that it ended otherwise.")
    session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
    if outcome not in Session.Outcome.values:
        raise NotWithdrawn(f"Choose one of {', '.join(Session.Outcome.values)}.")
    if outcome == session.outcome:
        raise NotWithdrawn(f"The outcome is {outcome} already.")
    if score is not None and not 0 <= score <= 1:
        raise NotWithdrawn("A score lies between 0 and 1.")
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
    session.outcome, session.outcome_score = outcome, score
    session.outcome_source, session.outcome_detail = redact(source)[0], redact(detail)[0]
    session.save(update_fields=["outcome", "outcome_score", "outcome_source", "outcome_detail"])
    SessionIndex.objects.filter(session=session).update(outcome=outcome)
    act = uuid.uuid4()
    if correction.earlier != Session.Outcome.UNKNOWN:
        sessions_withdrawn.send(sender=Session, session_ids=[session.pk], why="relabelled", act=act)
    record(
        action="session.outcome_corrected",
        actor=actor,
        subject=f"session:{session.pk}",
        data={"correction": correction.pk, "before": correction.earlier, "after": outcome},
        words={"reason": reason},
        act=act,
    )
    return correction


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
