"""What the application's role may do, applied after every `migrate` so that new tables are covered too."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections, transaction

GRANTS = Path(__file__).parent / "sql" / "grants_v1.sql"
APP_ROLE = "daylight_app"

# Tables on which the application may only INSERT and SELECT, and which triggers guard as well.
APPEND_ONLY = (
    "audit_entry",
    "audit_checkpoint",
    "audit_signingkey",
    "audit_salt",
    "audit_erasure",
    "audit_erasedrow",
    "memory_memoryversion",
    "memory_evidence",
    "reviews_decision",
    "reviews_vote",
    "reviews_comment",
    "reviews_seed",
    "reviews_seedanswer",
)

# What the application may not do, by table: events are what quotes stand in, memories what agents read, and an
# escalation asks for two people for good.
REFUSED = dict.fromkeys((*APPEND_ONLY, "agent_sessions_event"), ("UPDATE", "DELETE", "TRUNCATE")) | {
    "memory_memory": ("DELETE", "TRUNCATE"),
    "reviews_escalation": ("UPDATE", "DELETE", "TRUNCATE"),
    "audit_legalhold": ("DELETE", "TRUNCATE"),
}


# Functions that run with the owner's rights: the application may call them, nobody else.
DOORS = ("daylight_erase_v1(bigint)",)


def apply_grants(using: str = "default", **_: Any) -> None:
    """Give `daylight_app` its rights. Idempotent; needs the schema's owner, as `migrate` does."""
    call_command("createcachetable", database=using, verbosity=0)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(GRANTS.read_text())
        present = set(connections[using].introspection.table_names(cursor))
        for table in present.intersection(REFUSED):
            cursor.execute(f'REVOKE {", ".join(REFUSED[table])} ON "{table}" FROM {APP_ROLE}')
        for door in DOORS:
            cursor.execute("SELECT to_regprocedure(%s)", [door])
            if cursor.fetchone()[0]:
                cursor.execute(f"GRANT EXECUTE ON FUNCTION {door} TO {APP_ROLE}")
