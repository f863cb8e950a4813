"""Celery tasks of the desk. PostgreSQL is the truth: a task that is lost, late or doubled changes nothing but the time."""

from celery import shared_task

from reviews.seeds import expire_unanswered


@shared_task
def expire_test_items() -> None:
    expire_unanswered()
