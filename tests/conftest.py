from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import hypothesis
import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection
from django.test import TransactionTestCase

from audit.checkpoints import newest_within
from audit.roles import ensure_groups
from dreaming.databases import APP_ROLE
from reviews.models import ReviewSettings
from tests.browser import chromium
from tests.signers import HALF_MINUTE

# For tests that walk at random, when there is time: `--hypothesis-profile=long`.
hypothesis.settings.register_profile("long", max_examples=260, stateful_step_count=50)
# Argon2 is slow on purpose; hundreds of test users need not pay for it.
FAST_HASHER = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Test databases are created as the owner."""
    connection.settings_dict["OPTIONS"].pop("assume_role", None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """Everything after the migrations runs with the application's rights."""
    connection.settings_dict["OPTIONS"]["assume_role"] = APP_ROLE
    with django_db_blocker.unblock():
        connection.close()
    yield
    with django_db_blocker.unblock():
        connection.close()
    connection.settings_dict["OPTIONS"].pop("assume_role")


def truncate_everything(self: TransactionTestCase) -> None:
    """Django's flush, as the owner with triggers off: append-only tables refuse the application's TRUNCATE."""
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET session_replication_role = replica")
        # A page that a browser left open may still be asking: one of the two gives way, so this asks again.
        for last in (False, False, False, True):
            try:
                cursor.execute(f"TRUNCATE {', '.join(map(connection.ops.quote_name, tables))} RESTART IDENTITY CASCADE")
                break
            except OperationalError:
                if last:
                    raise
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(f"SET ROLE {APP_ROLE}")
    ensure_groups()


TransactionTestCase._fixture_teardown = truncate_everything


@pytest.fixture(autouse=True)
def fast_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = FAST_HASHER


@pytest.fixture(autouse=True)
def no_checkpoint_is_remembered() -> None:
    """A process keeps the newest one for some seconds: longer than a test lasts."""
    newest_within.cache_clear()


@pytest.fixture(autouse=True)
def nobody_is_drawn(monkeypatch) -> None:
    """Chance decides whom the desk shows evidence first; a test that is about that sets the share."""
    monkeypatch.setattr(ReviewSettings._meta.get_field("blind_share"), "default", 0)


@pytest.fixture(autouse=True)
def codes_stand_still(monkeypatch) -> None:
    """It is always the same half-minute: `tests.signers.code()` knows its code."""
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.yield_hotp_counters_from_time", lambda: iter([HALF_MINUTE]))


@pytest.fixture(autouse=True)
def groups(request: pytest.FixtureRequest) -> None:
    """A transactional test before this one may have emptied the tables."""
    if (
        "db" in request.fixturenames
        or "transactional_db" in request.fixturenames
        or "live_server" in request.fixturenames
    ):
        request.getfixturevalue(
            "transactional_db"
            if "transactional_db" in request.fixturenames or "live_server" in request.fixturenames
            else "db"
        )
        ensure_groups()


def run_apart(what: Callable[[], Awaitable[Any]]) -> Any:
    """Run it in a thread of its own: after a browser test there is a loop in this one already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, what).result()


def make_user(username: str, *roles: str) -> User:
    user = User.objects.create_user(username, password=f"{username}-password")
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


@pytest.fixture
def rita(db) -> User:
    """A reviewer."""
    return make_user("rita", "reviewer")


@pytest.fixture
def ruth(db) -> User:
    """A second reviewer."""
    return make_user("ruth", "reviewer")


@pytest.fixture
def adam(db) -> User:
    """An admin."""
    return make_user("adam", "admin")


@pytest.fixture
def aude(db) -> User:
    """An auditor."""
    return make_user("aude", "auditor")


@pytest.fixture
def oscar(db) -> User:
    """An outsider: signed in, without a role."""
    return make_user("oscar")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return {
        **browser_type_launch_args,
        "executable_path": chromium.executable_path(),
        "args": chromium.launch_args(),
    }
