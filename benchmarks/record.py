"""The record: `.venv/bin/python -m benchmarks.record [--entries 100000] [--seconds 10]`

Appends a second in one chain with 16 writers, each entry in a transaction of its own; `decide()` with every guard on,
beside a bare insert-and-commit of the same text in the same minute; and entries a second that the verifier checks,
signatures and Merkle root included; then that the chain has no fork.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import count

from benchmarks.ingest import connect_as_owner

WRITERS = 16


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--decisions", type=int, default=300)
    given = parser.parse_args()
    connect_as_owner()
    from django.conf import settings
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = "daylight_record_benchmark"
    with tempfile.TemporaryDirectory() as folder:
        settings.DAYLIGHT_SIGNING_KEYS = f"{folder}/signing"
        settings.DAYLIGHT_CHECKPOINTS = f"{folder}/checkpoints.jsonl"
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            appends(given.seconds)
            decisions(given.decisions)
            verified(given.entries)
        finally:
            connection.creation.destroy_test_db("", verbosity=0)
    print(f"load average {os.getloadavg()[0]:.1f}")


def append(number: int) -> None:
    from django.db import transaction

    from audit.actors import Actor
    from audit.services import record

    with transaction.atomic():
        record(action="agent.changed", actor=Actor("user", "7", "adam"), subject=f"agent:{number}", store="claims")


def appends(seconds: float) -> None:
    """Threads of one process: the chain's lock, not Python, is what they wait for."""
    from django.db import connection

    took: list[float] = []
    numbers, end = count(), time.perf_counter() + seconds

    def work() -> None:
        while (started := time.perf_counter()) < end:
            append(next(numbers))
            took.append(time.perf_counter() - started)
        connection.close()

    writers = [threading.Thread(target=work) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    print(f"appends, {WRITERS} writers: {len(took) / seconds:,.0f}/s, p99 {quantile(took, 0.99):.0f} ms")


def decisions(count: int) -> None:
    """Each approval beside a bare insert, in turns, as the application's role; what they wait for alike is the disk."""
    from django.contrib.auth.models import Group, User
    from django.db import connection

    from reviews.ballots import Ballot
    from reviews.services import decide

    rita = User.objects.create(username="rita")
    rita.groups.set(Group.objects.filter(name="reviewer"))
    proposals = [proposed(number) for number in range(count)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, content text)")
        cursor.execute("GRANT ALL ON bare, bare_id_seq TO daylight_app; SET ROLE daylight_app")
        bare, decided = [], []
        for proposal in proposals:
            bare.append(
                seconds_of(lambda p=proposal: cursor.execute("INSERT INTO bare (content) VALUES (%s)", [p.content]))
            )
            ballot = Ballot("approve", proposal.digest, "It is right.")
            decided.append(seconds_of(lambda p=proposal, b=ballot: decide(proposal_id=p.pk, decider=rita, ballot=b)))
        cursor.execute("RESET ROLE; DROP TABLE bare")
    for name, took in (("decide()", decided), ("bare insert", bare)):
        print(f"{name}, {count}: p50 {quantile(took, 0.5):.1f} ms, p95 {quantile(took, 0.95):.1f} ms")
    print(
        f"ratio: p50 {quantile(decided, 0.5) / quantile(bare, 0.5):.1f}, p95 {quantile(decided, 0.95) / quantile(bare, 0.95):.1f}"
    )


def proposed(number: int):
    """An open proposal of a dream, with two quotes."""
    from django.utils import timezone

    from audit.actors import Actor
    from memory.models import MemoryStore
    from memory.services import Draft, QuoteDraft, attach_agents, create_store, submit_proposal
    from sessions.models import Agent, Event, Session

    dream = Actor.system("dream")
    store = MemoryStore.objects.first() or create_store(name="claims", actor=dream)
    agent, is_new = Agent.objects.get_or_create(slug="teller")
    if is_new:
        attach_agents(store=store, agents=[agent], actor=dream)
    words = hashlib.sha256(b"%d" % number).hexdigest()
    session = Session.objects.create(
        agent=agent, external_id=words, occurred_at=timezone.now(), sha256=words, event_count=2
    )
    Event.objects.bulk_create(
        Event(session=session, seq=seq, type="tool_result", role="tool", tool="post", output=f"Error: {words} {seq}")
        for seq in (0, 1)
    )
    draft = Draft(
        operation="create",
        path=f"/tools/{words}.md",
        content=f"# When the ledger is locked\n\n{words}\n\n{'Wait for the close, then post it again. ' * 20}",
        kind="recurring_failure",
        title=f"Posting fails: {words}",
        rationale="Seen in many sessions.",
        evidence=[QuoteDraft(session.pk, seq, f"Error: {words} {seq}", "supports") for seq in (0, 1)],
        support={"sessions": 12, "agents": 3},
    )
    return submit_proposal(store=store, draft=draft, source="dream", proposer=dream, source_ref="dream:0")


def seconds_of(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def quantile(took: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(took)[int(len(took) * share)] * 1000


def verified(entries: int) -> None:
    from audit.checkpoints import make_checkpoint
    from audit.models import Entry
    from audit.verifying import verify_record

    fill(entries - Entry.objects.count())
    make_checkpoint()
    started = time.perf_counter()
    result = verify_record()
    seconds = time.perf_counter() - started
    if result.error or result.entries != result.covered:
        raise SystemExit(f"The record is not whole: {result}")
    print(f"verified: {result.entries:,} entries, no fork, in {seconds:.2f} s: {result.entries / seconds:,.0f}/s")


def fill(missing: int) -> None:
    """Append without waiting for the disk after each."""
    from django.db import transaction

    for start in range(0, missing, 1000):
        with transaction.atomic():
            for number in range(start, min(start + 1000, missing)):
                append(number)


if __name__ == "__main__":
    main()
