"""What kill -9 leaves behind: `.venv/bin/python -m benchmarks.crash [--clients 80] [--workers 20] [--database 25]`

On a server and a data folder of its own, with fsync unless DAYLIGHT_DB_FAST=1:
- clients that propose and approve, and write down what was acknowledged, are killed in the middle, so many times;
- so are Celery workers that let held-back approvals take effect;
- so is the whole database, while four clients work.
Then everything is looked at: nothing is partial, nothing that was acknowledged is lost, nothing happened twice, the chain
is whole. Ends with status 1 and the faults when there are any.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.crash_faults import Acknowledged, faults

LOAD = 4
HELD_A_WORKER = 5
PATIENCE = 30  # seconds


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=80)
    parser.add_argument("--workers", type=int, default=20)
    parser.add_argument("--database", type=int, default=25)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="daylight-crash-", ignore_cleanup_errors=True) as folder:
        prepare(Path(folder))
        acknowledged = Path(folder, "acknowledged")
        acknowledged.touch()
        started = time.monotonic()
        kill_clients(given.clients, acknowledged)
        released = kill_workers(given.workers)
        kill_database(given.database, acknowledged)
        return told(given, acknowledged, released, time.monotonic() - started)


def prepare(folder: Path) -> None:
    """A server, its schema, and who decides."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {"DAYLIGHT_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "dreaming.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--skip-checks", "-v", "0"], check=True)
    import django

    django.setup()
    from django.contrib.auth.models import Group, User

    from audit.actors import Actor
    from memory.services import create_store

    rita = User.objects.create(username="rita")
    rita.groups.set(Group.objects.filter(name="reviewer"))
    create_store(name="crash", actor=Actor.user(rita))


def kill_clients(times: int, acknowledged: Path) -> None:
    for _ in range(times):
        client = forked(lambda: work(acknowledged))
        wait_for_more(acknowledged, random.randint(1, 6))
        kill(client)


def kill_workers(times: int) -> int:
    """How many approvals took effect before a worker was killed."""
    if not times:
        return 0
    from dreaming import embedded

    broker = embedded.start_valkey()
    try:
        for _ in range(times):
            hold(HELD_A_WORKER)
            before, some = done(), random.randint(1, HELD_A_WORKER - 1)
            worker = forked(run_worker)
            wait_until(lambda before=before, some=some: done() >= before + some)
            kill(worker)
    finally:
        embedded.stop_valkey(broker)
    released = done()
    from reviews.holding import release_due

    release_due()  # as the sweep does every ten seconds
    return released


def kill_database(times: int, acknowledged: Path) -> None:
    if not times:
        return
    clients = [forked(lambda: work(acknowledged)) for _ in range(LOAD)]
    for _ in range(times):
        wait_for_more(acknowledged, random.randint(LOAD, 6 * LOAD))
        kill_servers()
        start_server()
    wait_for_more(acknowledged, 1)
    for client in clients:
        kill(client)


def done() -> int:
    """How many held-back approvals took effect."""
    from reviews.models import HeldBallot

    return HeldBallot.objects.filter(state="done").count()


def wait_for_more(acknowledged: Path, lines: int) -> None:
    """Until so many more were acknowledged, and then somewhere in the middle of the next."""
    size = acknowledged.stat().st_size + lines * len(b"decision 1\n")
    wait_until(lambda: acknowledged.stat().st_size >= size)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.05))


def kill_servers() -> None:
    """The server and all of its processes at once."""
    from dreaming import postgres
    from dreaming.datafolder import data_dir

    for server in postgres.postmasters(data_dir() / "postgres"):
        for process in [server, *server.children(recursive=True)]:
            process.kill()


def start_server() -> None:
    from django.db import connections

    from dreaming import embedded, postgres

    connections.close_all()
    postgres.ensure_running.cache_clear()
    embedded.app_database_url()


def forked(run: Callable[[], Any]) -> int:
    """A process that does it with connections of its own, ready to be killed."""
    from django.db import connections

    connections.close_all()
    if pid := os.fork():
        return pid
    try:
        os.setsid()
        random.seed()
        run()
    finally:
        os._exit(0)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def work(acknowledged: Path) -> None:
    """Propose and approve until killed; whatever was acknowledged is written down at once."""
    from django.db import DatabaseError, InterfaceError, connection

    notes = os.open(acknowledged, os.O_WRONLY | os.O_APPEND)
    while True:
        try:
            proposal = propose()
            os.write(notes, b"proposal %d\n" % proposal.pk)
            os.write(notes, b"decision %d\n" % approve(proposal).pk)
        except (DatabaseError, InterfaceError):
            connection.close()
            time.sleep(0.02)


def propose() -> Any:
    from django.contrib.auth.models import User

    from audit.actors import Actor
    from memory.models import MemoryStore
    from memory.services import Draft, submit_proposal

    words = uuid.uuid4().hex
    draft = Draft("create", f"/crash/{words}.md", f"Wait for {words}.", "written", f"Wait for {words}", "It helps.")
    rita = User.objects.get(username="rita")
    return submit_proposal(
        store=MemoryStore.objects.get(name="crash"), draft=draft, source="import", proposer=Actor.user(rita)
    )


def approve(proposal: Any) -> Any:
    from django.contrib.auth.models import User

    from reviews.ballots import Ballot
    from reviews.services import decide

    rita = User.objects.get(username="rita")
    return decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", proposal.digest, "It is right."))


def hold(count: int) -> None:
    """Approvals that are due now, and the tasks that let them take effect."""
    from dataclasses import asdict

    from django.contrib.auth.models import User
    from django.db.models.functions import Now

    from dreaming.celery import app
    from reviews.ballots import Ballot
    from reviews.models import HeldBallot

    rita = User.objects.get(username="rita")
    for _ in range(count):
        proposal = propose()
        ballot = asdict(Ballot("approve", proposal.digest, "It is right."))
        held = HeldBallot.objects.create(proposal=proposal, user=rita, user_name="rita", ballot=ballot, due_at=Now())
        app.send_task("reviews.tasks.release_one", [held.pk])


def run_worker() -> None:
    """A worker in one process; its banner and warnings go nowhere."""
    from dreaming.celery import app

    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    options = ["--pool", "solo", "-l", "CRITICAL", "--without-gossip", "--without-mingle"]
    app.worker_main(["worker", *options])


def told(given: argparse.Namespace, acknowledged: Path, released: int, seconds: float) -> int:
    said = Acknowledged.read(acknowledged)
    wrong = faults(said)
    result = {
        "killed": {"clients": given.clients, "workers": given.workers, "database": given.database},
        "acknowledged": {"proposals": len(said.proposals), "decisions": len(said.decisions)},
        "released_by_workers": released,
        "seconds": round(seconds),
        "fsync": os.environ.get("DAYLIGHT_DB_FAST") != "1",
        "faults": wrong,
    }
    print(json.dumps(result))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
