"""Celery tasks. One that is lost, late or doubled changes nothing but the time that charts take."""

from celery import shared_task

from sessions.counts import fold_counts


@shared_task
def fold_session_counts() -> None:
    fold_counts()
