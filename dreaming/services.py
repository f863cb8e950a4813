"""Dreams: asked for, canceled, and scheduled. `dreaming.passes` runs them."""

import json
from datetime import timedelta
from decimal import Decimal

from celery import current_app
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from audit.actors import Actor
from audit.acts import one_act
from audit.services import record
from dreaming.engines import missing_for
from dreaming.models import Dream, DreamPolicy, Engine
from dreaming.windows import InvalidWindow, check_window
from memory.models import MemoryStore

# The class of the advisory locks that runners hold, one a dream.
RUNNER_LOCK = 0x0D8EA4


class DreamRefused(ValueError):
    """A dream that cannot be started; the message says why."""


class EngineMissing(DreamRefused):
    """The deployment, or the store, lacks what the engine needs; the message says what to set."""


def request_dream(
    *,
    store: MemoryStore,
    actor: Actor,
    engine: str = Engine.MINING,
    window: str = "all",
    max_proposals: int = 12,
    max_cost: Decimal | None = None,
    batched: bool = False,
) -> Dream:
    """File a pending dream. Raises `DreamRefused` when one is on its way already, or an option makes no sense.

    `max_cost` is in USD; `batched` says that nobody waits, so that slower and cheaper calls will do.
    """
    check_options(store=store, engine=engine, window=window, max_proposals=max_proposals)
    try:
        with transaction.atomic(), one_act():
            _end_abandoned(store)
            dream = Dream.objects.create(
                store=store,
                engine=engine,
                window=window,
                max_proposals=max_proposals,
                max_cost=max_cost,
                batched=batched,
                requested_by=actor.name,
            )
            record(
                action="dream.started",
                actor=actor,
                subject=f"dream:{dream.pk}",
                store=store.name,
                data={
                    "engine": engine,
                    "window": window,
                    "max_proposals": max_proposals,
                    "max_cost": _plain(max_cost),
                },
            )
    except IntegrityError as error:
        raise DreamRefused(f"A dream over {store.name} is on its way already.") from error
    return dream


def check_options(*, store: MemoryStore, engine: str, window: str, max_proposals: int) -> None:
    """Raise `DreamRefused` unless a dream could be run so."""
    if store.archived_at is not None:
        raise DreamRefused(f"{store.name} is archived: nothing can be proposed in it.")
    try:
        check_window(window)
    except InvalidWindow as error:
        raise DreamRefused(str(error)) from error
    if engine not in Engine.values:
        raise DreamRefused(f"{engine!r} is not an engine; there is {', '.join(Engine.values)}.")
    if not 1 <= max_proposals <= 100:
        raise DreamRefused(f"{max_proposals} proposals a pass: ask for 1 to 100.")
    if lack := missing_for(engine, store):
        raise EngineMissing(lack)


# A dream that waits longer than this is not in anybody's hands.
ABANDONED = timedelta(minutes=1)


def _end_abandoned(store: MemoryStore) -> None:
    """Fail what a killed runner left behind, so that it does not stand in the way for ever."""
    unfinished = Dream.objects.unfinished().filter(store=store)
    for dream in unfinished.exclude(status=Dream.Status.PENDING, created_at__gt=Now() - ABANDONED):
        if not is_being_run(dream.pk):
            reason = "It was taken up by nobody, or its runner was killed; a newer dream took its place."
            unfinished.filter(pk=dream.pk).update(status=Dream.Status.FAILED, ended_at=Now(), error=reason)
            record(
                action="dream.ended",
                actor=Actor.system("dream"),
                subject=f"dream:{dream.pk}",
                store=store.name,
                data={"status": Dream.Status.FAILED.value},
            )


def is_being_run(dream_id: int) -> bool:
    """Whether some connection holds the runner's lock of the dream."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            [RUNNER_LOCK, dream_id],
        )
        (held,) = cursor.fetchone()
    return bool(held)


def enqueue(dream: Dream) -> None:
    """Hand the dream to a worker on commit. When the broker is away, `take_up_dreams` does it later."""
    transaction.on_commit(lambda: current_app.send_task("dreaming.tasks.run", [dream.pk]), robust=True)


@transaction.atomic
def cancel_dream(*, dream: Dream, actor: Actor) -> bool:
    """Cancel a dream that has not ended; a running pass stops at its next step. False when it had ended already."""
    canceled = Dream.objects.unfinished().filter(pk=dream.pk).update(status=Dream.Status.CANCELED, ended_at=Now())
    if canceled:
        record(action="dream.canceled", actor=actor, subject=f"dream:{dream.pk}", store=dream.store.name)
    return bool(canceled)


CRONTABS = {
    DreamPolicy.Schedule.HOURLY: {"minute": "0", "hour": "*", "day_of_week": "*"},
    DreamPolicy.Schedule.DAILY: {"minute": "0", "hour": "2", "day_of_week": "*"},
    DreamPolicy.Schedule.WEEKLY: {"minute": "0", "hour": "2", "day_of_week": "1"},
}


@transaction.atomic
def save_dream_policy(*, policy: DreamPolicy, actor: Actor) -> None:
    """Keep a store's dream settings and its entry in the beat schedule in step."""
    kept = DreamPolicy.objects.filter(pk=policy.pk).first()
    policy.save()
    store = policy.store
    task_name = f"dream over {store.name}"
    if policy.schedule == DreamPolicy.Schedule.OFF:
        PeriodicTask.objects.filter(name=task_name).delete()
    else:
        crontab, _ = CrontabSchedule.objects.get_or_create(
            **CRONTABS[DreamPolicy.Schedule(policy.schedule)],
            day_of_month="*",
            month_of_year="*",
            timezone="UTC",
        )
        PeriodicTask.objects.update_or_create(
            name=task_name,
            defaults={
                "task": "dreaming.tasks.scheduled_dream",
                "crontab": crontab,
                "args": json.dumps([store.pk]),
                "enabled": True,
            },
        )
    record(
        action="store.changed",
        actor=actor,
        subject=f"store:{store.pk}",
        store=store.name,
        data={"before": _policy_settings(kept) if kept else None, "after": _policy_settings(policy)},
    )


def _policy_settings(policy: DreamPolicy) -> dict[str, str | int | None]:
    """What of a policy is governed, as the record keeps it; money as text, for the record holds no floats."""
    names = ("schedule", "window", "engine", "max_proposals", "remote_store")
    settings: dict[str, str | int | None] = {name: getattr(policy, name) for name in names}
    settings["max_cost"] = _plain(policy.max_cost)
    return settings


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"
