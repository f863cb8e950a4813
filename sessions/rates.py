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


def wait_before(key_id: str, per_minute: int) -> int:
    """Count one request of the key. 0 when it may be answered, else the seconds after which to ask again."""
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
    if limiter.hit(limit, key_id):
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
