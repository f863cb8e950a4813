"""Which sessions a pass looks at: `all`, so many days (`30d`), or so many newest sessions (`500`)."""

import re
from datetime import timedelta

from django.db.models import Max

from sessions.models import SessionQuerySet

_WINDOW = re.compile(r"(?:all|(?P<days>[1-9]\d{0,3})d|(?P<newest>[1-9]\d{0,8}))\Z")


class InvalidWindow(ValueError):
    """A window that cannot be read; the message says what can."""


def check_window(window: str) -> None:
    """Raise `InvalidWindow` unless the text is a window."""
    if not _WINDOW.match(window):
        raise InvalidWindow(
            f"{window!r} is not a window. Use all, a number of days such as 30d, or a number of newest sessions such as 500."
        )


def in_window(sessions: SessionQuerySet, window: str) -> SessionQuerySet:
    """The sessions of the window, newest first. Days count back from the newest session, so that old logs can be mined."""
    check_window(window)
    match = _WINDOW.match(window)
    assert match
    ordered = sessions.newest_first()
    if match["newest"]:
        return ordered.filter(pk__in=ordered.values("pk")[: int(match["newest"])])
    if match["days"]:
        newest = sessions.aggregate(at=Max("occurred_at"))["at"]
        try:
            since = newest - timedelta(days=int(match["days"])) if newest else None
        except OverflowError:  # sessions of the year 1
            return ordered
        return ordered.filter(occurred_at__gt=since) if since else ordered.none()
    return ordered
