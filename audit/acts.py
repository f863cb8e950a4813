"""One id for all entries of one thing that somebody did."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID, uuid4

_current: ContextVar[UUID | None] = ContextVar("act", default=None)


@contextmanager
def one_act(act: UUID | None = None) -> Iterator[UUID]:
    """What is recorded inside belongs to `act`; without one, to the act around it, or to a new one.

    Services that call others open it inside their transaction, so that what follows a commit is an act of its own.
    """
    act = act or _current.get() or uuid4()
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)


def current_act() -> UUID:
    """The act around the caller; a new one when there is none."""
    return _current.get() or uuid4()
