"""Keys as they were looked up less than half a second ago: an agent that reads often is not looked up each time."""

import time

from sessions.models import ApiKey

# A key that another process revoked is refused after so long, well within the second that is promised.
KEPT_SECONDS = 0.5
KEPT_AT_MOST = 10_000

_kept: dict[str, tuple[float, ApiKey]] = {}


def known(public_id: str) -> ApiKey | None:
    """The key with its agent, at most `KEPT_SECONDS` old; None if there is none."""
    now = time.monotonic()
    if (kept := _kept.get(public_id)) and now - kept[0] < KEPT_SECONDS:
        return kept[1]
    key = ApiKey.objects.select_related("agent").filter(public_id=public_id).first()
    if len(_kept) >= KEPT_AT_MOST:
        _kept.clear()
    if key is not None:
        _kept[public_id] = (now, key)
    return key


def forget(public_id: str) -> None:
    """Look the key up anew the next time: it changed."""
    _kept.pop(public_id, None)
