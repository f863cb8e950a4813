"""Keys are issued once, kept as hashes, and end when they are revoked."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Entry
from sessions.models import ApiKey
from sessions.services import NotRotated, issue_key, revoke_key, rotate_key
from tests.factories import make_agent
from tests.sessions.samples import ADMIN, make_key

pytestmark = pytest.mark.django_db


def test_only_the_hash_of_a_key_is_kept():
    key, text = make_key(label="ci")
    assert text.startswith(f"dl_{key.public_id}_")
    secret = text.split("_", 2)[2]
    assert secret not in str(ApiKey.objects.values().get())
    assert key.matches(secret)
    assert not key.matches(secret[:-1])


def test_issuing_and_revoking_are_on_the_record_without_the_secret():
    key, text = make_key()
    assert revoke_key(key=key, by=ADMIN)
    assert not revoke_key(key=key, by=ADMIN), "the second time nothing happens"
    issued, revoked = Entry.objects.filter(action__startswith="api_key.").order_by("seq")
    assert (issued.action, revoked.action) == ("api_key.issued", "api_key.revoked")
    assert issued.data == {"agent": "alice-bot", "scopes": ["ingest"], "expires_at": None, "replaces": None}
    assert text.split("_", 2)[2] not in bytes(issued.body).decode()
    assert key.revoked_at is not None


@pytest.mark.parametrize("scopes", [[], ["decide"], ["ingest", "root"]])
def test_a_scope_that_is_not_one_is_refused(scopes):
    with pytest.raises(ValueError, match="scopes must be one or more of ingest, read"):
        issue_key(agent=make_agent(), scopes=scopes, issued_by=ADMIN)
    assert not ApiKey.objects.exists()


def issue(*args: str) -> str:
    out = io.StringIO()
    call_command("issue_key", *args, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_key_once():
    make_agent("alice-bot")
    answer = json.loads(issue("alice-bot", "--scopes", "read,ingest", "--expires", "90d", "--json"))
    key = ApiKey.objects.get()
    assert answer == {
        "agent": "alice-bot",
        "key": answer["key"],
        "key_id": key.public_id,
        "scopes": ["ingest", "read"],
        "expires_at": key.expires_at.isoformat(),
    }
    assert abs(key.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    assert "dl_" in issue("alice-bot", "--scopes", "read")


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("bob-bot", "--scopes", "read"), "There is no agent bob-bot. Agents are created when"),
        (
            ("alice-bot", "--scopes", "decide"),
            "There is no scope decide. Valid scopes: ingest, read, propose with an agent.",
        ),
        (("alice-bot", "--scopes", ","), "--scopes is empty. Valid scopes: ingest, read, propose with an agent."),
        (("alice-bot", "--scopes", "read", "--expires", "soon"), "--expires soon: write a number of days such as 90d"),
    ],
)
def test_the_command_says_what_is_wrong(args, reason):
    make_agent("alice-bot")
    with pytest.raises(CommandError, match=reason):
        issue(*args)
    assert not ApiKey.objects.exists()


def test_a_rotated_key_has_the_same_rights_and_the_old_one_goes_on_for_a_while():
    old, _ = make_key(scopes=["ingest", "propose"], label="ci")

    fresh, text = rotate_key(key=old, by=ADMIN, overlap=timedelta(hours=1))

    old.refresh_from_db()
    assert (fresh.agent, fresh.scopes, fresh.label, fresh.replaces) == (old.agent, old.scopes, old.label, old)
    assert text.startswith(f"dl_{fresh.public_id}_")
    assert fresh.expires_at is None
    assert timedelta(minutes=59) < old.expires_at - timezone.now() <= timedelta(hours=1)
    assert Entry.objects.filter(action="api_key.issued").first().data["replaces"] == f"api_key:{old.public_id}"


def test_rotating_never_lengthens_the_life_of_a_key():
    ends = timezone.now() + timedelta(minutes=5)
    old, _ = make_key(expires_at=ends)

    fresh, _ = rotate_key(key=old, by=ADMIN, overlap=timedelta(days=1))

    old.refresh_from_db()
    assert (old.expires_at, fresh.expires_at) == (ends, ends)


def test_what_ended_or_was_rotated_is_not_rotated():
    ended, _ = make_key()
    revoke_key(key=ended, by=ADMIN)
    old, _ = issue_key(agent=ended.agent, scopes=["read"], issued_by=ADMIN)
    rotate_key(key=old, by=ADMIN, overlap=timedelta(days=1))

    for key in (ended, old):
        with pytest.raises(NotRotated, match="has ended or was replaced already"):
            rotate_key(key=key, by=ADMIN, overlap=timedelta(days=1))


def test_a_key_to_manage_stores_is_no_agents():
    assert json.loads(issue("--scopes", "manage", "--json"))["agent"] is None
    with pytest.raises(CommandError, match="Valid scopes: manage without an agent"):
        issue("--scopes", "read")
    with pytest.raises(ValueError, match="ingest, read, propose, not"):
        issue_key(agent=make_agent(), scopes=["manage"], issued_by=ADMIN)


def test_a_key_is_revoked_by_its_id_from_the_command_line():
    key, _ = make_key()
    out = io.StringIO()
    call_command("revoke_key", key.public_id, stdout=out)
    call_command("revoke_key", key.public_id, stdout=out)
    assert out.getvalue().splitlines() == [f"{key} is revoked.", f"{key} was revoked already."]
    with pytest.raises(CommandError, match="There is no key nonsense"):
        call_command("revoke_key", "nonsense")
