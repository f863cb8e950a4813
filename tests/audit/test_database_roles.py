"""What the logins of the application and of an auditor are refused: each attack on a connection of its own."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from io import StringIO

import psycopg
import pytest
from celery.signals import beat_init, worker_init
from django.core.management import call_command
from django.db import connection

from audit.checks import GUARDS, functions_in, guards_are_in_place, refuse_if_disarmed, triggers_in
from audit.grants import APP_ROLE, APPEND_ONLY, AUDITOR_ROLE, REFUSED, SECRETS
from dreaming import postgres
from tests.audit.test_database_guards import disarmed
from tests.environment import CHECKOUT

pytestmark = pytest.mark.django_db
# App label → package, where they differ.
PACKAGES = {"agent_sessions": "sessions"}


def login(role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.url(role, connection.settings_dict["NAME"]), autocommit=True) as opened:
        opened.execute("SET lock_timeout = '2s'")
        yield opened


def first_columns(opened: psycopg.Connection) -> dict[str, str]:
    """Table → its first column. Asked here, because the tests' own connection would keep the tables locked."""
    rows = opened.execute(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE attnum = 1 AND relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
    )
    return dict(rows.fetchall())


@pytest.fixture
def application(db) -> Iterator[psycopg.Connection]:
    yield from login(APP_ROLE)


@pytest.fixture
def auditor(db) -> Iterator[psycopg.Connection]:
    yield from login(AUDITOR_ROLE)


def against_guards() -> Iterator[str]:
    """An attack on each trigger and each function that the files make and keep."""
    files = [CHECKOUT / PACKAGES.get(app, app) / "sql" / f"{name}.sql" for (app, _), name in GUARDS]
    sql = "".join(file.read_text() for file in files)
    for table, trigger in triggers_in(sql):
        yield f"DROP TRIGGER {trigger} ON {table}"
        yield f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"
    for function in functions_in(sql):
        yield f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN END$$"
        yield f"DROP FUNCTION {function}() CASCADE"


# On every table that only grows; `{t}` is the table.
ON_A_TABLE = [
    "TRUNCATE {t}",
    "DELETE FROM {t}",
    "UPDATE {t} SET {c} = {c}",
    "SELECT * FROM {t} FOR UPDATE",
    "LOCK TABLE {t} IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE {t} DISABLE TRIGGER ALL",
    "ALTER TABLE {t} DISABLE TRIGGER USER",
    "ALTER TABLE {t} RENAME TO gone",
    "ALTER TABLE {t} OWNER TO daylight_app",
    "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {t} DROP COLUMN {c}",
    "ALTER TABLE {t} SET SCHEMA pg_temp",
    "CREATE RULE away AS ON INSERT TO {t} DO INSTEAD NOTHING",
    "CREATE TRIGGER away BEFORE INSERT ON {t} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "GRANT UPDATE ON {t} TO daylight_app; UPDATE {t} SET {c} = {c}",
    "DROP TABLE {t} CASCADE",
    "CREATE TEMPORARY TABLE {t} (LIKE public.{t})",
    "CREATE TEMPORARY VIEW {t} AS SELECT 1",
]
EVERYWHERE = [
    "SET session_replication_role = replica",
    "ALTER ROLE daylight_app SET session_replication_role = replica",
    "ALTER ROLE daylight_app SUPERUSER",
    "ALTER DATABASE {database} SET session_replication_role = replica",
    "ALTER SYSTEM SET session_replication_role = replica",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "GRANT postgres TO daylight_app",
    "CREATE ROLE another SUPERUSER LOGIN",
    "CREATE SCHEMA before_public",
    "CREATE TABLE public.audit_entry_2 (seq bigint)",
    "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT 'epoch'::timestamptz$$",
    "CREATE EVENT TRIGGER away ON sql_drop EXECUTE FUNCTION daylight_append_only_v1()",
    "COPY audit_entry TO PROGRAM 'cat'",
    "COPY audit_entry FROM '/etc/hostname'",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT lo_export(0, '/tmp/x')",
    "DROP OWNED BY postgres",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('audit', '9999', now())",
    "DO $$BEGIN EXECUTE 'SET session_replication_role = replica'; END$$",
]


def refused(login: psycopg.Connection, attack: str) -> None:
    """In a transaction, which `LOCK` needs, but for what cannot be in one."""
    surroundings = nullcontext() if attack.startswith("ALTER SYSTEM") else login.transaction()
    with pytest.raises(psycopg.errors.InsufficientPrivilege), surroundings:
        login.execute(attack)


@pytest.mark.parametrize("table", REFUSED)
def test_the_application_does_nothing_to_the_record_but_add(application, table):
    column = first_columns(application)[table]
    changes = ("UPDATE", "GRANT UPDATE", "SELECT * FROM", "LOCK")
    allowed = {"memory_memory": changes, "audit_legalhold": changes}.get(table, ())
    for attack in ON_A_TABLE:
        if not attack.startswith(allowed or ("nothing",)):
            refused(application, attack.format(t=table, c=column))


@pytest.mark.parametrize("attack", [*EVERYWHERE, *against_guards()])
def test_the_application_does_not_get_round_its_role(application, attack):
    refused(application, attack.format(database=connection.settings_dict["NAME"]) if "{database}" in attack else attack)


def test_an_auditor_reads_every_table_but_what_lets_people_in(auditor):
    closed = {table for table, columns in SECRETS.items() if columns == ("*",)}
    for table in first_columns(auditor):
        if table in SECRETS:
            refused(auditor, f"SELECT * FROM {table}")
        if table not in closed:
            auditor.execute(f"SELECT count(*) FROM {table}")
    for table, columns in SECRETS.items():
        for column in set(columns) - {"*"}:
            refused(auditor, f"SELECT {column} FROM {table}")
    auditor.execute("SELECT username, last_login FROM auth_user")


# Looks like a secret, and is none: commitments are opened in the record, and these name what was counted or replaced.
NO_SECRETS = {("reviews_seeddraft", "salt"), ("dreaming_dream", "max_tokens")}


def test_no_column_that_sounds_like_a_secret_is_open_to_auditors():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND has_column_privilege(%s, format('public.%%I', table_name)::regclass, column_name, 'SELECT')",
            [AUDITOR_ROLE],
        )
        readable = set(cursor.fetchall())
    sounds = re.compile(r"secret|passw|token|salt|nonce|webhook|private|session_data|session_key|seed$")
    assert {pair for pair in readable if sounds.search(pair[1])} - NO_SECRETS == set()


def test_an_auditor_writes_nothing(auditor):
    for table, column in first_columns(auditor).items():
        for attack in (
            f"INSERT INTO {table} DEFAULT VALUES",
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            refused(auditor, attack)
    for attack in EVERYWHERE:
        refused(auditor, attack.format(database=connection.settings_dict["NAME"]) if "{database}" in attack else attack)


def complaints() -> list[str]:
    return [error.msg for error in guards_are_in_place(databases=["default"])]


def test_an_auditor_who_could_write_is_a_failing_system_check(db):
    with disarmed("GRANT UPDATE (actor_name) ON audit_entry TO daylight_auditor"):
        assert complaints() == ["the role daylight_auditor may UPDATE audit_entry, which it must not"]
    with disarmed("GRANT SELECT ON auth_user TO daylight_auditor"):
        assert complaints() == ["the role daylight_auditor may read password of auth_user, which it must not"]


def gunicorn_starts() -> None:
    """As gunicorn reads its settings and calls the hook."""
    settings: dict = {}
    exec((CHECKOUT / "gunicorn.conf.py").read_text(), settings)
    settings["when_ready"](None)


@pytest.mark.parametrize(
    "start",
    [refuse_if_disarmed, gunicorn_starts, lambda: worker_init.send(sender=None), lambda: beat_init.send(sender=None)],
)
def test_nothing_starts_on_a_database_whose_guards_are_gone(db, start):
    import dreaming.celery  # noqa: F401  (connects the signals)

    with (
        disarmed("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only_v1"),
        pytest.raises(SystemExit, match="does not start(.|\n)*audit_entry_append_only_v1 on audit_entry is missing"),
    ):
        start()


def test_what_is_in_order_starts(db):
    refuse_if_disarmed()


def test_the_command_says_how_an_auditor_logs_in(monkeypatch):
    out = StringIO()
    call_command("auditor_access", stdout=out)
    assert "ALTER ROLE daylight_auditor LOGIN" in out.getvalue(), "the tests name a DATABASE_URL"
    monkeypatch.delenv("DATABASE_URL")
    out = StringIO()
    call_command("auditor_access", stdout=out)
    psql, url = out.getvalue().splitlines()[0].split(" ", 1)
    assert psql.endswith("/psql")
    with psycopg.connect(url.strip("'")) as opened:
        assert opened.execute("SELECT current_user").fetchone() == (AUDITOR_ROLE,)


def test_every_table_that_only_grows_is_attacked():
    assert set(APPEND_ONLY) <= set(REFUSED)
