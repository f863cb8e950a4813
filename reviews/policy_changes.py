"""A loosening that one admin proposed is confirmed, or refused, by another."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.acts import one_act
from audit.roles import ADMIN, has_role
from audit.services import record
from memory.agents import SettingsMoved, apply_agent_change
from memory.models import MemoryStore, PolicyChange
from memory.services import lock_stores
from reviews.ballots import AlreadyDecided, NotAllowed
from reviews.review_settings import apply_review_change

State = PolicyChange.State


@transaction.atomic
@one_act()
def confirm_change(*, change_id: int, by: User, note: str = "") -> PolicyChange:
    """Do it. When the settings changed since, it is closed as `moved` and nothing is done.

    Raises `NotAllowed` for who proposed it and for who is no admin, `AlreadyDecided`.
    """
    change = _locked(change_id, by)
    if change.is_by(by):
        raise NotAllowed("You proposed it. Another admin confirms it.")
    try:
        with transaction.atomic():
            apply = apply_agent_change if change.agent_id else apply_review_change
            apply(change=change, actor=Actor.user(by))
    except SettingsMoved as moved:
        return _answer(change, State.MOVED, by, str(moved))
    return _answer(change, State.CONFIRMED, by, note)


@transaction.atomic
def refuse_change(*, change_id: int, by: User, note: str = "") -> PolicyChange:
    """Close it undone; who proposed it may do that too. Raises `NotAllowed`, `AlreadyDecided`."""
    return _answer(_locked(change_id, by), State.REFUSED, by, note)


def _locked(change_id: int, by: User) -> PolicyChange:
    """The pending change; stores first, like everybody who changes settings."""
    if not has_role(User.objects.get(pk=by.pk), ADMIN):
        raise NotAllowed("Only an admin does that.")
    change = PolicyChange.objects.get(pk=change_id)
    names = {*change.before.get("stores", ()), *change.after.get("stores", ())} if change.agent_id else ()
    touched = MemoryStore.objects.filter(name__in=names).values_list("pk", flat=True)
    lock_stores([change.store_id] if change.store_id else touched)
    rows = PolicyChange.objects.select_for_update(of=("self",), no_key=True).select_related("agent", "store")
    change = rows.get(pk=change_id)
    if change.state != State.PENDING:
        raise AlreadyDecided(f"{change.answered_by_name} answered it already: {change.get_state_display()}.")
    return change


def _answer(change: PolicyChange, state: str, by: User, note: str) -> PolicyChange:
    actor = Actor.user(by)
    change.state, change.note, change.answered_at = state, note.strip()[:4_000], Now()
    change.answered_by, change.answered_by_name = actor.id, actor.name
    change.save(update_fields=["state", "note", "answered_at", "answered_by", "answered_by_name"])
    record(
        action="policy.change_confirmed" if state == State.CONFIRMED else "policy.change_refused",
        actor=actor,
        subject=change.subject,
        store=change.store.name if change.store else "",
        data={"change": change.pk, "proposed_by": change.proposed_by_name},
        words={"note": change.note},
    )
    return change
