"""What a pass costs as sessions grow: `.venv/bin/python -m benchmarks.scale [--sizes 100,1000,10000,50000]`

Seconds and peak memory of digesting and of mining over ready digests (the pure part: no database), each size
in a process of its own, and the growth exponent between the sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from itertools import pairwise

from benchmarks.corpora import planted
from dreaming.mining import Digest, digest_session, mine

BLOCK = 500


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="100,1000,10000,50000")
    parser.add_argument("--one", type=int)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one)))
        return
    rows = []
    print(f"{'sessions':>9} {'events':>9} {'digest s':>9} {'read s':>8} {'mine s':>8} {'peak MB':>8} {'findings':>9}")
    for size in map(int, given.sizes.split(",")):
        command = [sys.executable, "-m", "benchmarks.scale", "--one", str(size)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows.append(row)
        print(
            f"{size:9} {row['events']:9} {row['digest']:9.2f} {row['read']:8.2f} {row['mine']:8.2f} "
            f"{row['peak']:8.0f} {row['findings']:9}"
        )
    for one, two in pairwise(rows):
        grown = math.log(two["sessions"] / one["sessions"])
        parts = (f"{name} {math.log(two[name] / one[name]) / grown:.2f}" for name in ("digest", "mine"))
        print(f"exponent {one['sessions']} → {two['sessions']}: {', '.join(parts)}")


def measured(size: int) -> dict[str, float]:
    """Digest and mine so many sessions; blocks of one planted corpus, so that patterns recur as they would."""
    corpus = planted(7, min(size, 20 * BLOCK))
    views = corpus.sessions
    started = time.perf_counter()
    stored = [json.dumps(digest_session(view).to_json()) for view in views]
    took = (time.perf_counter() - started) * size / len(views)
    events = sum(len(view.events) for view in views) * size // len(views)
    del views, corpus.sessions
    started = time.perf_counter()
    digests = []
    for number in range(size):
        data = json.loads(stored[number % len(stored)])
        digests.append(Digest.from_json({**data, "ref": number, "external_id": f"s{number:06}"}))
    read = time.perf_counter() - started
    del stored
    started = time.perf_counter()
    result = mine(digests, memories=corpus.memories, served=corpus.served)
    mined = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "sessions": size, "events": events, "digest": took, "read": read, "mine": mined, "peak": peak,
        "findings": len(result.findings),
    }  # fmt: skip


if __name__ == "__main__":
    main()
