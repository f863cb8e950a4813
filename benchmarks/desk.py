"""How fast the desk answers as proposals grow: `.venv/bin/python -m benchmarks.desk [--proposals N] [--events N]`

Loads two scratch databases on the configured server, one of 1,000 proposals and 10,000 events and one of `--proposals`
and `--events`, and asks both in turn for the same pages: the server's time a request, through Django's test client,
signed in as a reviewer, with the application's rights. `--keep` leaves the databases for another run, and `--next` asks
for the next item alone. `--cpu` counts processor time in place of the clock's, for a machine that others use as well
(Linux, database on the same machine).
"""

import argparse
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.ingest import connect_as_owner

ROWS = Path(__file__).with_name("desk_rows.sql")
SMALL = (1_000, 10_000)
ROUNDS = 40
DECISIONS = 100
PAGES_DEEP = 20_000
CPU_ONLY = False
LOADED = (
    "agent_sessions_session",
    "agent_sessions_event",
    "memory_proposal",
    "memory_evidence",
    "audit_entry",
    "reviews_decision",
)
VIEWS = {
    "queue, first page": "/",
    "oldest first": "/?sort=oldest",
    "newest first": "/?sort=newest",
    "most flags first": "/?sort=risk",
    "store": "/?store=store-3",
    "rare store": "/?store=rare-store",
    "rare store, oldest first": "/?store=rare-store&sort=oldest",
    "agent (two stores)": "/?agent=agent-3",
    "rare agent": "/?agent=rare-agent",
    "rare kind": "/?kind=preference",
    "rare operation": "/?operation=delete",
    "any flag": "/?risk=any",
    "no flag": "/?risk=none",
    "rare flag": "/?risk=injection",
    "over target (few)": "/?age=over",
    "near target": "/?age=near",
    "fresh": "/?age=fresh",
    "mentions me": "/?mentions=me",
    "store, kind, flag: nothing meets": "/?store=store-3&kind=workflow&risk=link",
    "store and flag": "/?store=store-4&risk=link",
    "waits for others": "/?tab=others",
    "changed under you": "/?tab=stale",
    "let through by policy": "/?tab=policy",
    "decided": "/?tab=decided",
    "decided, store": "/?tab=decided&store=store-3",
    "decided, rare store": "/?tab=decided&store=rare-store",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--proposals", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--keep", action="store_true", help="load nothing that is there, and leave it there")
    parser.add_argument("--cpu", action="store_true", help="processor time in place of the clock's")
    parser.add_argument("--load", action="store_true", help="load only")
    parser.add_argument("--next", action="store_true", help="only the deciding, and the next item")
    given = parser.parse_args()
    global CPU_ONLY
    CPU_ONLY = given.cpu
    connect_as_owner()
    sizes = {"desk_benchmark_small": SMALL, "desk_benchmark_large": (given.proposals, given.events)}
    desks = {name: Desk(name, *size, given.keep) for name, size in sizes.items()}
    try:
        for desk in desks.values():
            desk.load()
        if not given.load:
            compare(*desks.values(), next_alone=given.next)
    finally:
        for desk in desks.values():
            desk.leave()


class Desk:
    """One database of a size, and a reviewer who is signed in to it."""

    def __init__(self, name: str, proposals: int, events: int, keep: bool) -> None:
        self.name, self.proposals, self.events, self.keep = name, proposals, events, keep

    def load(self) -> None:
        from django.contrib.auth.models import Group, User
        from django.db import connection
        from django.test import Client

        if not (self.keep and self._exists()):
            began = time.monotonic()
            connection.settings_dict["TEST"]["NAME"] = self.name
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            for name in ("rita", "ruth"):
                User.objects.create_user(name).groups.set(Group.objects.filter(name="reviewer"))
            self._fill()
            print(f"{self.name}: loaded in {time.monotonic() - began:.0f} s", flush=True)
        with self.open():
            self.client = Client(headers={"Host": "localhost"})
            self.client.force_login(User.objects.get(username="rita"), "django.contrib.auth.backends.ModelBackend")

    def _exists(self) -> bool:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [self.name])
            return cursor.fetchone() is not None

    def _fill(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET synchronous_commit = off")
            cursor.execute("SET maintenance_work_mem = '512MB'")
            cursor.execute(
                "SELECT i.indexname, i.indexdef FROM pg_indexes i LEFT JOIN pg_constraint c ON c.conname = i.indexname"
                " WHERE c.oid IS NULL AND i.tablename = ANY(%s) AND i.schemaname = 'public'",
                [list(LOADED)],
            )
            indexes = cursor.fetchall()
            for name, _ in indexes:
                cursor.execute(f'DROP INDEX "{name}"')
            numbers = {"proposals": self.proposals, "events": self.events}
            for statement in (ROWS.read_text() % numbers).split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
            for _, definition in indexes:
                cursor.execute(definition)
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")

    @contextmanager
    def open(self) -> Iterator[None]:
        """Django's one connection, to this database, with the application's rights."""
        from django.db import connection

        from dreaming.databases import APP_ROLE

        connection.close()
        connection.settings_dict["NAME"] = self.name
        connection.settings_dict["OPTIONS"]["assume_role"] = APP_ROLE
        connection.ensure_connection()
        yield
        connection.close()
        connection.settings_dict["OPTIONS"].pop("assume_role")

    def leave(self) -> None:
        from django.db import connection

        if self.keep:
            return
        connection.close()
        connection.settings_dict["NAME"] = self.name
        connection.creation.destroy_test_db("postgres", verbosity=0)


def compare(small: Desk, large: Desk, *, next_alone: bool = False) -> None:
    from dreaming.warm import warm_up

    warm_up()  # as each web process does
    print(
        f"load {os.getloadavg()[0]:.1f}; milliseconds a request, {ROUNDS} requests a line{', processor time' if CPU_ONLY else ''}"
    )
    print(f"{'':34}{small.proposals:>9,} proposals{large.proposals:>11,} proposals   ratio of")
    print(f"{'':34}{'p50':>10}{'p95':>10}{'p50':>10}{'p95':>10}{'p50':>10}{'p95':>8}", flush=True)
    if not next_alone:
        compare_pages(small, large)
    walked = (morning(desk) for desk in (small, large))
    for label, *columns in zip(("decide", "the next item"), *walked, strict=True):
        report(label, *columns)


def compare_pages(small: Desk, large: Desk) -> None:
    for label, address in VIEWS.items():
        report(label, *(times(desk, address) for desk in (small, large)))
    for side in ("after", "before"):
        label = "page 20,000 deep" if side == "after" else "… and the page before it"
        report(label, *(times(desk, f"/?{side}={deep_cursor(desk)}") for desk in (small, large)))


def get(desk: Desk, address: str) -> None:
    answer = desk.client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)


def times(desk: Desk, address: str) -> list[float]:
    with desk.open():
        for _ in range(3):
            get(desk, address)
        return [clocked(partial(get, desk, address)) for _ in range(ROUNDS)]


def deep_cursor(desk: Desk) -> str:
    """The last of 20,000 pages, or of half of the queue when it is shorter."""
    from memory.models import Proposal
    from reviews.queue import PAGE_SIZE, Filters

    with desk.open():
        order = Filters().order
        waiting = Proposal.objects.open()
        at = PAGES_DEEP * PAGE_SIZE if waiting.count() > (PAGES_DEEP + 2) * PAGE_SIZE else waiting.count() // 2
        return order.cursor(order.sorted(waiting)[at])


def clocked(ask: Callable[[], object]) -> float:
    began = now()
    ask()
    return (now() - began) * 1_000


def now() -> float:
    """Seconds; with `--cpu` those for which this process and its database backend had a processor."""
    if not CPU_ONLY:
        return time.perf_counter()
    from django.db import connection

    backend = connection.connection.info.backend_pid
    return time.process_time() + int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9


def morning(desk: Desk) -> tuple[list[float], list[float]]:
    """Reject one after the other, and open the next: the time of the decision, and of the page that it leads to."""
    with desk.open():
        address, deciding, opening = make_decidable(), [], []
        for _ in range(DECISIONS):
            digest = re.search('name="digest" value="(.*?)"', desk.client.get(address).content.decode())[1]
            began = now()
            answer = desk.client.post(f"{address}decide/", {"verdict": "reject", "digest": digest, "reason": "Known."})
            deciding.append((now() - began) * 1_000)
            assert answer.status_code == 302, answer.content.decode()
            address = answer["Location"]
            opening.append(clocked(partial(get, desk, address)))
    return deciding, opening


def make_decidable() -> str:
    """Give the first of the queue the digests that they would have been filed with; returns the address of the first."""
    from django.contrib.auth.models import User
    from django.db import connection

    from dreaming.databases import APP_ROLE
    from memory.services import current_digest
    from reviews.queue import Filters, matching

    waiting = matching(Filters(), User.objects.get(username="rita")).select_related("store")
    first = list(Filters().order.sorted(waiting)[: DECISIONS + 1])
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET session_replication_role = replica")
        for proposal in first:
            digest = current_digest(proposal)
            cursor.execute("UPDATE memory_proposal SET digest = %s WHERE id = %s", [digest, proposal.pk])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(f"SET ROLE {APP_ROLE}")
    return f"/proposals/{first[0].pk}/"


def report(label: str, small: list[float], large: list[float]) -> None:
    figures = [(statistics.median(column), statistics.quantiles(column, n=20)[-1]) for column in (small, large)]
    (a50, a95), (b50, b95) = figures
    print(f"{label:34}{a50:10.1f}{a95:10.1f}{b50:10.1f}{b95:10.1f}{b50 / a50:10.2f}{b95 / a95:8.2f}", flush=True)


if __name__ == "__main__":
    main()
