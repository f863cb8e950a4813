"""The record holds no words, and no hash that could be tried out: HMACs under salts that are kept beside it."""

import hashlib
import hmac
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit.actors import Actor
from audit.models import Entry, Salt
from audit.salts import hmac_hex, matches
from audit.services import record
from memory.stopping import stop_store
from reviews.commenting import comment
from reviews.together import escalate
from tests.factories import approve, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


def test_no_word_and_no_plain_hash_of_one_stands_in_the_chain(rita):
    store = make_store()
    version = make_live_memory(store, rita, path="/people/jane-roe.md", content="Jane Roe wants mail on Mondays.")
    proposal = make_proposal(store)
    comment(proposal_id=proposal.pk, author=rita, body="Jane Roe asked for it.")
    escalate(proposal_id=proposal.pk, by=rita, reason="Jane Roe asked for it.")
    stop_store(store_id=store.pk, actor=Actor.user(rita), reason="Jane Roe asked for it.")
    said = ["It is right.", "Jane Roe asked for it.", version.content, version.path]

    chain = b"".join(bytes(entry.body) for entry in Entry.objects.all())

    assert b"Jane" not in chain
    assert b"jane" not in chain
    for hidden in [
        version.decision.digest,
        proposal.digest,
        *(hashlib.sha256(text.encode()).hexdigest() for text in said),
    ]:
        assert hidden.encode() not in chain


def test_the_same_words_look_different_in_each_entry(rita):
    store = make_store()
    for _ in range(2):
        approve(make_proposal(store), rita, "The same reason.")

    reasons = [entry.data["reason_hmac"] for entry in Entry.objects.filter(action="decision.made")]

    assert len(set(reasons)) == 2


def test_whoever_has_the_salt_can_check_the_words(rita):
    make_live_memory(make_store(), rita)
    entry = Entry.objects.get(action="decision.made")
    expected = hmac.new(bytes(entry.salt.value), b"It is right.", hashlib.sha256).hexdigest()
    assert entry.data["reason_hmac"] == expected
    assert matches(entry) == "matches"


@pytest.mark.parametrize("text", ["", "plain", "Ünïcode 日本", "x" * 5000])
def test_the_database_computes_the_same_hmac(text):
    salt = uuid4().bytes + uuid4().bytes
    with connection.cursor() as cursor:
        cursor.execute("SELECT daylight_hmac_v1(%s, %s)", [salt, text])
        assert cursor.fetchone()[0] == hmac_hex(salt, text)


def test_the_verifier_says_that_the_words_match(rita, capsys):
    make_live_memory(make_store(), rita)
    call_command("verify_audit", words=True)
    assert "The words of 3 entries match what the database holds." in capsys.readouterr().out


def test_the_verifier_names_the_entry_whose_words_were_changed(rita):
    version = make_live_memory(make_store(), rita)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE reviews_decision SET reason = 'Another one.' WHERE id = %s", [version.decision.pk])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("SET ROLE daylight_app")
    entry = Entry.objects.get(action="decision.made")
    with pytest.raises(CommandError, match=f"Entry {entry.seq}: .*is not what it was"):
        call_command("verify_audit", words=True)


def test_an_entry_without_words_has_no_salt(rita):
    with transaction.atomic():
        entry = record(action="store.created", actor=Actor.user(rita), subject="store:1", data={"number": 1})
    assert matches(entry) == ""
    assert not Salt.objects.filter(entry=entry).exists()


def test_a_salt_stays_unless_an_erasure_names_it(rita):
    make_live_memory(make_store(), rita)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Salt.objects.all().delete()
