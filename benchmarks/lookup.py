"""How long the list, each filter, each search and a long timeline take, at a hundredth of the size and at all of it:
`.venv/bin/python -m benchmarks.lookup [--events 10000000]`

Server time: the whole request through Django's test client, middleware and templates included, in a scratch database
on the configured server. CPU time is that of this process and of its database connection's, the mean of all rounds:
the work of others on the machine does not add to it. Every hundredth session is written and indexed as usual; the rest
are copies of those, made in the database, with words of their own for the searches.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.ingest import connect_as_owner

DATABASE = "daylight_lookup_benchmark"
EVENTS_EACH = 50
LONG = 10_000
ROUNDS = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
TOOLS = ["bash", "search", "read_file", "post_entry", "send_mail", "get_user", "edit", "run_tests"]
ADDRESSES = {
    "list": "",
    "list, oldest first": "order=oldest",
    "deep page": "after=2026-01-15T00:00:00~1",
    "agent": "agent=agent-3",
    "outcome": "outcome=failure",
    "dates": "from=2026-01-10&to=2026-01-12",
    "tool, common": "tool=bash",
    "tool, rare": "tool=rare_tool",
    "tool, none": "tool=absent",
    "with errors": "errors=any",
    "tool with errors": "tool=bash&errors=any",
    "principal": "principal=person-7",
    "task": "task=case+77",
    "error says, common": "error=locked",
    "error says, rare": "error=rareword",
    "text, rare": "q=rareword",
    "text, 1 in 100": "q=hundredth",
    "text, only long ago": "q=longago",
    "text, in all": "q=ledger",
    "text, in all, deep": "q=ledger&after=2026-01-15T00:00:00~1",
    "text, two words": "q=ledger+hundredth",
    "text, a phrase": "q=%22post+the+ledger%22",
    "text, beginning": "q=rarew*",
    "text, absent": "q=nowhere",
    "text and agent": "q=ledger&agent=agent-3",
    "text and tool": "q=hundredth&tool=rare_tool",
    "text less a word": "q=hundredth+-rareword",
    "timeline of 10,000": "LONG",
    "timeline, middle": "LONG?at=5000",
    "timeline, find": "LONG?q=ledger+hundredth",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    given = parser.parse_args()
    connect_as_owner()
    from django.conf import settings
    from django.db import connection

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["testserver"]
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        small = {}
        for events in (given.events // 100, given.events):
            load(events // EVENTS_EACH)
            small = report(measured(), small)
    finally:
        connection.creation.destroy_test_db("", verbosity=0)


def load(sessions: int) -> None:
    """So many sessions of 50 events, and one of 10,000."""
    from django.db import connection

    began = time.monotonic()
    own = max(20, sessions // 100)
    sql = Writer(connection)
    sql.empty()
    write_originals(own)
    indexed = time.monotonic()
    sql.copy(own, sessions // own - 1)
    print(
        f"\n{sql.count('session'):,} sessions, {sql.count('event'):,} events, {sql.size():,} MB;"
        f" written in {time.monotonic() - began:.0f} s, of which {own:,} indexed in {indexed - began:.0f} s",
        flush=True,
    )


def write_originals(own: int) -> None:
    from sessions.indexing import index_sessions
    from sessions.models import Agent, Event, Session

    chance = random.Random(7)
    vocabulary = [
        f"{chance.choice('bcdfglmprst')}{chance.choice('aeiou')}{chance.randrange(3000)}" for _ in range(20_000)
    ]
    agents = [Agent.objects.get_or_create(slug=f"agent-{number}")[0] for number in range(20)]

    def words(count: int) -> str:
        return " ".join(chance.choices(vocabulary, k=count))

    for number in range(own + 1):
        length = LONG if number == own else EVENTS_EACH
        session = Session.objects.create(
            agent=agents[number % 20],
            external_id=f"run-{number}",
            task=f"Case {number}: {words(8)}",
            principal=f"person-{number % 50}@example.org",
            outcome=chance.choice(["success", "success", "failure", "partial"]),
            event_count=length,
            sha256="0" * 64,
            occurred_at=START + timedelta(seconds=number) if number < own else START + timedelta(days=40),
        )
        failing = chance.random() < 0.4
        events = []
        for seq in range(0, length, 2):
            tool = "rare_tool" if number == 3 and seq == 0 else chance.choice(TOOLS)
            failed = failing and seq % 20 == 4
            output = f"Error: {words(4)} is locked" if failed else words(chance.randrange(5, 40))
            call = f'{{"command":"post the ledger {words(5)}"}}'
            extra = " hundredth" if number % 100 == 0 and seq in (10, 5000) else ""
            events += [
                Event(session=session, seq=seq, type="tool_call", tool=tool, input=call),
                Event(
                    session=session, seq=seq + 1, type="tool_result", tool=tool, output=output + extra, is_error=failed
                ),
            ]
        Event.objects.bulk_create(events, batch_size=2_000)
        index_sessions([session.pk])


class Writer:
    """What is done in the database itself."""

    def __init__(self, connection) -> None:
        self.connection = connection

    def run(self, sql: str, *values) -> list:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def count(self, table: str) -> int:
        return self.run(f"SELECT count(*) FROM agent_sessions_{table}")[0][0]

    def size(self) -> int:
        return self.run("SELECT pg_database_size(current_database()) / 1000000")[0][0]

    def empty(self) -> None:
        self.run("SET session_replication_role = replica")
        self.run("TRUNCATE agent_sessions_session, agent_sessions_event RESTART IDENTITY CASCADE")
        self.run("SET maintenance_work_mem = '512MB'")

    def copy(self, own: int, times: int) -> None:
        """Each original so many times, a minute later each; then rare words, and the index that searches use."""
        shift = f"n * {own + 1}"
        later = f"n * interval '{own} seconds'"
        series = f"generate_series(1, {times}) AS n"
        self.run("DROP INDEX session_words")
        self.run(
            f"""
            INSERT INTO agent_sessions_session (id, agent_id, external_id, task, task_id, principal, outcome,
                outcome_source, outcome_detail, metadata, extra, redactions, event_count, sha256, occurred_at, received_at)
            SELECT id + {shift}, (agent_id - 1 + n) %% 20 + 1, external_id || '-' || n, task, task_id, principal, outcome,
                outcome_source, outcome_detail, metadata, extra, redactions, event_count, sha256, occurred_at + {later}, now()
            FROM agent_sessions_session, {series} WHERE id <= {own} ORDER BY n, id
            """
        )
        columns = (
            "seq, type, role, text, tool, call_id, input, output, output_is_json, is_error, at, duration_ms, extra"
        )
        self.run(
            f"""
            INSERT INTO agent_sessions_event (session_id, {columns})
            SELECT session_id + {shift}, {columns} FROM {series}, agent_sessions_event
            WHERE session_id <= {own} ORDER BY n, session_id, seq
            """
        )
        self.run(
            f"""
            INSERT INTO agent_sessions_sessionindex
                (session_id, agent_id, occurred_at, outcome, tools, failing_tools, error_count, about)
            SELECT session_id + {shift}, (agent_id - 1 + n) %% 20 + 1, occurred_at + {later}, outcome,
                array_remove(tools, 'rare_tool'), failing_tools, error_count, about
            FROM agent_sessions_sessionindex, {series} WHERE session_id <= {own} ORDER BY n, session_id
            """
        )
        self.run(
            f"""
            INSERT INTO agent_sessions_sessionwords (session_id, occurred_at, first_seq, last_seq, start, words)
            SELECT session_id + {shift}, occurred_at + {later}, first_seq, last_seq, start, words ||
                CASE WHEN n < {times} / 10 AND session_id %% 10 = 0 THEN 'longago:1'::tsvector ELSE '' END ||
                CASE WHEN n = {times} / 2 AND session_id %% 100 = 7 THEN 'rareword:2 e\\:rareword:2'::tsvector ELSE '' END
            FROM agent_sessions_sessionwords, {series} WHERE session_id <= {own} ORDER BY n, session_id
            """
        )
        self.run("CREATE INDEX session_words ON agent_sessions_sessionwords USING gin (words)")
        self.run("SET session_replication_role = DEFAULT")
        self.run("VACUUM ANALYZE")


def measured() -> dict[str, list[tuple[float, float]]]:
    """(elapsed, CPU) in milliseconds of each address, in turn, the first time of each left out."""
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from sessions.models import Session

    user, _ = User.objects.get_or_create(username="aude")
    user.groups.set(Group.objects.filter(name="auditor"))
    client = Client()
    client.force_login(user)
    long = Session.objects.get(event_count=LONG).pk
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ADDRESSES}
    backend = database_process()
    for round_ in range(ROUNDS + 1):
        for name, address in ADDRESSES.items():
            path = f"/sessions/?{address}" if "LONG" not in address else address.replace("LONG", f"/sessions/{long}/")
            began, used = time.perf_counter(), cpu_seconds(backend)
            response = client.get(path)
            taken = (time.perf_counter() - began) * 1000, (cpu_seconds(backend) - used) * 1000
            assert response.status_code == 200, path
            if round_:
                times[name].append(taken)
    return times


def database_process() -> Path:
    """Where the system says how long the connection's process ran, if it does."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return Path(f"/proc/{cursor.fetchone()[0]}/schedstat")


def cpu_seconds(backend: Path) -> float:
    ran = int(backend.read_text().split()[0]) / 1e9 if backend.exists() else 0.0
    return time.process_time() + ran


def report(times: dict[str, list[tuple[float, float]]], small: dict[str, float]) -> dict[str, float]:
    print(f"{'':22} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8} {'ratio of CPU':>13}   load {os.getloadavg()[0]:.1f}")
    cpu = {}
    for name, taken in times.items():
        elapsed = [one for one, _ in taken]
        cpu[name] = statistics.mean(used for _, used in taken)
        ratio = f"{cpu[name] / small[name]:13.1f}" if small else ""
        p95 = statistics.quantiles(elapsed, n=20)[-1]
        print(f"{name:22} {statistics.median(elapsed):8.1f} {p95:8.1f} {cpu[name]:8.1f} {ratio}", flush=True)
    return cpu


if __name__ == "__main__":
    main()
