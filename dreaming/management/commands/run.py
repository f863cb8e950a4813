"""`manage.py run`: everything that Daylight needs, in the foreground."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from dreaming import processes


class Command(BaseCommand):
    help = "Start the database, the broker, the web server, a worker and the scheduler. Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        names = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
        sys.exit(
            processes.run(
                host=os.environ.get("DAYLIGHT_HOST", "127.0.0.1"),
                port=os.environ.get("DAYLIGHT_PORT", "8000"),
                site_name=names[0] if names else "localhost",
            )
        )
