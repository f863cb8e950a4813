"""Celery tasks. PostgreSQL is the truth: a task that is lost, late or doubled changes nothing but the time."""

import logging
from datetime import timedelta

from celery import shared_task
from django.db.models.functions import Now

from audit.actors import Actor
from dreaming.digests import digest_sessions, without_digest
from dreaming.engines.base import EngineFailed
from dreaming.fanout import hand_out
from dreaming.models import Dream, DreamPolicy, Mirror
from dreaming.passes import run_dream
from dreaming.services import DreamRefused, EngineMissing, request_dream
from sessions.models import Session

logger = logging.getLogger(__name__)

# A dream that still waits after this long was not heard by the broker.
LATE = timedelta(seconds=45)
# How often the sessions without a digest are handed out again; what is left of the last time is dropped then.
SWEEP_SECONDS = 300.0


@shared_task
def run(dream_id: int) -> None:
    run_dream(dream_id)


@shared_task
def scheduled_dream(store_id: int) -> None:
    """Dream as the store's policy says, unless nothing changed since the last time."""
    policy = DreamPolicy.objects.select_related("store").filter(store_id=store_id).first()
    if policy is None or policy.schedule == DreamPolicy.Schedule.OFF or not _something_changed(policy):
        return
    try:
        dream = request_dream(
            store=policy.store,
            actor=Actor.system("schedule"),
            engine=policy.engine,
            window=policy.window,
            max_proposals=policy.max_proposals,
            max_cost=policy.max_cost,
            batched=True,
        )
    except EngineMissing as lack:
        logger.warning("%s does not dream: %s", policy.store.name, lack)
        return
    except DreamRefused as refusal:
        logger.info("%s", refusal)
        return
    run_dream(dream.pk)


def _something_changed(policy: DreamPolicy) -> bool:
    """Whether sessions came in, or memory moved, since the last completed dream began."""
    last = Dream.objects.filter(store=policy.store, status=Dream.Status.COMPLETED).first()
    if last is None:
        return policy.store.sessions().exists()
    moved = last.base_revision != policy.store.revision
    return moved or policy.store.sessions().filter(received_at__gte=last.started_at).exists()


@shared_task
def take_up_dreams() -> None:
    """Run what waits too long, or what a dead worker left; whoever still runs keeps its lock and is left alone."""
    for pk in Dream.objects.unfinished().filter(created_at__lt=Now() - LATE).values_list("pk", flat=True):
        run.delay(pk)


@shared_task
def digest(session_ids: list[int]) -> None:
    digest_sessions(session_ids)


@shared_task
def digest_missing() -> None:
    """Hand out the sessions whose first message, or whose worker, was lost, or whose digest is of an older version."""
    missing = without_digest(Session.objects.usable()).order_by("pk").values_list("pk", flat=True)
    hand_out(missing.iterator(), expires=SWEEP_SECONDS)


@shared_task
def follow_mirrors() -> None:
    """Publish into the memory stores at Anthropic that follow ours."""
    if not Mirror.objects.filter(follows=True).exists():
        return
    from dreaming import mirrors  # its SDK takes a second, which a worker without mirrors need not pay

    for mirror in mirrors.due():
        try:
            mirrors.publish_mirror(mirror=mirror, actor=Actor.system("schedule"))
        except (EngineFailed, mirrors.MirrorBusy) as failure:
            logger.warning("%s is not published to %s: %s", mirror.store.name, mirror.remote_store, failure)
