"""System checks that look into the database: a disarmed guard is invisible to `makemigrations --check`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.checks import Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from audit.grants import APP_ROLE, AUDITOR_ROLE, REFUSED, SECRETS

# The migration, and the file of triggers and functions that it runs.
GUARDS = [
    (("audit", "0002_append_only"), "append_only_v1"),
    (("audit", "0004_checkpoint_guards"), "checkpoints_v1"),
    (("memory", "0002_guards"), "guards_v1"),
    (("memory", "0005_guards"), "guards_v2"),
    (("memory", "0013_archived_guards"), "archived_v1"),
    (("reviews", "0002_decisions"), "decisions_v1"),
    (("reviews", "0004_desk_guards"), "desk_v1"),
    (("reviews", "0011_edit_guard"), "edit_guard_v1"),
    (("reviews", "0013_signing_guards"), "signatures_v1"),
    (("reviews", "0013_signing_guards"), "waivers_v1"),
    (("audit", "0008_salt_and_erasure_guards"), "salts_v1"),
    (("audit", "0008_salt_and_erasure_guards"), "erasures_v1"),
    (("reviews", "0015_erasure_guards"), "decisions_v2"),
    (("reviews", "0015_erasure_guards"), "erasure_v1"),
    (("reviews", "0016_erasure_of_signatures"), "erasure_v2"),
]

_TRIGGER = re.compile(r"^CREATE (?:CONSTRAINT )?TRIGGER (?P<name>\w+) .*? ON (?P<table>\w+)\s.*?(?=;)", re.S | re.M)
_FUNCTION = re.compile(
    r"^CREATE FUNCTION (?P<name>\w+)\(\) RETURNS trigger LANGUAGE plpgsql"
    r"(?:\s+SET search_path = (?P<path>[\w, ]+?))? AS \$\$(?P<body>.*?)\$\$;",
    re.S | re.M,
)
# Functions that triggers call, and the door that the application calls.
_HELPER = re.compile(
    r"^CREATE FUNCTION (?P<name>\w+)\([^)\n]+\) RETURNS (?:(?!trigger).)+? LANGUAGE \w+(?: \w+)*?(?P<definer> SECURITY DEFINER)?"
    r"\s+SET search_path = (?P<path>[\w, ]+?) AS \$\$(?P<body>.*?)\$\$;",
    re.S | re.M,
)
# What a later file replaces.
_DROPPED_TRIGGER = re.compile(r"^DROP TRIGGER (?P<name>\w+) ON (?P<table>\w+);", re.M)
_DROPPED_FUNCTION = re.compile(r"^DROP FUNCTION (?P<name>\w+)\(", re.M)


def triggers_in(sql: str) -> dict[tuple[str, str], str]:
    """Table and name of each trigger that the text makes and keeps, with its definition in one line."""
    made = {(made["table"], made["name"]): " ".join(made[0].split()) for made in _TRIGGER.finditer(sql)}
    gone = {(dropped["table"], dropped["name"]) for dropped in _DROPPED_TRIGGER.finditer(sql)}
    return {name: definition for name, definition in made.items() if name not in gone}


def functions_in(sql: str) -> dict[str, tuple[str, str]]:
    """The name of each trigger function that the text makes and keeps, with its body and its search path."""
    gone = _dropped_functions(sql)
    made = {made["name"]: (made["body"], made["path"] or "") for made in _FUNCTION.finditer(sql)}
    return {name: function for name, function in made.items() if name not in gone}


def helpers_in(sql: str) -> dict[str, tuple[str, str, bool]]:
    """The name of each other function, with its body, its search path, and whether it runs with its owner's rights."""
    gone = _dropped_functions(sql)
    made = {made["name"]: (made["body"], made["path"], bool(made["definer"])) for made in _HELPER.finditer(sql)}
    return {name: function for name, function in made.items() if name not in gone}


def _dropped_functions(sql: str) -> set[str]:
    return {dropped["name"] for dropped in _DROPPED_FUNCTION.finditer(sql)}


@register(Tags.database)
def guards_are_in_place(databases: list[str] | None = None, **_: Any) -> list[Error]:
    """Every guard whose migration ran is there, is enabled and says what its file says, and no right was given back."""
    checks = (_guard_errors, _right_errors, _auditor_errors)
    return [error for alias in databases or [] for check in checks for error in check(alias)]


def refuse_if_disarmed() -> None:
    """For every process that serves or works, before it does: raises `SystemExit` that names what is wrong."""
    if errors := guards_are_in_place(databases=["default"]):
        wrong = "\n".join(f"  {error.msg} ({error.id})\n    {error.hint}" for error in errors)
        raise SystemExit(f"Daylight does not start: what guards the record is not as it must be.\n{wrong}")


def guard_files(alias: str) -> Iterator[Path]:
    """The files whose migration ran."""
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    for migration, name in GUARDS:
        if migration in applied:
            yield Path(apps.get_app_config(migration[0]).path) / "sql" / f"{name}.sql"


def _guard_errors(alias: str) -> Iterator[Error]:
    triggers, functions, helpers = _triggers(alias), _functions(alias), _helpers(alias)
    files = list(guard_files(alias))
    kept = "".join(file.read_text() for file in files)
    kept_triggers, kept_functions, kept_helpers = triggers_in(kept), functions_in(kept), helpers_in(kept)
    for file in files:
        sql = file.read_text()
        hint = f"Somebody with the owner's rights did this. Find out who, and restore it from {file}."
        for (table, name), definition in triggers_in(sql).items():
            if (table, name) not in kept_triggers:
                continue
            if (table, name) not in triggers:
                yield Error(f"trigger {name} on {table} is missing or disabled", hint=hint, id="audit.E001")
            elif triggers[table, name] != definition:
                yield Error(f"trigger {name} on {table} is not the one of {file.name}", hint=hint, id="audit.E002")
        for name, function in functions_in(sql).items():
            if name in kept_functions and functions.get(name) != function:
                yield Error(f"function {name}() is not the one of {file.name}", hint=hint, id="audit.E003")
        for name, helper in helpers_in(sql).items():
            if name in kept_helpers and helpers.get(name) != helper:
                yield Error(f"function {name}() is not the one of {file.name}", hint=hint, id="audit.E003")


def _right_errors(alias: str) -> Iterator[Error]:
    for table, privilege in _forbidden_rights(alias):
        yield Error(
            f"the role {APP_ROLE} may {privilege} {table}, which it must not",
            hint="Find out who granted it (to the role, or to PUBLIC). `manage.py migrate` takes it from the role.",
            id="audit.E004",
        )


def _auditor_errors(alias: str) -> Iterator[Error]:
    """An auditor who can write is none, and secrets are not theirs."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, right_.name
            FROM pg_class c
            JOIN pg_roles auditor ON auditor.rolname = %s
            CROSS JOIN unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS right_ (name)
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
              AND CASE WHEN right_.name IN ('INSERT', 'UPDATE') THEN has_any_column_privilege(auditor.oid, c.oid, right_.name)
                  ELSE has_table_privilege(auditor.oid, c.oid, right_.name) END
            UNION ALL
            SELECT c.relname, 'read ' || a.attname || ' of'
            FROM unnest(%s::text[], %s::text[]) AS secret (name, part)
            JOIN pg_class c ON c.relname = secret.name AND c.relnamespace = 'public'::regnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            JOIN pg_roles auditor ON auditor.rolname = %s
            WHERE secret.part IN (a.attname, '*') AND has_column_privilege(auditor.oid, c.oid, a.attnum, 'SELECT')
            ORDER BY 1, 2
            """,
            [
                AUDITOR_ROLE,
                [table for table, columns in SECRETS.items() for _ in columns],
                [column for columns in SECRETS.values() for column in columns],
                AUDITOR_ROLE,
            ],
        )
        for table, right in cursor.fetchall():
            yield Error(
                f"the role {AUDITOR_ROLE} may {right} {table}, which it must not",
                hint="Find out who granted it (to the role, or to PUBLIC). `manage.py migrate` takes secrets from the role.",
                id="audit.E005",
            )


def _triggers(alias: str) -> dict[tuple[str, str], str]:
    """The enabled triggers, as the files write them."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT relname, tgname, replace(pg_get_triggerdef(pg_trigger.oid), ' ON public.', ' ON ')"
            " FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND relnamespace = 'public'::regnamespace"
        )
        return {(table, name): definition for table, name, definition in cursor.fetchall()}


def _functions(alias: str) -> dict[str, tuple[str, str]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT proname, prosrc, coalesce(array_to_string(proconfig, ' '), '')"
            " FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND pronargs = 0"
        )
        return {name: (body, config.removeprefix("search_path=")) for name, body, config in cursor.fetchall()}


def _helpers(alias: str) -> dict[str, tuple[str, str, bool]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT proname, prosrc, coalesce(array_to_string(proconfig, ' '), ''), prosecdef"
            " FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND pronargs > 0"
        )
        return {name: (body, path.removeprefix("search_path="), definer) for name, body, path, definer in cursor}


def _forbidden_rights(alias: str) -> list[tuple[str, str]]:
    """Table and right, for each that the application has and must not have.

    Not asked as the owner, which only `migrate` is: it takes them away at its end, and must not be kept from it.
    """
    pairs = [(table, privilege) for table, privileges in REFUSED.items() for privilege in privileges]
    with connections[alias].cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.name, asked.privilege
            FROM unnest(%s::text[], %s::text[]) AS asked (name, privilege)
            JOIN pg_class c ON c.relname = asked.name AND c.relnamespace = 'public'::regnamespace
            JOIN pg_roles app ON app.rolname = %s
            WHERE pg_get_userbyid(c.relowner) <> current_user
              AND CASE asked.privilege
                  WHEN 'UPDATE' THEN has_any_column_privilege(app.oid, c.oid, 'UPDATE')
                  ELSE has_table_privilege(app.oid, c.oid, asked.privilege) END
            ORDER BY 1, 2
            """,
            [[table for table, _ in pairs], [privilege for _, privilege in pairs], APP_ROLE],
        )
        return list(cursor.fetchall())
