"""Answers that were written before, by their ETag: what is live is the same for the same one. A few megabytes a process."""

from collections import OrderedDict
from threading import Lock

KEPT_BYTES = 32 * 2**20

_kept: OrderedDict[str, bytes] = OrderedDict()
_size = 0
_lock = Lock()


def kept(tag: str) -> bytes | None:
    """The body with this ETag, if it is kept still."""
    with _lock:
        if (body := _kept.get(tag)) is not None:
            _kept.move_to_end(tag)
        return body


def keep(tag: str, body: bytes) -> None:
    """Keep the body; those that nobody asked for longest go."""
    global _size
    with _lock:
        _size += len(body) - len(_kept.pop(tag, b""))
        _kept[tag] = body
        while _size > KEPT_BYTES:
            _size -= len(_kept.popitem(last=False)[1])
