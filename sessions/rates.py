"""How often a key may ask. Counted in Valkey for all web processes together; while it is away, by each on its own."""

import logging
import time
from functools import cache

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# So long the broker is not asked again after it did not answer: a request must not wait for what is away.
SPARED_SECONDS = 10.0
TIMEOUT = 0.2
_spared_until = 0.0
# Key → requests counted ahead, and until when they may be used: a second's worth is asked for at once.
_ahead: dict[str, tuple[int, float]] = {}
KEPT_AT_MOST = 10_000


def wait_before(key_id: str, per_minute: int) -> int:
    """Count one request of the key. 0 when it may be answered, else the seconds after which to ask again."""
    left, until = _ahead.get(key_id, (0, 0.0))
    if left and time.monotonic() < until:
        _ahead[key_id] = (left - 1, until)
        return 0
    return _ask(key_id, per_minute)


def _ask(key_id: str, per_minute: int) -> int:
    limit = RateLimitItemPerMinute(per_minute)
    global _spared_until
    if time.monotonic() >= _spared_until:
        try:
            return _counted(_shared(), limit, key_id)
        except RedisError as error:
            logger.warning("Rates are counted by each web process alone: the broker does not answer (%s).", error)
            _spared_until = time.monotonic() + SPARED_SECONDS
    return _counted(_alone(), limit, key_id)


def _counted(limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItemPerMinute, key_id: str) -> int:
    for share in (limit.amount // 60, 1):
        if share and limiter.hit(limit, key_id, cost=share):
            if len(_ahead) >= KEPT_AT_MOST:
                _ahead.clear()
            _ahead[key_id] = (share - 1, time.monotonic() + 1.0)
            return 0
    return max(1, round(limiter.get_window_stats(limit, key_id).reset_time - time.time()))


@cache
def _shared() -> SlidingWindowCounterRateLimiter:
    uri = settings.REDIS_URL.replace("redis+socket://", "redis+unix://")
    storage = RedisStorage(uri, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT)
    return SlidingWindowCounterRateLimiter(storage)


@cache
def _alone() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(MemoryStorage())
