"""Migrations in plain SQL: `sql/NAME.sql` forwards, `sql/NAME.down.sql` back."""

from pathlib import Path

from django.db.migrations import RunSQL


def run_sql_file(migration_file: str, name: str) -> RunSQL:
    """The operation that runs `sql/{name}.sql` of the app whose migration file is given (`__file__`)."""
    folder = Path(migration_file).parent.parent / "sql"
    # Lists keep Django from splitting the files into statements, which it does wrongly inside $$.
    return RunSQL([(folder / f"{name}.sql").read_text()], [(folder / f"{name}.down.sql").read_text()])
