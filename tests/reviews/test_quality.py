"""Quality of review, computed from known rows; for leads as sums, for each person their own."""

from datetime import timedelta

import pytest
from django.utils import timezone

from memory.models import Proposal
from reviews.ballots import Ballot
from reviews.models import Reading, SecondLook, Seed
from reviews.quality import Scope, quality
from reviews.services import decide
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


def read(proposal, user, seconds, *, verdict="approve", blind=False, opened=0):
    """A reading that ended in a decision."""
    decide(proposal_id=proposal.pk, decider=user, ballot=Ballot(verdict, proposal.digest, "Because."))
    now = timezone.now()
    return Reading.objects.create(
        proposal=proposal, user=user, dwell_seconds=seconds, blind=blind, evidence_opened=opened, decided_at=now,
        revealed_at=now if blind else None,
    )  # fmt: skip


def make_item(store):
    item = make_proposal(store)
    Seed.objects.create(proposal=item, flaw="Turned around.", planted_by="adam")
    return item


def test_the_catch_rate_has_its_counts_and_wilsons_interval(store, rita, ruth):
    for user, verdict in ((rita, "reject"), (rita, "reject"), (ruth, "reject"), (ruth, "approve")):
        item = make_item(store)
        decide(proposal_id=item.pk, decider=user, ballot=Ballot(verdict, item.digest, "Because."))

    caught = quality(Scope(30)).caught

    assert (caught.part, caught.total, caught.percent, caught.interval) == (3, 4, "75 %", "95 %: 30 to 95 %")
    assert quality(Scope(30, user=ruth)).caught.part == 1
    assert quality(Scope(30, store=make_store())).caught.total == 0


def test_an_approval_counts_as_reversed_when_it_is_deleted_or_put_back(store, rita):
    kept = make_live_memory(store, rita, content="One.")
    gone = make_live_memory(store, rita)
    approve(make_proposal(store, operation="delete", path=gone.path, base_version=gone, content=""), rita)
    changed = approve(
        make_proposal(store, operation="update", path=kept.path, base_version=kept, content="Two."), rita
    ).version
    back = {"operation": "update", "path": kept.path, "base_version": changed, "content": "One."}
    approve(make_proposal(store, **back), rita)

    reversed_ = quality(Scope(30)).reversed

    assert (reversed_.part, reversed_.total) == (2, 4)


def test_second_looks_count_what_was_looked_at(store, rita):
    for state in ("waiting", "kept", "kept", "reversed"):
        SecondLook.objects.create(decision=approve(make_proposal(store), rita), state=state, by=rita)

    looks = quality(Scope(30)).looks

    assert (looks.reversed.part, looks.reversed.total, looks.waiting) == (1, 3, 1)


def test_deciding_faster_than_five_words_a_second_is_too_fast(store, rita):
    text = "word " * 240  # with claim and rationale about 210 words of six characters: 42 seconds
    read(make_proposal(store, content=text), rita, 20)
    read(make_proposal(store, content=text + "x"), rita, 80)
    read(make_proposal(store, content=text + "y"), rita, 0)

    found = quality(Scope(30))

    assert (found.too_fast.part, found.too_fast.total) == (1, 2)
    assert (found.number, found.timed) == (3, 2)


def test_time_in_view_is_told_by_risk_and_length(store, rita):
    for seconds in (10, 20, 30, 40, 50):
        read(make_proposal(store), rita, seconds)
    read(make_proposal(store, content="See https://example.org/fix for how."), rita, 90)

    flagged, plain = quality(Scope(30)).dwell

    assert (flagged.tier, flagged.number, flagged.median) == ("flagged, or deletes", 1, 90)
    assert (plain.tier, plain.size, plain.number) == ("new and unflagged", "up to 100 words", 5)
    assert (plain.low, plain.median, plain.high) == (20, 30, 40)
    assert plain.width == pytest.approx(100 * 20 / 90)


def test_blind_and_open_readings_are_compared_and_evidence_is_counted(store, rita):
    read(make_proposal(store), rita, 9, blind=True, verdict="reject", opened=1)
    read(make_proposal(store), rita, 9, blind=True)
    read(make_proposal(store), rita, 9)

    found = quality(Scope(30))

    assert [(rate.part, rate.total) for rate in (found.blind, found.open)] == [(1, 2), (1, 1)]
    assert (found.evidence.part, found.evidence.total) == (1, 3)


def test_test_items_count_only_as_caught_or_missed(store, rita):
    item = make_item(store)
    read(item, rita, 500, opened=1, verdict="reject")

    found = quality(Scope(30))

    assert (found.number, found.dwell, found.reversed.total) == (0, [], 0)


def test_only_the_period_counts(store, rita):
    reading = read(make_proposal(store), rita, 9)
    Reading.objects.filter(pk=reading.pk).update(decided_at=timezone.now() - timedelta(days=40))

    assert quality(Scope(30)).number == 0
    assert quality(Scope(90)).number == 1


def test_the_page_of_leads_names_nobody(client, aude, store, rita, ruth):
    rita.first_name = "Rita-Maria"
    rita.save()
    read(make_proposal(store), rita, 9)
    read(make_proposal(store), ruth, 90)
    client.force_login(aude)

    html = client.get("/quality/?store=claims&days=30").content.decode()

    assert "2 of 2 readings" in html
    for name in ("rita", "ruth", "Rita-Maria"):
        assert name not in html


def test_a_reviewer_sees_their_own_reading_and_not_that_of_others(client, store, rita, ruth):
    read(make_proposal(store), rita, 9)
    read(make_proposal(store), ruth, 90)
    client.force_login(rita)

    html = client.get("/quality/mine/").content.decode()

    assert "1 of 1 readings" in html
    assert "90 s" not in html
    assert client.get("/quality/").status_code == 403
    client.force_login(ruth)
    assert "90 s" in client.get("/quality/mine/").content.decode()


def test_without_decisions_the_page_says_so(client, aude):
    client.force_login(aude)
    assert "Nothing to judge yet" in client.get("/quality/").content.decode()


def test_the_number_of_queries_does_not_grow_with_readings(client, aude, store, rita, django_assert_max_num_queries):
    for _ in range(15):
        read(make_proposal(store), rita, 9)
    client.force_login(aude)
    with django_assert_max_num_queries(12):
        client.get("/quality/")
    assert Proposal.objects.count() == 15
