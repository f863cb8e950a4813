"""Celery tasks of the desk that run by the clock. Run twice, late or not at all, they change nothing but the time."""

from celery import shared_task

from reviews.ageing import expire_due
from reviews.reminders import send_due
from reviews.watching import gate_due


@shared_task
def expire_proposals() -> int:
    return expire_due()


@shared_task
def send_digests() -> int:
    return send_due()


@shared_task
def gate_agents() -> int:
    return gate_due()
