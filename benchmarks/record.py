"""The record: `.venv/bin/python -m benchmarks.record [--entries 100000] [--seconds 10]`

Appends a second in one chain with 16 writers, each entry in a transaction of its own, and entries a second that the
verifier checks, signatures and Merkle root included; then that the chain has no fork.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from itertools import count

from benchmarks.ingest import connect_as_owner

WRITERS = 16


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    connect_as_owner()
    from django.conf import settings
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = "daylight_record_benchmark"
    with tempfile.TemporaryDirectory() as folder:
        settings.DAYLIGHT_SIGNING_KEYS = f"{folder}/signing"
        settings.DAYLIGHT_CHECKPOINTS = f"{folder}/checkpoints.jsonl"
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            appends(given.seconds)
            verified(given.entries)
        finally:
            connection.creation.destroy_test_db("", verbosity=0)
    print(f"load average {os.getloadavg()[0]:.1f}")


def append(number: int) -> None:
    from django.db import transaction

    from audit.actors import Actor
    from audit.services import record

    with transaction.atomic():
        record(action="agent.changed", actor=Actor("user", "7", "adam"), subject=f"agent:{number}", store="claims")


def appends(seconds: float) -> None:
    """Threads of one process: the chain's lock, not Python, is what they wait for."""
    from django.db import connection

    took: list[float] = []
    numbers, end = count(), time.perf_counter() + seconds

    def work() -> None:
        while (started := time.perf_counter()) < end:
            append(next(numbers))
            took.append(time.perf_counter() - started)
        connection.close()

    writers = [threading.Thread(target=work) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    took.sort()
    p99 = took[int(len(took) * 0.99)] * 1000
    print(f"appends, {WRITERS} writers: {len(took) / seconds:,.0f}/s, p99 {p99:.0f} ms")


def verified(entries: int) -> None:
    from audit.checkpoints import make_checkpoint
    from audit.models import Entry
    from audit.verifying import verify_record

    fill(entries - Entry.objects.count())
    make_checkpoint()
    started = time.perf_counter()
    result = verify_record()
    seconds = time.perf_counter() - started
    if result.error or result.entries != result.covered:
        raise SystemExit(f"The record is not whole: {result}")
    print(f"verified: {result.entries:,} entries, no fork, in {seconds:.2f} s: {result.entries / seconds:,.0f}/s")


def fill(missing: int) -> None:
    """Append without waiting for the disk after each."""
    from django.db import transaction

    for start in range(0, missing, 1000):
        with transaction.atomic():
            for number in range(start, min(start + 1000, missing)):
                append(number)


if __name__ == "__main__":
    main()
