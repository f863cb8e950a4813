"""Celery tasks of the desk. PostgreSQL is the truth: a task that is lost, late or doubled changes nothing but the time."""

from celery import shared_task

from reviews.holding import release, release_due
from reviews.seeds import expire_unanswered


@shared_task
def release_one(held_id: int) -> None:
    """Let one held-back decision take effect. Early, late or twice is no matter: the database knows when it is due."""
    release(held_id)


@shared_task
def release_held() -> None:
    """Let all take effect that are due: what the broker lost, or what a worker left."""
    release_due()


@shared_task
def expire_test_items() -> None:
    expire_unanswered()
