"""The Celery application: `celery -A dreaming worker` and `celery -A dreaming beat`."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dreaming.settings")

# For those who do not wait until the broker is back, as a worker does.
BROKER_TIMEOUTS = {"socket_connect_timeout": 1, "socket_timeout": 2, "max_retries": 1, "interval_start": 0}

app = Celery("dreaming")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["reviews"], related_name="ageing_tasks")
app.autodiscover_tasks(["reviews"], related_name="erasure_tasks")


@worker_init.connect
@beat_init.connect
def check_guards(**_: object) -> None:
    from audit.checks import refuse_if_disarmed  # Django is set up by now, and not before

    refuse_if_disarmed()
