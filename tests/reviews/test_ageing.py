"""Proposals grow old against their store's target, and expire at its limit without being applied."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.models import Entry
from memory.models import Memory
from reviews.ageing import age_of, expire_due
from reviews.ballots import AlreadyDecided, Ballot
from reviews.holding import cast, undo
from reviews.models import ReviewSettings
from reviews.services import mark_stale
from tests.factories import approve, grow_old, make_agent, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


def test_what_nobody_decided_expires_and_is_not_applied(store):
    old, young = grow_old(make_proposal(store), 31), grow_old(make_proposal(store), 29)

    assert expire_due() == 1

    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.status, young.status) == ("expired", "open")
    assert "Nobody decided it within 30 days" in old.status_reason
    assert not Memory.objects.exists()
    entry = Entry.objects.get(action="proposal.expired")
    assert (entry.actor_kind, entry.subject, entry.data["after_days"]) == ("system", f"proposal:{old.pk}", 30)


def test_the_stores_own_limit_counts(store):
    ReviewSettings.objects.create(store=store, expires_after_days=2)
    grow_old(make_proposal(store), 3)
    grow_old(make_proposal(make_store()), 3)
    assert expire_due() == 1


def test_a_second_run_does_nothing(store):
    grow_old(make_proposal(store), 31)
    assert [expire_due(), expire_due()] == [1, 0]
    assert Entry.objects.filter(action="proposal.expired").count() == 1


def test_a_stale_one_expires_too_and_keeps_why_it_was_stale(store):
    old = grow_old(make_proposal(store), 31)
    mark_stale(proposal_id=old.pk, reason="/a.md moved.")
    assert expire_due() == 1
    old.refresh_from_db()
    assert "It was stale: /a.md moved." in old.status_reason


def test_a_held_back_decision_keeps_it_until_it_is_taken_back(store, rita):
    ReviewSettings.objects.create(store=store, hold_back_seconds=600)
    old = grow_old(make_proposal(store), 31)
    held = cast(proposal_id=old.pk, decider=rita, ballot=Ballot("approve", old.digest))

    assert expire_due() == 0
    undo(held_id=held.pk, by=rita)
    assert expire_due() == 1


def test_the_claim_may_come_back(store):
    fields = {"claim_key": "locked ledger", "content": "Wait for the close.", "path": "/a.md"}
    grow_old(make_proposal(store, **fields), 31)
    expire_due()
    assert make_proposal(store, **fields).is_open


def test_a_late_click_is_told_that_it_expired(store, rita):
    old = grow_old(make_proposal(store), 31)
    expire_due()
    with pytest.raises(AlreadyDecided, match="expired, not applied"):
        approve(old, rita)


def test_a_long_backlog_goes_in_batches(store, monkeypatch):
    monkeypatch.setattr("reviews.ageing.BATCH", 2)
    for _ in range(5):
        grow_old(make_proposal(store), 31)
    assert expire_due() == 5


@pytest.mark.django_db(transaction=True)
def test_whoever_decides_at_that_moment_wins(store, rita):
    old = grow_old(make_proposal(store), 31)
    expired: list[int] = []

    def expire() -> None:
        try:
            expired.append(expire_due())
        finally:
            connection.close()

    with transaction.atomic():
        approve(old, rita)
        beat = threading.Thread(target=expire)
        beat.start()
        beat.join(timeout=10)
        assert expired == [0]
    old.refresh_from_db()
    assert old.status == "approved"


def test_the_age_is_told_against_target_and_limit(store):
    ReviewSettings.objects.create(store=store, target_hours=24, expires_after_days=10)
    proposal = make_proposal(store)
    assert (age_of(proposal).is_late, age_of(proposal).expires_soon) == (False, False)

    grow_old(proposal, 4)
    age = age_of(proposal)
    assert (age.is_late, age.expires_soon) == (True, True)
    assert age.expires_at - timezone.now() < timedelta(days=6)


def test_the_pages_say_how_old_and_until_when(client, aude, store):
    ReviewSettings.objects.create(store=store, target_hours=24, expires_after_days=10)
    old = grow_old(make_proposal(store), 4)
    client.force_login(aude)

    page = client.get(f"/proposals/{old.pk}/").content.decode()
    assert "waits 4 d, target 24 h" in page
    assert "expires" in page
    assert "1 longer than the target of 24 hours" in client.get("/stores/claims/").content.decode()


def test_an_expired_proposal_says_so(client, aude, store):
    old = grow_old(make_proposal(store), 31)
    expire_due()
    client.force_login(aude)
    page = client.get(f"/proposals/{old.pk}/").content.decode()
    assert "Nobody decided it within 30 days" in page
