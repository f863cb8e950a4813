"""`/healthz`: 200 when the database, the broker and a worker answer; 503 names what does not."""

import math
import threading
import time
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from kombu.exceptions import OperationalError

from dreaming.celery import BROKER_TIMEOUTS, app

FRESH_SECONDS = 5
STALE_SECONDS = 30


@dataclass(slots=True)
class Asked:
    """The last answer of the worker, and when it was given (monotonic)."""

    answer: str = ""
    at: float = -math.inf

    def age(self) -> float:
        return time.monotonic() - self.at

    def is_fresh(self) -> bool:
        """Bad news is never fresh: a worker that was missing may just have started."""
        return self.answer == "ok" and self.age() < FRESH_SECONDS


_asked = Asked()
_asking = threading.Lock()


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
    """What a worker answered within the last seconds: asking takes one, and many may want to know."""
    came = time.monotonic()
    if _asked.is_fresh():
        return _asked.answer
    # While one thread asks, the others say what was known; before anything is, they wait for it.
    if _asking.acquire(blocking=_asked.age() > STALE_SECONDS):
        try:
            if _asked.at < came:  # else somebody asked while this one waited
                _asked.answer, _asked.at = _ask_worker(), time.monotonic()
        finally:
            _asking.release()
    return _asked.answer


def _ask_worker() -> str:
    try:
        with app.connection_for_write(transport_options=BROKER_TIMEOUTS) as broker:
            return "ok" if app.control.ping(timeout=1.0, limit=1, connection=broker) else "no worker answers"
    except (OperationalError, OSError):
        return "the broker does not answer"
