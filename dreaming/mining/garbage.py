"""The memory of a pass: a window of digests is millions of objects, of which none is garbage before the end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Put off the search for reference cycles, as neither digests nor mining make any.

    Looking through the window again and again took half of the time to read it, and a fifth of that to mine it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
