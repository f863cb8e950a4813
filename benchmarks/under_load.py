"""What agents get while the machine has all it can carry: `.venv/bin/python -m benchmarks.under_load [--seconds 60]`

1. As many readers as there are threads for, on kept connections, while memories are approved, publishing is stopped and
   resumed, and keys are revoked. Half of them send the ETag of their last answer. Each answer is read: every text in it
   was approved before it came, no reader's revision goes back, what was published before a request began is in its
   answer (a 304 stands for the last one), and no revoked key is answered after a second.
2. More sessions than can be written: those that were acknowledged are there, the others got 429.
"""

import argparse
import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from benchmarks.deployment import deployment

READERS = 12
SENDERS = 24
EVENTS = 200
STORES = ("ledger", "desk")
PATH = "/api/v1/agents/teller/memory"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60, help="of each of the two")
    given = parser.parse_args()
    with deployment() as address:
        world = prepare()
        read_under_load(address, world, given.seconds)
        send_too_much(address, world, given.seconds)


@dataclass
class World:
    """Who decides, who reads, and what was approved: text → the moment at which deciding it began; store → the revision
    of the last publication that was committed.
    """

    rita: Any
    agent: Any
    stores: list[Any]
    approved: dict[str, float] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    revoked: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def prepare() -> World:
    from django.contrib.auth.models import Group, User

    from audit.actors import Actor
    from audit.checkpoints import make_checkpoint
    from memory.agents import create_agent
    from memory.services import create_store

    actor = Actor.system("benchmark")
    rita = User.objects.create_user("rita")
    rita.groups.set(Group.objects.filter(name="reviewer"))
    stores = [create_store(name=name, actor=actor) for name in STORES]
    world = World(rita, create_agent(slug="teller", stores=stores, actor=actor), stores)
    for _ in range(20):
        approve(world)
    make_checkpoint()
    return world


def new_key(world: World, *scopes: str) -> tuple[Any, str]:
    from audit.actors import Actor
    from sessions.models import ApiKey
    from sessions.services import issue_key

    key, text = issue_key(agent=world.agent, scopes=scopes, issued_by=Actor.system("benchmark"))
    ApiKey.objects.filter(pk=key.pk).update(per_minute=10_000_000)
    return key, text


def approve(world: World) -> None:
    """File two memories, and approve one: the other is never to be seen."""
    from audit.actors import Actor
    from memory.services import Draft, submit_proposal
    from reviews.ballots import Ballot
    from reviews.services import decide

    actor, store = Actor.system("benchmark"), random.choice(world.stores)
    filed = []
    for _ in range(2):
        mark = random.randbytes(6).hex()
        draft = Draft("create", f"/m/{mark}.md", f"Lesson {mark}.", "written", "A lesson", "Told.")
        filed.append(submit_proposal(store=store, draft=draft, source="person", proposer=actor))
    world.approved[filed[0].content] = time.monotonic()
    decide(proposal_id=filed[0].pk, decider=world.rita, ballot=Ballot("approve", filed[0].digest, "Right."))
    store.refresh_from_db()
    world.published[store.name] = store.revision
    world.counts["approvals"] += 1


def read_under_load(address: str, world: World, seconds: int) -> None:
    ends = time.monotonic() + seconds
    readers = [threading.Thread(target=reader, args=(address, world, ends)) for _ in range(READERS)]
    for thread in readers:
        thread.start()
    while time.monotonic() < ends:
        change(world)
        time.sleep(0.05)
    for thread in readers:
        thread.join()
    print(f"{READERS} readers, {seconds} s: {dict(sorted(world.counts.items()))}")
    print(f"faults: {len(world.faults)} {world.faults[:5]}", flush=True)


def change(world: World) -> None:
    from audit.actors import Actor
    from memory.stopping import resume_store, stop_store
    from reviews.ballots import DecisionRefused

    actor, chance = Actor.system("benchmark"), random.random()
    store = random.choice(world.stores)
    store.refresh_from_db()
    if chance < 0.1 and store.stopped_at is None:
        stop_store(store_id=store.pk, actor=actor, reason="Trying.")
        world.counts["stops"] += 1
    elif store.stopped_at is not None:
        resume_store(store_id=store.pk, actor=actor, reason="Done.")
    try:
        approve(world)
    except DecisionRefused:
        world.counts["refused by a stop"] += 1


def reader(address: str, world: World, ends: float) -> None:
    """Reads with a key of its own; now and then the key is revoked, and must be refused within a second."""
    from django.db import connection as database

    from audit.actors import Actor
    from sessions.services import revoke_key

    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    key, text = new_key(world, "read")
    seen: dict[str, int] = {}
    tag = ""
    while time.monotonic() < ends:
        if random.random() < 0.002:
            revoke_key(key=key, by=Actor.system("benchmark"))
            refused_within_a_second(connection, world, text)
            key, text = new_key(world, "read")
        headers = {"Authorization": f"Bearer {text}"} | (
            {"If-None-Match": tag} if tag and random.random() < 0.5 else {}
        )
        published = dict(world.published)
        status, answer_headers, body = ask(connection, "GET", PATH, headers)
        world.counts[f"reads {status}"] += 1
        tag = answer_headers["ETag"] or tag
        if status == 200:
            check(world, json.loads(body), seen, time.monotonic())
        elif status != 304:
            world.faults.append(f"status {status}: {body[:200]!r}")
        if late := {name for name, revision in published.items() if seen.get(name, 0) < revision}:
            world.faults.append(f"{status}: {late} of {published} were published before, and {seen} was answered")
    database.close()


def refused_within_a_second(connection: http.client.HTTPConnection, world: World, text: str) -> None:
    since = time.monotonic()
    status = 200
    while status != 401:
        asked = time.monotonic()
        status, _, _ = ask(connection, "GET", PATH, {"Authorization": f"Bearer {text}"})
        if status != 401 and asked - since > 1:
            world.faults.append("a revoked key was answered after a second")
            return
    world.counts["revoked"] += 1


def check(world: World, answer: dict[str, Any], seen: dict[str, int], now: float) -> None:
    for store in answer["stores"]:
        if store["revision"] < seen.get(store["store"], 0):
            world.faults.append(f"{store['store']} went back from {seen[store['store']]} to {store['revision']}")
        seen[store["store"]] = store["revision"]
        if len(store["memories"]) != store["revision"]:
            world.faults.append(f"revision {store['revision']} with {len(store['memories'])} memories")
        for memory in store["memories"]:
            if not world.approved.get(memory["content"], now + 1) < now:
                world.faults.append(f"not approved: {memory['content']}")


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    for last in (False, True):
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (http.client.HTTPException, OSError):  # a kept connection that the server closed meanwhile
            connection.close()
            if last:
                raise
    raise AssertionError


def send_too_much(address: str, world: World, seconds: int) -> None:
    """Senders that never wait: what was acknowledged must be there."""
    from sessions.models import Event, Session

    counts: Counter[int] = Counter()
    acknowledged: list[str] = []
    ends = time.monotonic() + seconds

    def sender(number: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        _, text = new_key(world, "ingest")
        headers = {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}
        sent = 0
        while time.monotonic() < ends:
            sent += 1
            session_id = f"s-{number}-{sent}"
            status, answer, body = ask(connection, "POST", "/api/v1/sessions", headers, session(session_id))
            counts[status] += 1
            if status in (200, 201):
                acknowledged.append(session_id)
            elif status == 429 and not answer["Retry-After"]:
                world.faults.append("429 without Retry-After")
            elif status != 429:
                world.faults.append(f"status {status}: {body[:200]!r}")

    senders = [threading.Thread(target=sender, args=(number,)) for number in range(SENDERS)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
    kept = set(Session.objects.values_list("external_id", flat=True))
    lost = set(acknowledged) - kept
    events = Event.objects.count()
    whole = events == EVENTS * len(kept)
    print(f"{SENDERS} senders, {seconds} s: {dict(counts)}; {len(acknowledged) / seconds:.0f} sessions/s kept")
    print(f"acknowledged {len(acknowledged)}, lost {len(lost)}, every session whole: {whole}")
    print(f"faults: {len(world.faults)} {world.faults[:5]}")


def session(session_id: str) -> bytes:
    events = [{"seq": seq, "type": "message", "role": "agent", "text": f"Step {seq} of it."} for seq in range(EVENTS)]
    return json.dumps({"id": session_id, "agent": "teller", "events": events}).encode()


if __name__ == "__main__":
    main()
