"""Back-pressure: when more is sent than can be written, senders are told to wait. What was not taken is not acknowledged."""

from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse

# So long a request waits for its turn: longer, and waiting senders would hold the threads that serve readers.
PATIENCE = 0.05
RETRY_AFTER = 2

_writing = BoundedSemaphore(settings.DAYLIGHT_INGEST_SLOTS)

View = Callable[..., JsonResponse]


def takes_turns(view: View) -> View:
    """Let only so many requests of a web process write sessions at once; the others answer 429 with `Retry-After`."""

    @wraps(view)
    def in_turn(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        if not _writing.acquire(timeout=PATIENCE):
            detail = (
                f"More is sent than can be written now. Nothing of this was kept; send it again in {RETRY_AFTER} s."
            )
            answer = {"error": "too_many_requests", "detail": detail}
            return JsonResponse(answer, status=429, headers={"Retry-After": str(RETRY_AFTER)})
        try:
            return view(request, *args, **kwargs)
        finally:
            _writing.release()

    return in_turn
