"""How fast sessions go in, beside a bare COPY of the same rows: `.venv/bin/python -m benchmarks.ingest`

Uses a scratch database on the configured server, and the real sessions in ../shared/data when they are there
(else a generated file of like size). Each measurement runs in a process of its own, alternately.

The import: a file, from the first byte read until all of it is on disk; the start of its worker processes is in it,
that of its own process is not. Bare COPY: the rows that the import wrote, in memory already, through psycopg into the
same two tables with the same indexes and constraints, in one transaction that waits for the disk when it commits.
"""

import gzip
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
REAL_DATA = CHECKOUT.parent / "shared" / "data"
DATABASE = "daylight_ingest_benchmark"
ROUNDS = 3
SESSIONS = 1500
SESSION_TABLES = ("agent_sessions_session", "agent_sessions_event")


def main() -> None:
    connect_as_owner()
    if sys.argv[1:2] == ["--import"]:
        return import_once(sys.argv[2])
    if sys.argv[1:2] == ["--copy"]:
        return bare_copy()
    from django.db import connection

    with tempfile.TemporaryDirectory() as folder:
        once, four = Path(folder, "1x.jsonl.gz"), Path(folder, "4x.jsonl.gz")
        write_files(once, four)
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            measure(once, "1x")
            measure(four, "4x")
        finally:
            connection.creation.destroy_test_db("", verbosity=0)
    return None


def connect_as_owner() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dreaming.settings")
    from dreaming import embedded

    if "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = embedded.owner_database_url()
    django.setup()
    from django.db import connection

    connection.settings_dict["OPTIONS"].pop("assume_role", None)
    connection.settings_dict.setdefault("TEST", {})["NAME"] = DATABASE


def write_files(once: Path, four: Path) -> None:
    """`four` holds the sessions of `once` four times, under other ids."""
    with gzip.open(once, "wb", 1) as short, gzip.open(four, "wb", 1) as long:
        for line in source_lines():
            short.write(line)
            for copy in range(4):
                long.write(line.replace(b'"id": "', b'"id": "%d/' % copy, 1))


def source_lines() -> Iterator[bytes]:
    files = sorted(REAL_DATA.glob("*.jsonl.gz")) if REAL_DATA.is_dir() else []
    for path in files:
        with gzip.open(path) as file:
            yield from file
    if not files:
        yield from generated_lines()


def generated_lines() -> Iterator[bytes]:
    """Sessions of 60 events or so, with texts as long as real ones."""
    chance = random.Random(7)
    words = [f"{chance.choice('bcdfglmprst')}{chance.choice('aeiou')}{chance.randrange(999)}" for _ in range(5000)]

    def text(mean: int) -> str:
        return " ".join(chance.choices(words, k=max(1, int(chance.expovariate(1 / mean)))))

    for number in range(SESSIONS):
        events: list[dict[str, Any]] = []
        for seq in range(0, chance.randrange(30, 90), 3):
            events += [
                {"seq": seq, "type": "message", "role": "agent", "text": text(40)},
                {
                    "seq": seq + 1,
                    "type": "tool_call",
                    "tool": "bash",
                    "call_id": f"c{seq}",
                    "input": {"command": text(20)},
                },
                {"seq": seq + 2, "type": "tool_result", "tool": "bash", "call_id": f"c{seq}", "output": text(150)},
            ]
        session = {"id": f"run-{number}", "agent": f"agent-{number % 12}", "task": text(20), "events": events}
        yield json.dumps(session).encode() + b"\n"


def measure(file: Path, length: str) -> None:
    imports, copies, peaks = [], [], []
    events = 0
    for _ in range(ROUNDS):
        empty_tables()
        report = apart("--import", str(file))
        events = report["events"]
        imports.append(report["seconds"])
        peaks.append(report["peak_mib"])
        copies.append(apart("--copy")["seconds"])
    ours, bare = statistics.median(imports), statistics.median(copies)
    print(
        f"{length}: {events:,} events; import {ours:.2f} s = {events / ours:,.0f} events/s;"
        f" bare COPY {bare:.2f} s = {events / bare:,.0f} events/s; ratio {ours / bare:.2f};"
        f" peak memory {max(peaks):.0f} MiB in the largest process; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def apart(*arguments: str) -> dict[str, Any]:
    """What this file, run in a process of its own, prints. A peak is inherited, so the caller must be small."""
    command = [sys.executable, "-m", "benchmarks.ingest", *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, check=True)
    return json.loads(ended.stdout)


def import_once(path: str) -> None:
    """In a process of its own: import one file with the application's rights, and print what it took."""
    from django.db import connection

    from audit.actors import Actor
    from dreaming.databases import APP_ROLE
    from sessions.importing import import_files

    connection.settings_dict["NAME"] = DATABASE
    connection.settings_dict["OPTIONS"]["assume_role"] = APP_ROLE
    report = import_files(files=[Path(path)], store="benchmark", actor=Actor.system("benchmark"))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"events": report.events, "seconds": report.seconds, "peak_mib": peak / 1024}))


def empty_tables() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(SESSION_TABLES)} CASCADE")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("CHECKPOINT")


def bare_copy() -> None:
    """In a process of its own: empty the tables, write the same rows again, and print the seconds that took."""
    from django.db import connection, transaction

    connection.settings_dict["NAME"] = DATABASE
    rows: dict[str, tuple[str, list[tuple[Any, ...]]]] = {}
    with connection.cursor() as cursor:
        for table in SESSION_TABLES:
            # jsonb comes and goes as text, so that neither side parses it.
            cursor.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s", [table]
            )
            columns = {name: f"{name}::text" if kind == "jsonb" else name for name, kind in cursor.fetchall()}
            cursor.execute(f"SELECT {', '.join(columns.values())} FROM {table}")
            rows[table] = (", ".join(columns), cursor.fetchall())
    empty_tables()
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        for table, (columns, values) in rows.items():
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
    print(json.dumps({"seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
