"""`/healthz`: 200 when the database, the broker and a worker answer; 503 names what does not."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from kombu.exceptions import OperationalError

from dreaming.celery import app


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """The whole of it: for people and for `make run`."""
    return _answer({"database": _database(), "worker": _worker()})


@require_GET
def web_health(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """This process and its database: for the container that serves the pages."""
    return _answer({"database": _database()})


def _answer(parts: dict[str, str]) -> JsonResponse:
    healthy = all(state == "ok" for state in parts.values())
    return JsonResponse({"status": "ok" if healthy else "unwell", **parts}, status=200 if healthy else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return "ok"


def _worker() -> str:
    try:
        return "ok" if app.control.ping(timeout=1.0, limit=1) else "no worker answers"
    except (OperationalError, OSError):
        return "the broker does not answer"
