"""What a pass costs as sessions grow: `.venv/bin/python -m benchmarks.scale [--sizes 100,1000,10000,50000]`

Seconds, CPU seconds and peak memory of digesting and of the pass over ready digests (reading them and mining; the pure
part: no database), with the growth exponent between the sizes. One planted corpus of each size; it is made, digested
and mined in a process each. Where other work shares the cores, look at the CPU and the load.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.corpora import planted
from dreaming.mining import Digest, SessionView, digest_session, mine
from dreaming.mining.garbage import uncollected

SEED = 7
PARTS = ("digest", "read", "mine")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="100,1000,10000,50000")
    parser.add_argument("--only", choices=("corpus", "digests", "findings"))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    if given.only:
        steps = {"corpus": write_corpus, "digests": write_digests, "findings": find}
        print(json.dumps(steps[given.only](sizes[0], given.folder)))
        return
    heads = "".join(f" {part + ' s':>9} {'CPU s':>8}" for part in PARTS)
    print(f"{'sessions':>9} {'events':>9}{heads} {'digest MiB':>11} {'pass MiB':>9} {'findings':>9} {'load':>5}")
    rows = [measured(size) for size in sizes]
    for one, two in pairwise(rows):
        print(f"exponent {one['sessions']} → {two['sessions']}, in seconds (in CPU): {grown(one, two)}")


def measured(size: int) -> dict[str, Any]:
    row: dict[str, Any] = {"sessions": size}
    with tempfile.TemporaryDirectory() as folder:
        for step in ("corpus", "digests", "findings"):
            command = [sys.executable, "-m", "benchmarks.scale", "--only", step, "--sizes", str(size)]
            ended = subprocess.run([*command, "--folder", folder], check=True, capture_output=True, text=True)
            row |= json.loads(ended.stdout)
    times = "".join(f" {row[part]:9.2f} {row[part + ' CPU']:8.2f}" for part in PARTS)
    print(
        f"{size:9} {row['events']:9}{times} {row['digest peak']:11.0f} {row['pass peak']:9.0f} {row['findings']:9}"
        f" {os.getloadavg()[0]:5.1f}",
        flush=True,
    )
    return row | {clock: row[f"read{clock}"] + row[f"mine{clock}"] for clock in ("", " CPU")}


def grown(one: dict[str, Any], two: dict[str, Any]) -> str:
    times = math.log(two["sessions"] / one["sessions"])
    parts = {"digesting": "digest", "the pass": "", "of which mining": "mine"}
    exponents = {
        name: [math.log(two[part + clock] / one[part + clock]) / times for clock in ("", " CPU")]
        for name, part in parts.items()
    }
    return ", ".join(f"{name} {wall:.2f} ({cpu:.2f})" for name, (wall, cpu) in exponents.items())


# --- In a process of its own


@contextmanager
def timed(row: dict[str, float], part: str) -> Iterator[None]:
    began, cpu = time.perf_counter(), time.process_time()
    yield
    row[part] = row.get(part, 0.0) + time.perf_counter() - began
    row[f"{part} CPU"] = row.get(f"{part} CPU", 0.0) + time.process_time() - cpu


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_corpus(size: int, folder: Path) -> dict[str, float]:
    corpus = planted(SEED, size)
    with (folder / "sessions").open("wb") as file:
        for view in corpus.sessions:
            pickle.dump(view, file)
    (folder / "memory").write_bytes(pickle.dumps((corpus.memories, corpus.served)))
    return {"events": sum(len(view.events) for view in corpus.sessions)}


def write_digests(size: int, folder: Path) -> dict[str, float]:
    row: dict[str, float] = {}
    with (folder / "sessions").open("rb") as sessions, (folder / "digests").open("w") as digests:
        for _ in range(size):
            view: SessionView = pickle.load(sessions)
            with timed(row, "digest"):
                line = json.dumps(digest_session(view).to_json())
            digests.write(f"{line}\n")
    return row | {"digest peak": peak()}


def find(_size: int, folder: Path) -> dict[str, float]:
    memories, served = pickle.loads((folder / "memory").read_bytes())
    row: dict[str, float] = {}
    with (folder / "digests").open() as lines, uncollected():
        with timed(row, "read"):
            digests = [Digest.from_json(json.loads(line)) for line in lines]
        with timed(row, "mine"):
            result = mine(digests, memories=memories, served=served)
    return row | {"pass peak": peak(), "findings": len(result.findings)}


if __name__ == "__main__":
    main()
