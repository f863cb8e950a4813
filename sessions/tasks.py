"""Celery tasks. PostgreSQL is the truth: a task that is lost, late or doubled changes nothing but the time."""

import logging

from celery import shared_task
from django.utils import timezone

from audit.actors import Actor
from sessions import indexing, pulling, streaming, telemetry
from sessions.counts import fold_counts
from sessions.models import RemoteSource, UnindexedSession

logger = logging.getLogger(__name__)

# How often new sessions are looked for, and how long a task goes on: dreams get their turn in between.
EVERY_SECONDS = 15.0
SECONDS = 10.0
# Sessions for which one more worker is worth asking, and how many workers are asked at most.
SHARE, MOST = 200, 8


@shared_task
def hand_out_index() -> None:
    """Ask as many workers to index as there is work for; who is too busy to begin before the next time lets it be."""
    waiting = UnindexedSession.objects.all()[: SHARE * MOST].count()
    for _ in range(0, waiting, SHARE):
        index_pending.apply_async(expires=EVERY_SECONDS)


@shared_task
def index_pending() -> None:
    indexing.index_pending(seconds=SECONDS)


@shared_task
def fold_session_counts() -> None:
    fold_counts()


@shared_task
def assemble_traces() -> None:
    telemetry.assemble_traces()


@shared_task
def forget_traces() -> None:
    telemetry.forget_traces()


@shared_task
def pull_followed() -> None:
    """Pull every source that is followed; without a key, none."""
    if not pulling.has_key():
        return
    for source in RemoteSource.objects.filter(is_followed=True).select_related("agent"):
        try:
            pulling.pull(source=source, actor=Actor.system("schedule"), now=timezone.now())
        except pulling.PullFailed as failure:
            logger.warning("%s: %s", source, failure)


@shared_task
def close_idle_sessions() -> None:
    streaming.close_idle()
