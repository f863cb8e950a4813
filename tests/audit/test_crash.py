"""Kill -9 of clients, workers and the database leaves nothing partial and loses nothing that was acknowledged.

A short form of `benchmarks/crash.py`, on a server of its own.
"""

import json
import os
import subprocess
import sys

from tests.environment import CHECKOUT


def test_kill_minus_nine_leaves_nothing_partial_and_loses_nothing():
    arguments = ["--clients", "8", "--workers", "2", "--database", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.crash", *arguments],
        cwd=CHECKOUT,
        env=os.environ | {"DAYLIGHT_DB_FAST": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["faults"] == []
    assert result["acknowledged"]["decisions"] > 10
