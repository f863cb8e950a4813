"""How fast agents read, beside a bare Django view that sends the same bytes from one SELECT, through the same gunicorn:
`.venv/bin/python -m benchmarks.reads [--memories 100 1000]`

Both are asked in turn, by the same clients on kept connections, in one run: as they are, and with the ETag (304). The
clients write and read plain sockets, as two cores carry them and the server: a costlier client would measure itself.
"""

import argparse
import http.client
import os
import re
import socket
import statistics
import threading
import time
from typing import NoReturn
from urllib.parse import urlsplit

from benchmarks.deployment import deployment

ROUNDS = 5
REQUESTS = 1000
CLIENTS = 4
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
PATH = "/api/v1/agents/teller/memory"
TEXT = "Close the ledger before you post into it; a locked ledger refuses, and a second try makes a double. " * 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--memories", type=int, nargs="+", default=[100, 1000], help="of 500 bytes each")
    given = parser.parse_args()
    with deployment("benchmarks.reads_urls") as address:
        key = prepare()
        headers = {"Authorization": f"Bearer {key}"}
        for memories in sorted(given.memories):
            approve(memories)
            first, body = ask(address, PATH, headers)
            keep(body)
            cases = {
                "bare view, one SELECT": ("/bare", {}),
                "read": (PATH, headers),
                "read, 304": (PATH, headers | {"If-None-Match": first["ETag"]}),
            }
            report(address, cases)


def prepare() -> str:
    """A reviewer, and an agent with an empty store; the agent's key."""
    from django.contrib.auth.models import Group, User

    from audit.actors import Actor
    from memory.agents import create_agent
    from memory.services import create_store
    from sessions.models import ApiKey
    from sessions.services import issue_key

    actor = Actor.system("benchmark")
    User.objects.create_user("rita").groups.set(Group.objects.filter(name="reviewer"))
    agent = create_agent(slug="teller", stores=[create_store(name="ledger", actor=actor)], actor=actor)
    key, text = issue_key(agent=agent, scopes=["read"], issued_by=actor)
    ApiKey.objects.filter(pk=key.pk).update(per_minute=10_000_000)
    return text


def approve(memories: int) -> None:
    """So many memories are live, each decided by a person."""
    from django.contrib.auth.models import User

    from audit.actors import Actor
    from audit.checkpoints import make_checkpoint
    from memory.models import MemoryStore
    from memory.services import Draft, submit_proposal
    from reviews.ballots import Ballot
    from reviews.services import decide

    rita, store = User.objects.get(username="rita"), MemoryStore.objects.get(name="ledger")
    for number in range(store.revision, memories):
        draft = Draft(
            "create", f"/tools/lesson-{number:04}.md", f"{number}. {TEXT}"[:500], "written", "A lesson", "Told."
        )
        proposal = submit_proposal(store=store, draft=draft, source="person", proposer=Actor.system("benchmark"))
        decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", proposal.digest, "It is right."))
    make_checkpoint()


def keep(body: bytes) -> None:
    """The bare view's table, made as the owner and readable for the application."""
    import psycopg

    from dreaming import embedded

    with psycopg.connect(embedded.owner_database_url().replace("postgres://", "postgresql://")) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS benchmark_answer (body bytea NOT NULL)")
        owner.execute("TRUNCATE benchmark_answer")
        owner.execute("INSERT INTO benchmark_answer VALUES (%s)", [body])
        owner.execute("GRANT SELECT ON benchmark_answer TO PUBLIC")


def ask(address: str, path: str, headers: dict[str, str]) -> tuple[http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status in (200, 304), (answer.status, body)
    return answer.headers, body


def report(address: str, cases: dict[str, tuple[str, dict[str, str]]]) -> None:
    seconds: dict[str, list[float]] = {label: [] for label in cases}
    times: dict[str, list[float]] = {label: [] for label in cases}
    for path, headers in cases.values():
        run(address, path, headers, [])
    for _ in range(ROUNDS):
        for label, (path, headers) in cases.items():
            seconds[label].append(run(address, path, headers, times[label]))
    bare = statistics.median(seconds["bare view, one SELECT"])
    full = statistics.median(seconds["read"])
    print(f"load {os.getloadavg()[0]:.1f}; {CLIENTS} clients, {ROUNDS} rounds of {REQUESTS} requests each")
    print(f"{'':24}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'x bare':>9}{'x read':>9}{'body':>10}")
    for label, (path, headers) in cases.items():
        took = statistics.median(seconds[label])
        sorted_times = sorted(times[label])
        p50, p99 = (sorted_times[int(len(sorted_times) * share)] * 1_000 for share in (0.5, 0.99))
        size = len(ask(address, path, headers)[1])
        print(
            f"{label:24}{REQUESTS / took:>11,.0f}{p50:>9.1f}{p99:>9.1f}{took / bare:>9.2f}{took / full:>9.2f}{size:>10,}"
        )


def run(address: str, path: str, headers: dict[str, str], times: list[float]) -> float:
    """Seconds for `REQUESTS` requests by `CLIENTS` clients; adds the time of each to `times`."""
    ready = threading.Barrier(CLIENTS + 1)

    host = urlsplit(address)
    lines = [f"GET {path} HTTP/1.1", f"Host: {host.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
    request = "\r\n".join([*lines, "", ""]).encode()

    def client() -> None:
        with socket.create_connection((host.hostname, host.port)) as connection:
            ready.wait()
            for _ in range(REQUESTS // CLIENTS):
                began = time.perf_counter()
                connection.sendall(request)
                receive(connection)
                times.append(time.perf_counter() - began)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in clients:
        thread.join()
    return time.perf_counter() - began


def receive(connection: socket.socket) -> None:
    """Read one answer to its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536) or stop("The server closed the connection.")
    head, _, body = received.partition(b"\r\n\r\n")
    status, length = head[9:12], LENGTH.search(head)
    if status not in (b"200", b"304"):
        stop(received.decode())
    left = int(length[1]) - len(body) if status == b"200" and length else 0
    while left > 0:
        left -= len(connection.recv(min(left, 1_000_000)))


def stop(reason: str) -> NoReturn:
    raise SystemExit(reason)


if __name__ == "__main__":
    main()
