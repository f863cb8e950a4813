"""The Celery application: `celery -A dreaming worker` and `celery -A dreaming beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dreaming.settings")

app = Celery("dreaming")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["reviews"], related_name="ageing_tasks")
