"""What the roles of the application and of auditors may do, applied after every `migrate` so that new tables are covered too."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections, transaction

SQL = Path(__file__).parent / "sql"
APP_ROLE = "daylight_app"
AUDITOR_ROLE = "daylight_auditor"

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
    "reviews_signature",
    "reviews_waiver",
    "reviews_rereview",
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

# What lets somebody in, by table; an auditor reads the other columns. `*` is the whole table.
SECRETS = {
    "auth_user": ("password",),
    "agent_sessions_apikey": ("secret_hash",),
    "mfa_authenticator": ("data",),
    "django_session": ("*",),
    "django_cache": ("*",),
    "reviews_reviewsettings": ("webhook_url",),
    "reviews_historicalreviewsettings": ("webhook_url",),
    "reviews_signature": ("nonce",),
    "reviews_signingpassword": ("password",),
}


# Functions that run with the owner's rights: the application may call them, nobody else.
DOORS = ("daylight_erase_v1(bigint)", "daylight_erase_v2(bigint)")


def apply_grants(using: str = "default", **_: Any) -> None:
    """Give both roles their rights. Idempotent; needs the schema's owner, as `migrate` does."""
    call_command("createcachetable", database=using, verbosity=0)
    introspection = connections[using].introspection
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for file in ("grants_v1.sql", "auditor_v1.sql"):
            cursor.execute((SQL / file).read_text())
        present = set(introspection.table_names(cursor))
        for table in present.intersection(REFUSED):
            cursor.execute(f'REVOKE {", ".join(REFUSED[table])} ON "{table}" FROM {APP_ROLE}')
        for table in present.intersection(SECRETS):
            cursor.execute(f'REVOKE SELECT ON "{table}" FROM {AUDITOR_ROLE}')  # noqa: S608 (constants)
            columns = [column.name for column in introspection.get_table_description(cursor, table)]
            if open_to_all := [f'"{name}"' for name in columns if not {name, "*"}.intersection(SECRETS[table])]:
                cursor.execute(f'GRANT SELECT ({", ".join(open_to_all)}) ON "{table}" TO {AUDITOR_ROLE}')
        for door in DOORS:
            cursor.execute("SELECT to_regprocedure(%s)", [door])
            if cursor.fetchone()[0]:
                cursor.execute(f"GRANT EXECUTE ON FUNCTION {door} TO {APP_ROLE}")
