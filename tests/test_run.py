"""`manage.py run` on real processes: it starts all, refuses a twin in one line, and leaves nothing."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


class Started:
    """A `run` whose output is read along."""

    def __init__(self, data: Path, port: int, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=CHECKOUT,
            env=os.environ | settings_of(data, port) | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def finish(self, seconds: float) -> int:
        status = self.process.wait(seconds)
        self.reader.join(1)  # the parts of a killed run keep its output open
        return status


def settings_of(data: Path, port: int) -> dict[str, str]:
    return {
        "DAYLIGHT_DATA": str(data),
        "DAYLIGHT_PORT": str(port),
        "DAYLIGHT_HOST": "127.0.0.1",
        "DAYLIGHT_DEMO": "0",
        "DAYLIGHT_DB_FAST": "1",
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": "",
        "DATABASE_OWNER_URL": "",
        "REDIS_URL": "",
    }


def refused(data: Path, port: int | str) -> str:
    """What a start that does not begin says."""
    done = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=CHECKOUT,
        env=os.environ | settings_of(data, port),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    return (done.stdout + done.stderr).strip()


# What the button does: file a dream, hand it to the worker by way of the broker.
DREAM_ON_THE_WORKER = """
import time
from audit.actors import Actor
from dreaming.services import enqueue, request_dream
from memory.services import create_store
actor = Actor.system("test")
dream = request_dream(store=create_store(name="harbour", actor=actor), actor=actor)
enqueue(dream)
for _ in range(100):
    dream.refresh_from_db()
    if not dream.is_unfinished:
        break
    time.sleep(0.1)
print("the worker dreamt:", dream.status)
"""


def in_shell(data: Path, port: int, code: str) -> str:
    """What another `manage.py` prints while `run` is up, on the same data."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=CHECKOUT,
        env=os.environ | settings_of(data, port),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def processes_of(data: Path) -> list[psutil.Process]:
    """Everything that was started for this data folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            named = [*process.cmdline(), process.cwd(), process.environ().get("DAYLIGHT_DATA", "")]
            if any(str(data) in text for text in named) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="daylight-test-", ignore_cleanup_errors=True) as folder:
        path = Path(folder).resolve()
        path.chmod(0o711)  # what a root's data folder is, lest its becoming so be said
        yield path
        for process in processes_of(path):
            with contextlib.suppress(psutil.Error):
                process.kill()


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_run_serves_survives_a_kill_refuses_a_twin_and_leaves_nothing_behind(data, port):
    killed = Started(data, port)
    killed.wait_for("Daylight is ready")
    assert f"http://127.0.0.1:{port}" in killed.output
    killed.process.kill()
    killed.finish(5)
    assert len(processes_of(data)) > 3, "the parts outlive a killed parent"

    started = Started(data, port)
    started.wait_for("Daylight is ready")
    assert "a killed run left behind" in started.output
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        assert answer.status == 200
    words = {word for process in processes_of(data) for word in process.cmdline()}
    assert {"gunicorn", "worker", "beat"} <= words

    assert "the worker dreamt: completed" in in_shell(data, port, DREAM_ON_THE_WORKER)

    complaint = refused(data, port)
    assert re.fullmatch(r"Daylight already runs on \S+ at http://127\.0\.0\.1:\d+ \(process \d+\)\. .*", complaint)

    stopping = time.monotonic()
    os.killpg(started.process.pid, signal.SIGINT)
    assert started.finish(15) == 0, started.output
    assert time.monotonic() - stopping < 10
    assert processes_of(data) == []
    assert "Traceback" not in started.output


def test_a_taken_port_is_said_in_one_line_with_the_way_out(data):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        complaint = refused(data, port)
    assert len(complaint.splitlines()) == 1
    assert f"port {port}" in complaint
    assert f"make run PORT={port + 1}" in complaint
    assert processes_of(data) == []


@pytest.mark.parametrize("port", ["eighty", "65536"])
def test_a_port_that_is_none_is_refused_in_one_line(data, port):
    complaint = refused(data, port)
    assert len(complaint.splitlines()) == 1
    assert repr(port) in complaint


def test_a_part_that_cannot_start_stops_all_and_is_named(data, port):
    broken = Started(data, port, DAYLIGHT_HOST="127.0.0.1", GUNICORN_CMD_ARGS="--worker-class=nonsense")
    assert broken.finish(60) == 1
    assert "web stopped" in broken.output.splitlines()[-1], broken.output
    assert processes_of(data) == []


def test_ctrl_c_before_all_is_up_leaves_nothing_behind(data, port):
    started = Started(data, port)
    started.wait_for("bringing the database up to date")
    os.killpg(started.process.pid, signal.SIGINT)
    assert started.finish(15) == 0
    assert "Traceback" not in started.output
    assert processes_of(data) == []
