"""Waiting for something that runs elsewhere, with pauses that grow."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

Thing = TypeVar("Thing")
LONGEST_PAUSE = 60.0


def wait_for(look: Callable[[], Thing], done: Callable[[Thing], bool], *, limit: float | None = None) -> Thing | None:
    """Call `look` until `done` of its result, or for `limit` seconds: then None."""
    ends = time.monotonic() + (settings.DAYLIGHT_REMOTE_WAIT if limit is None else limit)
    pause = settings.DAYLIGHT_POLL_SECONDS
    while not done(seen := look()):
        left = ends - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(pause, left))
        pause = min(1.5 * pause, LONGEST_PAUSE)
    return seen
