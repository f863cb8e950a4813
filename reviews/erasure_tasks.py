"""Celery tasks of retention. A task that is lost, late or doubled changes nothing but the time."""

from celery import shared_task

from reviews import retention


@shared_task
def erase_old_sessions() -> int:
    retention.sweep()
    return retention.erase_old_sessions()
