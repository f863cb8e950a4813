"""The embedded servers start by themselves, are shared, stop with their last user, and heal."""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from dreaming import datafolder, embedded, postgres

CHECKOUT = Path(__file__).resolve().parent.parent
HOLD = """
import sys, time
from dreaming import embedded
started = time.monotonic()
print(embedded.app_database_url(), embedded.owner_database_url(), time.monotonic() - started, flush=True)
sys.stdin.read()
"""


class Folder:
    """A data folder, and the processes that use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.home = path / "postgres"
        self.holders: list[subprocess.Popen[str]] = []

    def begin(self, **environment: str) -> subprocess.Popen[str]:
        """A process that asks for the database and holds on to it until its input ends."""
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD],
            cwd=CHECKOUT,
            env=os.environ | {"DAYLIGHT_DATA": str(self.path), "DAYLIGHT_DB_FAST": "1"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.holders.append(holder)
        return holder

    def hold(self, **environment: str) -> "Holder":
        return Holder(self.begin(**environment))

    def servers(self) -> list[psutil.Process]:
        return postgres.postmasters(self.home)

    def clear(self) -> None:
        for holder in self.holders:
            holder.kill()
            holder.communicate()
        for process in postgres._processes(self.home):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(postgres._processes(self.home), timeout=5)
        shutil.rmtree(self.path)


class Holder:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        answer = process.stdout.readline().split()
        assert answer, process.communicate()[1]
        self.app_url, self.owner_url, seconds = answer
        self.seconds = float(seconds)

    def leave(self) -> None:
        _, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, errors

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def new_folder() -> Folder:
    return Folder(Path(tempfile.mkdtemp(prefix="daylight-test-")).resolve())


@pytest.fixture(scope="session")
def template() -> Iterator[Folder]:
    folder = new_folder()
    folder.hold().leave()
    yield folder
    folder.clear()


@pytest.fixture
def folder(template) -> Iterator[Folder]:
    """A data folder that was used before; its server is stopped."""
    folder = new_folder()
    subprocess.run(["cp", "-Rp", f"{template.path}/.", str(folder.path)], check=True)
    yield folder
    folder.clear()


@pytest.fixture
def empty_folder() -> Iterator[Folder]:
    folder = new_folder()
    yield folder
    folder.clear()


def ask(url: str, question: str) -> tuple:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(question).fetchone()


def tell(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


# --- Starting and sharing


def test_the_urls_are_two_roles_of_one_database(folder):
    holder = folder.hold()
    who = "SELECT current_user, current_database(), current_setting('server_version_num')::int / 10000"
    assert ask(holder.app_url, who) == ("daylight_app", "daylight", 18)
    assert ask(holder.owner_url, who) == ("postgres", "daylight", 18)
    assert ask(holder.app_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == (False,)


def test_starters_at_once_share_one_server_and_the_last_one_out_stops_it(empty_folder):
    starters = [empty_folder.begin() for _ in range(4)]
    holders = [Holder(starter) for starter in starters]
    assert len({holder.app_url for holder in holders}) == 1
    assert len(empty_folder.servers()) == 1
    for holder in holders[:-1]:
        holder.leave()
        assert len(empty_folder.servers()) == 1
    assert ask(holders[-1].app_url, "SELECT 1") == (1,)
    holders[-1].leave()
    assert empty_folder.servers() == []


def test_a_running_server_is_found_in_less_than_a_second(folder):
    folder.hold()
    assert folder.hold().seconds < 1


def test_a_killed_user_does_not_keep_the_server_up(folder):
    killed, last = folder.hold(), folder.hold()
    killed.kill()
    last.leave()
    assert folder.servers() == []


def test_a_server_whose_users_were_all_killed_is_taken_over_and_stopped(folder):
    folder.hold().kill()
    server = folder.servers()
    holder = folder.hold()
    assert folder.servers() == server
    holder.leave()
    assert folder.servers() == []


def test_two_folders_have_two_servers(folder, empty_folder):
    here, there = folder.hold(), empty_folder.hold()
    tell(here.owner_url, "CREATE TABLE only_here ()")
    assert ask(there.owner_url, "SELECT to_regclass('only_here')") == (None,)
    here.leave()
    assert ask(there.owner_url, "SELECT 1") == (1,)


def test_variables_meant_for_other_databases_change_nothing(folder):
    holder = folder.hold(PGPORT="6000", PGHOST="elsewhere", PGDATA="/nowhere", PGUSER="nobody", LC_ALL="xx_XX")
    assert ask(holder.app_url, "SELECT current_user") == ("daylight_app",)


def test_a_path_too_long_or_too_odd_for_a_socket_gets_a_private_short_one(empty_folder):
    deep = Folder(empty_folder.path / 'it\'s a "$HOME", really' / ("d" * 100))
    try:
        holder = deep.hold()
        assert ask(holder.app_url, "SELECT current_user") == ("daylight_app",)
        sockets = datafolder.socket_dir(deep.home)
        assert sockets != deep.home
        assert sockets.stat().st_mode & 0o777 == 0o700
        holder.leave()
        assert not sockets.exists()
    finally:
        deep.clear()


def test_a_short_socket_folder_that_others_can_enter_is_refused(empty_folder):
    deep = Folder(empty_folder.path / ("d" * 100))
    sockets = datafolder.socket_dir(deep.home)
    sockets.mkdir()
    sockets.chmod(0o777)
    try:
        _, complaint = deep.begin().communicate()
        assert "is not private to us" in complaint.splitlines()[-1]
        assert "Traceback" not in complaint
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
        deep.clear()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_not_let_in_even_where_the_socket_can_be_reached(folder):
    holder = folder.hold()
    assert folder.home.stat().st_mode & 0o777 == 0o700
    folder.home.chmod(0o711)
    (folder.home / ".s.PGSQL.5432").chmod(0o777)
    child = os.fork()
    if child == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        try:
            psycopg.connect(holder.app_url)
            os._exit(1)
        except psycopg.OperationalError as error:
            os._exit(0 if "Peer authentication failed" in str(error) else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- Healing


@pytest.mark.parametrize(
    "left_behind",
    [
        pytest.param(lambda: "", id="empty"),
        pytest.param(lambda: "not a number\n" * 8, id="garbage"),
        pytest.param(lambda: f"{dead_pid()}\n" * 8, id="of a dead process"),
        pytest.param(lambda: f"{os.getpid()}\n" * 8, id="of a process that is no server"),
    ],
)
def test_a_stale_pid_file_is_no_obstacle(folder, left_behind):
    holder = folder.hold()
    tell(holder.owner_url, "CREATE TABLE kept ()")
    holder.leave()
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (folder.home / name).write_text(left_behind())
    assert ask(folder.hold().owner_url, "SELECT to_regclass('kept')::text") == ("kept",)


def test_a_running_server_whose_pid_file_was_cut_short_is_replaced(folder):
    folder.hold()
    [old] = folder.servers()
    (folder.home / "postmaster.pid").write_text("")
    holder = folder.hold()
    [new] = folder.servers()
    assert new != old
    assert ask(holder.app_url, "SELECT 1") == (1,)


def test_a_killed_server_recovers_with_what_was_committed(folder):
    holder = folder.hold()
    tell(holder.owner_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    [server] = folder.servers()
    server.kill()
    assert ask(folder.hold().owner_url, "SELECT answer FROM kept") == (42,)


def test_a_server_still_recovering_is_waited_for(folder):
    holder = folder.hold()
    tell(holder.owner_url, "CREATE TABLE kept AS SELECT generate_series(1, 300000) AS n")
    [server] = folder.servers()
    server.kill()
    holders = [Holder(starter) for starter in [folder.begin() for _ in range(3)]]
    assert [ask(each.owner_url, "SELECT count(*) FROM kept") for each in holders] == [(300000,)] * 3
    assert len(folder.servers()) == 1


def test_a_half_made_cluster_is_made_anew(empty_folder):
    unfinished = empty_folder.path / "postgres.new"
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    assert ask(empty_folder.hold().app_url, "SELECT 1") == (1,)
    assert not unfinished.exists()


def test_a_start_killed_at_any_moment_leaves_nothing_that_stops_the_next(empty_folder):
    for delay in (0.3, 0.5, 0.7, 0.9, 1.1):
        starter = empty_folder.begin()
        time.sleep(delay)
        starter.kill()
        starter.communicate()
    assert ask(empty_folder.hold().app_url, "SELECT current_user") == ("daylight_app",)


def test_a_folder_that_holds_no_cluster_is_set_aside_not_deleted(empty_folder):
    empty_folder.home.mkdir()
    (empty_folder.home / "notes.txt").write_text("mine")
    assert ask(empty_folder.hold().app_url, "SELECT 1") == (1,)
    [aside] = empty_folder.path.glob("postgres.broken-*")
    assert (aside / "notes.txt").read_text() == "mine"


def test_a_cluster_that_cannot_start_is_reported_and_left_alone(folder):
    folder.hold().leave()
    settings = folder.home / "postgresql.conf"
    settings.write_text(settings.read_text() + "\nshared_buffers = 'plenty'\n")
    _, complaint = folder.begin().communicate()
    assert "PostgreSQL did not start" in complaint
    assert "plenty" in complaint
    assert "Traceback" not in complaint
    assert (folder.home / "global" / "pg_control").exists()
    settings.write_text(settings.read_text().replace("shared_buffers = 'plenty'", ""))
    assert ask(folder.hold().app_url, "SELECT 1") == (1,)


# --- Valkey and secrets


@pytest.fixture
def broker_folder(folder, monkeypatch) -> Path:
    monkeypatch.setenv("DAYLIGHT_DATA", str(folder.path))
    return folder.path


def test_celery_s_transport_talks_to_the_broker_at_its_url(broker_folder):
    from kombu import Connection

    server = embedded.start_valkey()
    try:
        with Connection(embedded.redis_url()) as connection:
            queue = connection.SimpleQueue("daylight-test")
            queue.put({"answer": 42})
            assert queue.get(timeout=5).payload == {"answer": 42}
            queue.close()
    finally:
        embedded.stop_valkey(server)


def test_a_broker_left_by_a_killed_run_is_replaced_with_its_tasks(broker_folder):
    left = embedded.start_valkey()
    embedded._valkey(b"SET task 42")
    server = embedded.start_valkey()
    try:
        assert left.wait(5) == 0
        assert embedded._valkey(b"GET task") == b"$2\r\n42\r\n"
    finally:
        embedded.stop_valkey(server)


def test_a_broker_that_cannot_read_its_files_starts_empty_and_keeps_them(broker_folder):
    embedded.stop_valkey(embedded.start_valkey())
    [manifest] = (broker_folder / "valkey" / "appendonlydir").glob("*.manifest")
    manifest.write_text("garbage\n")
    server = embedded.start_valkey()
    try:
        assert embedded._valkey(b"PING") == b"+PONG\r\n"
        assert list(broker_folder.glob("valkey.broken-*"))
    finally:
        embedded.stop_valkey(server)


def test_a_secret_is_made_once_and_is_ours_alone(broker_folder):
    first = datafolder.kept_secret("demo-password", nbytes=12)
    assert len(first) >= 16
    assert datafolder.kept_secret("demo-password", nbytes=12) == first
    path = broker_folder / "demo-password"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("")
    assert datafolder.kept_secret("demo-password", nbytes=12) not in ("", first)


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid
