"""Which PostgreSQL, and as whom.

The application logs in as (or assumes) the role `daylight_app`, which may only INSERT and SELECT on the
record. Only the commands that change the schema run as the owner.
"""

import sys
from typing import Any

import environ

from dreaming import embedded

APP_ROLE = "daylight_app"
OWNER_COMMANDS = {"migrate", "flush"}


def connection(env: environ.FileAwareEnv, *, command: str) -> dict[str, Any]:
    """Django's settings of the one database.

    `DATABASE_URL` names the login of the application, `DATABASE_OWNER_URL` that of the schema's owner.
    With the first alone, one login serves for both and the application assumes the lesser role;
    with neither, the embedded server is started.
    """
    url = env.str("DATABASE_URL", default="").strip()
    owner_url = env.str("DATABASE_OWNER_URL", default="").strip()
    if not url:
        url, owner_url = embedded.app_database_url(), embedded.owner_database_url()
    as_owner = command in OWNER_COMMANDS
    config = env.db_url_config(owner_url if as_owner and owner_url else url)
    config |= {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    # Statements are prepared where the code says so, and never because they were repeated.
    config.setdefault("OPTIONS", {})["prepare_threshold"] = sys.maxsize
    if not as_owner and not owner_url:
        config["OPTIONS"]["assume_role"] = APP_ROLE
    return config
