"""System checks that look into the database: a dropped trigger is invisible to `makemigrations --check`."""

from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

# The migration that made it, the table, the trigger.
TRIGGERS = [
    (("audit", "0002_append_only"), "audit_entry", "audit_entry_append_only_v1"),
    (("memory", "0002_guards"), "memory_memoryversion", "memoryversion_append_only_v1"),
    (("memory", "0002_guards"), "memory_evidence", "evidence_append_only_v1"),
    (("memory", "0002_guards"), "memory_proposal", "proposal_frozen_v1"),
    (("reviews", "0002_decisions"), "reviews_decision", "decision_append_only_v1"),
    (("reviews", "0002_decisions"), "memory_memoryversion", "memoryversion_needs_decision_v1"),
]


@register(Tags.database)
def guards_are_in_place(databases: list[str] | None = None, **_: Any) -> list[Error]:
    """Every trigger that carries a promise, and whose migration ran, exists and is enabled."""
    errors = []
    for alias in databases or []:
        applied = MigrationRecorder(connections[alias]).applied_migrations()
        present = _enabled_triggers(alias)
        errors += [
            Error(
                f"trigger {trigger} on {table} is missing or disabled",
                hint=f"Somebody removed it. Find out who, and restore it from {migration[0]}/sql/.",
                id="audit.E001",
            )
            for migration, table, trigger in TRIGGERS
            if migration in applied and (table, trigger) not in present
        ]
    return errors


def _enabled_triggers(alias: str) -> set[tuple[str, str]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        )
        return set(cursor.fetchall())
