"""The Django project, and its heart: dream passes."""

from dreaming.celery import app as celery_app

__all__ = ["celery_app"]
