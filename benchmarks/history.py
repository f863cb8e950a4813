"""How fast the record is looked through as it grows: `.venv/bin/python -m benchmarks.history [--entries 10000000]`

Loads a scratch database on the configured server and asks for pages of the record: the server's time a request, through
Django's test client, signed in as an auditor, with the application's rights. Then an extract of 100,000 entries, and
blame of 300 versions of 100 kB. `--keep` leaves the database for another run; `--cpu` counts processor time in place of the
clock's, for a machine that others use as well. Ten million entries take some 12 GB.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import desk
from benchmarks.ingest import connect_as_owner

ROWS = Path(__file__).with_name("history_rows.sql")
NAME = "daylight_history_benchmark"
ROUNDS = 20
ADDRESSES = {
    "first page": "/record/",
    "page in the middle": "/record/?after={middle}",
    "… and the page before it": "/record/?before={middle}",
    "oldest page": "/record/?after=52",
    "store": "/record/?store=store-3",
    "store, in the middle": "/record/?store=store-3&after={middle}",
    "rare store": "/record/?store=rare-store",
    "action": "/record/?action=decision.made",
    "rare action": "/record/?action=signing_key.rotated",
    "group of actions": "/record/?action=dream.*",
    "store and action": "/record/?store=store-3&action=decision.made",
    "store and rare action": "/record/?store=store-3&action=signing_key.rotated",
    "never together": "/record/?store=rare-store&action=dream.ended",
    "agent": "/record/?agent=agent-3",
    "agent, in the middle": "/record/?agent=agent-3&after={middle}",
    "actor, most entries": "/record/?actor=dream",
    "actor, one in 265": "/record/?actor=Person+17",
    "rare actor": "/record/?actor=rare+visitor",
    "subject": "/record/?subject=proposal:{quarter}",
    "act": "/record/?act={act}",
    "word of most entries": "/record/?q=common",
    "word of one in 50": "/record/?q=injection",
    "rare word": "/record/?q=zebra",
    "rare word, common store": "/record/?q=zebra&store=store-3",
    "word that nothing holds": "/record/?q=absent",
    "beginning of a path": "/record/?q=lessons+common+ledger-42",
    "a hash": "/record/?q={hash}",
    "an hour, long ago": "/record/?since={hour}&until={hour_after}",
    "word in a month, long ago": "/record/?q=injection&since={hour}&until={month_after}",
    "one entry": "/record/{middle}/",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--keep", action="store_true", help="load nothing that is there, and leave it there")
    parser.add_argument("--cpu", action="store_true", help="processor time in place of the clock's")
    given = parser.parse_args()
    desk.CPU_ONLY = given.cpu
    connect_as_owner()
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = NAME
    if not (given.keep and _exists()):
        _load(given.entries)
    try:
        _measure()
    finally:
        if not given.keep:
            connection.close()
            connection.settings_dict["NAME"] = NAME
            connection.settings_dict["OPTIONS"].pop("assume_role", None)
            connection.creation.destroy_test_db("postgres", verbosity=0)


def _exists() -> bool:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
        return cursor.fetchone() is not None


def _load(entries: int) -> None:
    from django.contrib.auth.models import Group, User
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    User.objects.create_user("aude").groups.set(Group.objects.filter(name="auditor"))
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i LEFT JOIN pg_constraint c ON c.conname = i.indexname"
            " WHERE c.oid IS NULL AND i.tablename = 'audit_entry' AND i.schemaname = 'public'"
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for statement in (ROWS.read_text() % {"entries": entries}).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        print(f"{entries:,} entries loaded in {time.monotonic() - began:.0f} s", flush=True)
        for name, definition in indexes:
            began = time.monotonic()
            cursor.execute(definition)
            print(f"    {name} built in {time.monotonic() - began:.0f} s", flush=True)
        cursor.execute("VACUUM ANALYZE audit_entry")
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT pg_size_pretty(pg_table_size('audit_entry')), pg_size_pretty(pg_indexes_size('audit_entry')),"
            " pg_size_pretty(pg_relation_size('entry_by_words'))"
        )
        print("    table {}, indexes {}, of these words {}".format(*cursor.fetchone()), flush=True)


def _measure() -> None:
    from datetime import timedelta

    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from audit.models import Entry
    from dreaming.databases import APP_ROLE

    connection.close()
    connection.settings_dict["NAME"] = NAME
    connection.settings_dict["OPTIONS"]["assume_role"] = APP_ROLE
    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.get(username="aude"), "django.contrib.auth.backends.ModelBackend")
    entries = Entry.objects.latest("seq").seq
    middle = Entry.objects.get(seq=entries // 2)
    early = Entry.objects.get(seq=entries // 5).at.replace(tzinfo=None, microsecond=0)
    values: dict[str, Any] = {
        "middle": middle.seq,
        "quarter": entries // 16,
        "act": middle.act,
        "hash": next(iter(Entry.objects.get(seq=entries // 40 * 10 + 3).data["digest"].split())),
        "hour": early.isoformat(),
        "hour_after": (early + timedelta(hours=1)).isoformat(),
        "month_after": (early + timedelta(days=30)).isoformat(),
    }
    kind = ", processor time" if desk.CPU_ONLY else ""
    print(f"{entries:,} entries; load {os.getloadavg()[0]:.1f}; milliseconds a request, {ROUNDS} requests a line{kind}")
    print(f"{'':34}{'p50':>10}{'p95':>10}", flush=True)
    for label, address in ADDRESSES.items():
        _report(label, partial(_get, client, address.format(**values)))
    _extract(client)
    _blame()
    print(f"load {os.getloadavg()[0]:.1f}")


def _report(label: str, ask: Callable[[], object]) -> None:
    ask()
    took = [desk.clocked(ask) for _ in range(ROUNDS)]
    print(f"{label:34}{statistics.median(took):10.1f}{statistics.quantiles(took, n=20)[-1]:10.1f}", flush=True)


def _get(client: Any, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)


def _extract(client: Any) -> None:
    from reviews import extracts

    extracts.MAX_ROWS = 100_000
    began = time.perf_counter()
    answer = client.post("/record/export/", {"format": "csv", "store": "store-3"})
    first = time.perf_counter() - began
    size = sum(map(len, answer.streaming_content))
    took = time.perf_counter() - began
    print(
        f"extract of 100,000 entries: first byte after {first:.2f} s, {size / 1e6:.0f} MB in {took:.1f} s", flush=True
    )


def _blame() -> None:
    from reviews.blame import blame

    lines = [f"When ledger {number} is locked, wait for the close and post again." for number in range(1_650)]
    versions = []
    for number in range(300):
        lines[(number * 37) % len(lines)] = f"Changed by version {number}, which says to wait for the close as well."
        versions.append((number, "\n".join(lines)))
    began = time.perf_counter()
    blame(versions)
    took = time.perf_counter() - began
    print(f"blame of {len(versions)} versions of {len(versions[-1][1]):,} characters: {took:.2f} s", flush=True)


if __name__ == "__main__":
    main()
