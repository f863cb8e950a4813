"""Celery tasks of the record."""

from celery import shared_task

from audit.checkpoints import checkpoint_if_due


@shared_task
def checkpoint() -> None:
    checkpoint_if_due()
