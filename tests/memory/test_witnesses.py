"""Agents get the newest signed checkpoint of the record with every read, and can prove with it what is gone later."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import checkpoints
from audit.actors import Actor
from audit.checkpoints import make_checkpoint, newest_within, witness_file
from audit.models import Checkpoint
from sessions.services import issue_key
from tests.factories import make_agent, make_live_memory, make_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def outside(settings, tmp_path) -> None:
    settings.DAYLIGHT_SIGNING_KEYS = str(tmp_path / "signing")
    settings.DAYLIGHT_CHECKPOINTS = str(tmp_path / "checkpoints.jsonl")


@pytest.fixture
def read(client, rita):
    agent = make_agent("teller")
    make_live_memory(make_store("claims", [agent]), rita)
    _, secret = issue_key(agent=agent, scopes=["read"], issued_by=Actor.system("test"))
    return lambda **headers: client.get(
        "/api/v1/agents/teller/memory", headers={"Authorization": f"Bearer {secret}", **headers}
    )


def pass_on() -> None:
    """As if some seconds had passed."""
    newest_within.cache_clear()


def test_before_the_first_checkpoint_there_is_none(read):
    answer = read()
    assert answer.json()["stores"][0]["envelope"] is None
    assert "Daylight-Checkpoint" not in answer.headers


def test_every_answer_carries_the_newest_and_the_etag_stays(read):
    tag = read().headers["ETag"]
    made = make_checkpoint()
    pass_on()

    answer = read()
    unchanged = read(**{"If-None-Match": tag})

    assert answer.headers["ETag"] == tag
    assert unchanged.status_code == 304
    assert (
        json.loads(answer.headers["Daylight-Checkpoint"])
        == made.line
        == json.loads(unchanged.headers["Daylight-Checkpoint"])
    )


def test_it_costs_no_query_for_some_seconds(read, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(checkpoints, "KEPT_SECONDS", 3600)
    make_checkpoint()
    tag = read().headers["ETag"]
    with django_assert_num_queries(0):  # what is served is asked with a prepared statement, which Django does not count
        read(**{"If-None-Match": tag})


def test_what_an_agent_kept_tells_of_entries_that_are_gone(read, tmp_path):
    make_checkpoint()
    kept = tmp_path / "kept by teller.jsonl"
    kept.write_text(read().headers["Daylight-Checkpoint"] + "\n")
    call_command("verify_audit", witness=kept)

    with connection.cursor() as cursor:  # somebody with the owner's rights and the file, who cuts the end off
        cursor.execute("RESET ROLE; SET session_replication_role = replica")
        cursor.execute("DELETE FROM audit_entry WHERE seq > 2; DELETE FROM audit_checkpoint")
        cursor.execute("SET session_replication_role = DEFAULT; SET ROLE daylight_app")
    witness_file().unlink()

    call_command("verify_audit")
    assert not Checkpoint.objects.exists()
    with pytest.raises(CommandError, match="entries are missing, or an old backup was restored"):
        call_command("verify_audit", witness=kept)
