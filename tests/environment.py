"""Loaded by pytest (`-p tests.environment`) before Django's settings: the tests' own data folder and server.

The login is the owner's, because it creates the test databases; the tests then act as `daylight_app`
(conftest.py), so that whatever passes here passes with the application's rights.
"""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

os.environ["DAYLIGHT_DATA"] = os.environ.get("DAYLIGHT_TEST_DATA", str(CHECKOUT / ".daylight-test"))
os.environ["DAYLIGHT_DB_FAST"] = "1"
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in the thread of the test
for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
    os.environ.pop(name, None)

from dreaming import embedded  # noqa: E402  (the environment comes first)

os.environ["DATABASE_URL"] = embedded.owner_database_url()
