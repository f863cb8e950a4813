"""Legal holds: what must be kept is kept, whatever anybody wants erased."""

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.models import LegalHold
from audit.services import record

# The database's door takes the same lock: a hold that stands when an erasure begins holds.
HOLD_LOCK = 228989287


class BadHold(ValueError):
    """The hold cannot be set, or lifted, like that; the message says why."""


def lock_holds() -> None:
    """No hold is set or lifted, and nothing erased by others, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [HOLD_LOCK])


@transaction.atomic
def set_hold(*, kind: str, subject: str, reason: str, actor: Actor) -> LegalHold:
    """Keep a store (its id), a session (its id) or all of a principal from being erased. Raises `BadHold`."""
    lock_holds()
    subject, reason = subject.strip(), reason.strip()
    if kind not in LegalHold.Kind.values or not subject:
        raise BadHold("Say what is held.")
    if kind != LegalHold.Kind.PRINCIPAL and not subject.isdecimal():
        raise BadHold(f"Give the number of the {LegalHold.Kind(kind).label}.")
    if not reason:
        raise BadHold("Say why it must be kept.")
    if len(reason) > 4_000:
        raise BadHold(f"That has {len(reason):,} characters; 4,000 are the most.")
    try:
        with transaction.atomic():
            hold = LegalHold.objects.create(
                kind=kind, subject=subject, reason=reason, set_by_id=actor.id, set_by_name=actor.name
            )
    except IntegrityError as error:
        raise BadHold("It is held already.") from error
    record(
        action="legal_hold.set",
        actor=actor,
        subject=f"legal_hold:{hold.pk}",
        data={"kind": kind},
        words={"subject": subject, "reason": reason},
    )
    return hold


@transaction.atomic
def lift_hold(*, hold_id: int, reason: str, actor: Actor) -> LegalHold:
    """Let what was held be erased again. Raises `BadHold`."""
    lock_holds()
    reason = reason.strip()
    if not reason:
        raise BadHold("Say why it need not be kept any more.")
    hold = LegalHold.objects.select_for_update().get(pk=hold_id)
    if hold.lifted_at is not None:
        raise BadHold(f"{hold.lifted_by_name} lifted it already.")
    hold.lifted_at, hold.lift_reason = Now(), reason
    hold.lifted_by_id, hold.lifted_by_name = actor.id, actor.name
    hold.save()
    record(action="legal_hold.lifted", actor=actor, subject=f"legal_hold:{hold.pk}", words={"lift_reason": reason})
    hold.refresh_from_db()
    return hold
