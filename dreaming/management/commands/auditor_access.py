"""`manage.py auditor_access`: how somebody who may only look logs in to the database; `--psql` does it."""

import subprocess
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.grants import AUDITOR_ROLE
from dreaming import embedded, postgres
from dreaming.processes import is_external

ELSEWHERE = f"""The database is the one that DATABASE_URL names. The role {AUDITOR_ROLE} is there and may only look;
let it log in as your PostgreSQL lets people in, such as, as the owner:
  ALTER ROLE {AUDITOR_ROLE} LOGIN PASSWORD '…';
Then: psql postgresql://{AUDITOR_ROLE}@HOST/{{database}}"""


class Command(BaseCommand):
    help = "Print the connection of the role that reads everything but secrets, and writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--psql", action="store_true", help="open psql on it")

    def handle(self, *, psql: bool, **_: Any) -> None:
        if is_external("DATABASE_URL"):
            if psql:
                raise CommandError("--psql is for the embedded server.")
            self.stdout.write(ELSEWHERE.format(database=settings.DATABASES["default"]["NAME"]))
            return
        url = embedded.auditor_database_url()
        if psql:
            raise SystemExit(subprocess.run([postgres.program("psql"), url], check=False).returncode)  # noqa: S603
        self.stdout.write(f"{postgres.program('psql')} '{url}'")
        self.stdout.write("Only as the user that Daylight runs as: the server asks the system who you are.")
