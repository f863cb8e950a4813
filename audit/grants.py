"""What the application's role may do, applied after every `migrate` so that new tables are covered too."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

GRANTS = Path(__file__).parent / "sql" / "grants_v1.sql"

# Tables on which the application may only INSERT and SELECT.
APPEND_ONLY = ("audit_entry", "memory_memoryversion", "memory_evidence", "reviews_decision")


def apply_grants(using: str = "default", **_: Any) -> None:
    """Give `daylight_app` its rights. Idempotent; needs the schema's owner, as `migrate` does."""
    call_command("createcachetable", database=using, verbosity=0)
    with connections[using].cursor() as cursor:
        cursor.execute(GRANTS.read_text())
        present = set(connections[using].introspection.table_names(cursor))
        for table in present.intersection(APPEND_ONLY):
            cursor.execute(f'REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM daylight_app')
