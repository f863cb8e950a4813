"""Sessions to digest, handed out to all workers in batches.

Nobody waits for a batch: what is lost or late is swept up by `dreaming.tasks.digest_missing`, or digested by the pass
that needs it.
"""

import logging
import math
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from kombu.exceptions import OperationalError

from dreaming.celery import BROKER_TIMEOUTS, app

logger = logging.getLogger(__name__)

BATCH = 100
# Redis serves lower numbers first: a dream that somebody waits for overtakes thousands of batches.
AFTER_ALL_ELSE = 9
# A broker that hangs costs a time-out each time it is asked, and an import would ask it for every chunk.
PAUSE_SECONDS = 30


class _Broker:
    away_at = -math.inf

    def rests(self) -> bool:
        return time.monotonic() - self.away_at < PAUSE_SECONDS


_broker = _Broker()


def hand_out(session_ids: Iterable[int], *, expires: float | None = None) -> None:
    """Send the sessions to the workers, unless the broker is away; nothing is raised then.

    A batch that no worker took within `expires` seconds is dropped.
    """
    if _broker.rests():
        return
    try:
        with app.connection_for_write(transport_options=BROKER_TIMEOUTS) as broker:
            for batch in _batches(session_ids):
                options = {"priority": AFTER_ALL_ELSE, "expires": expires, "connection": broker}
                app.send_task("dreaming.tasks.digest", [batch], **options)
    except OperationalError as error:
        _broker.away_at = time.monotonic()
        logger.info("Digests wait for a sweep or a pass: %s", error)


def _batches(session_ids: Iterable[int]) -> Iterator[list[int]]:
    waiting = iter(session_ids)
    while batch := list(islice(waiting, BATCH)):
        yield batch
