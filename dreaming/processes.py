"""The process tree of `manage.py run`: preflight, servers, first data, then web, worker and beat.

honcho runs the three and stops all when one stops. The broker is started before them and stopped after
them, so that a worker on its way out can still hand its tasks back; PostgreSQL stops when the last
process that uses it is gone (see `postgres`).
"""

import contextlib
import fcntl
import http.client
import json
import multiprocessing
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from django.core.management import call_command
from django.db import connections
from honcho.manager import Manager
from honcho.printer import Message, Printer

from audit.checks import refuse_if_disarmed
from dreaming import embedded
from dreaming.datafolder import CHECKOUT, data_dir, existing_data_dir, kept_secret, log_dir
from dreaming.postgres import still_running

LOGINS = {"reviewer": "rita", "admin": "adam", "admin 2": "alma", "auditor": "aude"}
PARTS = {
    "web": "-m gunicorn dreaming.wsgi:application",
    "worker": "-m celery --quiet -A dreaming worker -c 2 --without-gossip --without-mingle -l WARNING",
    "beat": "-m celery --quiet -A dreaming beat -l WARNING --scheduler django_celery_beat.schedulers:DatabaseScheduler",
}
HEALTHY_SECONDS = 60


class Refusal(SystemExit):
    """Why there is no start, in one line."""


@dataclass
class Run:
    host: str
    port: int
    site_name: str
    started: float = field(default_factory=time.monotonic)
    valkey: "subprocess.Popen[bytes] | None" = None
    stopping: bool = False
    first_stopped: str = ""
    pids: dict[str, int] = field(default_factory=dict)
    broker_guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def local_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def address(self) -> str:
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.port}"

    def say(self, text: str) -> None:
        say(f"{time.monotonic() - self.started:6.1f} s  {text}")


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(*, host: str, port: str, site_name: str) -> int:
    """Runs until Ctrl-C, SIGTERM or the end of one part. Returns the exit status."""
    run = Run(host=host, port=_port_number(port), site_name=site_name)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with _only_one(run):
            _require_free_port(run)
            return _start_and_serve(run)
    except KeyboardInterrupt:
        say("Stopped before the start was complete; the next start goes on from here.")
        return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _start_and_serve(run: Run) -> int:
    try:
        run.say(f"data folder: {data_dir()}")
        if is_external("DATABASE_URL"):
            run.say("PostgreSQL: the server named by DATABASE_URL")
        else:
            run.say("PostgreSQL is up")
        _start_broker(run)
        password = _prepare(run)
        return _serve(run, password)
    finally:
        with run.broker_guard:
            run.stopping = True
        if run.valkey:
            embedded.stop_valkey(run.valkey)
        _record_file().unlink(missing_ok=True)


# --- Preflight


def _port_number(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise Refusal(f"{text!r} is not a port: choose one from 1 to 65535, such as make run PORT=8001.")


@contextlib.contextmanager
def _only_one(run: Run) -> Iterator[None]:
    """One `run` a data folder. What a killed one left behind is ended first."""
    with (existing_data_dir() / "run.lock").open("a") as lock:
        for attempt in range(20):
            _end_orphans()
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if _recorded_run_lives() or attempt == 19:
                    raise Refusal(_already_running()) from None
                time.sleep(0.1)
        _record(run)
        yield


def _already_running() -> str:
    recorded = _recorded()
    where = f" at {recorded['address']} (process {recorded['pid']})" if recorded else ""
    return (
        f"Daylight already runs on {data_dir()}{where}. "
        "Stop it there with Ctrl-C, or choose another folder: DAYLIGHT_DATA=…"
    )


def _require_free_port(run: Run) -> None:
    advice = f"Choose another: make run PORT={run.port + 1 if run.port < 65535 else 8000}."
    try:
        family, kind, _, _, address = socket.getaddrinfo(run.host, run.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise Refusal(f"Cannot listen on {run.host} port {run.port}: {error.strerror or error}. {advice}") from None
    # macOS lets two sockets share a port when one is bound to every address.
    with contextlib.suppress(OSError), socket.create_connection((run.local_host, run.port), timeout=1):
        raise Refusal(f"Port {run.port} is taken. {advice}")


def _record_file() -> Path:
    return existing_data_dir() / "run.json"


def _record(run: Run) -> None:
    """Who runs here, so that a later start can end what a killed one left behind: parts before broker."""
    broker = [run.valkey.pid] if run.valkey else []
    record: dict[str, Any] = {"pid": os.getpid(), "created": _created(os.getpid()), "address": run.address}
    record["children"] = [
        [[pid, _created(pid)] for pid in pids if psutil.pid_exists(pid)] for pids in (run.pids.values(), broker)
    ]
    draft = _record_file().with_suffix(".new")
    draft.write_text(json.dumps(record))
    draft.replace(_record_file())


def _recorded() -> dict[str, Any]:
    try:
        record = json.loads(_record_file().read_text())
        return record if isinstance(record, dict) and "pid" in record else {}
    except (OSError, ValueError):
        return {}


def _created(pid: int) -> float:
    return float(psutil.Process(pid).create_time())


def _same_process(pid: int, created: float) -> psutil.Process | None:
    """The process, unless it ended and its number went to another one."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < 2 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def _recorded_run_lives() -> bool:
    record = _recorded()
    return bool(record) and _same_process(record["pid"], record["created"]) is not None


def _end_orphans() -> None:
    record = _recorded()
    if not record or _recorded_run_lives():
        return
    for group in record["children"]:
        if orphans := [process for pid, created in group if (process := _same_process(pid, created))]:
            say(f"Ending what a killed run left behind: {', '.join(str(process.pid) for process in orphans)}")
            _end(orphans)


def _end(processes: list[psutil.Process], *, patience: float = 5) -> None:
    """Ends these and all that they started: politely, then not."""
    everyone = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            everyone += process.children(recursive=True)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    stubborn = still_running(everyone, patience=patience)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    still_running(stubborn, patience=patience)


# --- Servers and data


def is_external(name: str) -> bool:
    """Whether the environment names a server of its own, in place of the embedded one."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _start_broker(run: Run) -> None:
    if is_external("REDIS_URL"):
        run.say("broker: the server named by REDIS_URL")
        return
    run.valkey = embedded.start_valkey()
    _record(run)
    run.say("Valkey is up")


def _prepare(run: Run) -> str:
    """Brings schema and demo up to date. Returns the demo's password, or nothing without a demo."""
    run.say("bringing the database up to date")
    _prepare_schema()
    refuse_if_disarmed()
    connections.close_all()  # honcho is about to fork
    if os.environ.get("DAYLIGHT_DEMO") == "0":
        return ""
    run.say("looking after the demo fleet")
    password = os.environ.get("DAYLIGHT_DEMO_PASSWORD") or kept_secret("demo-password", nbytes=8)
    os.environ["DAYLIGHT_DEMO_PASSWORD"] = password
    call_command("load_demo")
    connections.close_all()  # honcho is about to fork
    return password


def _prepare_schema() -> None:
    """In a process of its own: settings have this command log in as the schema's owner."""
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--skip-checks"],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        say(done.stdout.rstrip())
        raise Refusal(f"The database could not be brought up to date (exit {done.returncode}): see above.")


# --- The tree


class Tree(Manager):  # type: ignore[misc]
    """honcho's manager with a thread that watches, started once no more forks are to come."""

    def __init__(self, run: Run, password: str) -> None:
        super().__init__(QuietPrinter(run))
        self._watcher = threading.Thread(target=_watch, args=(run, password), daemon=True)

    def _start(self) -> None:
        super()._start()
        self._watcher.start()

    def terminate(self) -> None:
        if not self._all_started():  # honcho cannot name a part yet; _sweep ends it
            raise KeyboardInterrupt
        super().terminate()


class QuietPrinter(Printer):  # type: ignore[misc]
    """Shows what the parts say, and of honcho's own lines only what matters."""

    def __init__(self, run: Run) -> None:
        super().__init__(sys.stdout)
        self._run = run

    def write(self, message: Message) -> None:
        if message.name != "system":
            super().write(message)
        elif begun := re.match(r"(\w+) started \(pid=(\d+)\)", message.data):
            self._run.pids[begun[1]] = int(begun[2])
            _record(self._run)
        elif message.data.startswith("SIG"):
            self._run.stopping = True
            say("\nStopping …")
        elif not self._run.stopping and not self._run.first_stopped and " stopped (" in message.data:
            self._run.first_stopped = message.data.strip()


def _serve(run: Run, password: str) -> int:
    run.say("starting web, worker and beat")
    environment = os.environ | {
        "DAYLIGHT_HOST": run.host,
        "DAYLIGHT_PORT": str(run.port),
        "DAYLIGHT_ACCESS_LOG": str(log_dir() / "access.log"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore:::celery.platforms",  # eight lines on running as root, at every start
    }
    tree = Tree(run, password)
    for name, arguments in PARTS.items():
        tree.add_process(name, f"exec {shlex.quote(sys.executable)} {arguments}", env=environment, cwd=str(CHECKOUT))
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        tree.loop()
    finally:
        _sweep()
    if run.first_stopped:
        say(f"{run.first_stopped}: all was stopped with it. Its last lines are above; more in {log_dir()}.")
        return 1
    return 0


def _sweep() -> None:
    """Leaves nothing when the loop ended out of turn, such as at a Ctrl-C too early or a closed terminal."""
    relays = [psutil.Process(child.pid) for child in multiprocessing.active_children()]
    _end([part for relay in relays for part in relay.children()])
    _end(relays, patience=1)


def _watch(run: Run, password: str) -> None:
    """Announces the start when the site is healthy, then keeps the broker alive."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while not run.stopping and (complaint := _ailment(run)):
        if time.monotonic() > deadline:
            deadline = float("inf")
            run.say(f"still waiting for {run.address}/healthz: {complaint}")
        time.sleep(0.1)
    if not run.stopping:
        _announce(run, password)
    while not run.stopping:
        with run.broker_guard:
            if run.valkey and not run.stopping and run.valkey.poll() is not None:
                run.say("Valkey ended; starting it again")
                run.valkey = embedded.start_valkey()
                _record(run)
        time.sleep(0.5)


def _ailment(run: Run) -> str:
    """What /healthz complains of; empty when all is up."""
    connection = http.client.HTTPConnection(run.local_host, run.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": run.site_name})
        answer = connection.getresponse()
        body = answer.read(300).decode(errors="replace")
        return "" if answer.status == 200 else f"{answer.status} {body}"
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()


def _announce(run: Run, password: str) -> None:
    lines = ["", f"Daylight is ready after {time.monotonic() - run.started:.1f} s: {run.address}", ""]
    if password:
        lines += [f"  {role:<9} {name:<5} {password}" for role, name in LOGINS.items()]
    else:
        lines.append("  No demo (DAYLIGHT_DEMO=0). Make a user with: .venv/bin/python manage.py create_user")
    lines += ["", f"Stop with Ctrl-C. Logs: {log_dir()}", ""]
    say("\n".join(lines))
