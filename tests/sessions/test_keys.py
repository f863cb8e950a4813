"""Keys are issued once, kept as hashes, and end when they are revoked."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Entry
from sessions.models import ApiKey
from sessions.services import issue_key, revoke_key
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
    assert issued.data == {"agent": "alice-bot", "scopes": ["ingest"], "expires_at": None}
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
        (("alice-bot", "--scopes", "decide"), "There is no scope decide. Valid scopes: ingest, read."),
        (("alice-bot", "--scopes", ","), "--scopes is empty. Valid scopes: ingest, read."),
        (("alice-bot", "--scopes", "read", "--expires", "soon"), "--expires soon: write a number of days such as 90d"),
    ],
)
def test_the_command_says_what_is_wrong(args, reason):
    make_agent("alice-bot")
    with pytest.raises(CommandError, match=reason):
        issue(*args)
    assert not ApiKey.objects.exists()
