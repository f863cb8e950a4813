"""Evidence first for a drawn share, and what is kept of a reading."""

from datetime import timedelta

import pytest
from django.db.models import F

from reviews.models import Decision, Reading, ReviewSettings
from reviews.reading import is_drawn
from tests.factories import make_agent, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def desk(client, rita):
    client.force_login(rita)
    return client


@pytest.fixture
def blind(store):
    ReviewSettings.objects.create(store=store, blind_share=100)
    return make_proposal(
        store,
        rationale="Seen in nine of twelve.",
        support={"sessions": 9, "eligible": 12, "met_success": 1, "met_total": 9, "other_success": 3, "other_total": 3,
                 "effect": -0.889, "graduation": "## For AGENTS.md"},
    )  # fmt: skip


def test_the_page_shows_claim_change_and_evidence_and_holds_the_rest_back(desk, blind):
    html = desk.get(f"/proposals/{blind.pk}/").content.decode()

    assert "Evidence first:" in html
    for shown in (blind.title, blind.content, blind.evidence.get().quote):
        assert shown in html
    for held in ("Seen in nine", "9 of 12", 'class="bars"', "AGENTS.md", "-89 points", "Found by"):
        assert held not in html


def test_the_queue_does_not_tell_the_numbers_either(desk, blind):
    html = desk.get("/").content.decode()
    assert "evidence first" in html
    assert "9 of 12" not in html


def test_the_rationale_comes_when_it_is_asked_for_and_stays(desk, blind, rita):
    desk.get(f"/proposals/{blind.pk}/")

    page = desk.post(f"/proposals/{blind.pk}/reveal/", follow=True)

    assert "Seen in nine of twelve." in page.content.decode()
    assert "9 of 12" in desk.get(f"/proposals/{blind.pk}/").content.decode()
    first = Reading.objects.get().revealed_at
    desk.post(f"/proposals/{blind.pk}/reveal/")
    assert Reading.objects.get().revealed_at == first


def test_deciding_works_without_asking_for_it(desk, blind):
    desk.get(f"/proposals/{blind.pk}/")

    desk.post(f"/proposals/{blind.pk}/decide/", {"verdict": "approve", "digest": blind.digest})

    assert Decision.objects.get().verdict == "approve"
    reading = Reading.objects.get()
    assert (reading.blind, reading.revealed_at) == (True, None)
    assert reading.decided_at is not None
    assert "Seen in nine" in desk.get(f"/proposals/{blind.pk}/").content.decode()


def test_an_answer_that_is_not_taken_reveals_nothing(desk, blind):
    page = desk.post(f"/proposals/{blind.pk}/decide/", {"verdict": "reject", "digest": blind.digest})
    assert page.status_code == 422
    assert "Seen in nine" not in page.content.decode()


def test_only_those_who_decide_read_blind(client, blind, aude):
    client.force_login(aude)
    assert "Seen in nine" in client.get(f"/proposals/{blind.pk}/").content.decode()
    assert not Reading.objects.exists()


def test_about_the_set_share_is_drawn_the_same_each_time_and_otherwise_for_others(rita, ruth, store):
    proposal = make_proposal(store)
    drawn = {}
    for user in (rita, ruth):
        rows = []
        for pk in range(1, 1001):
            proposal.pk = pk
            rows.append(is_drawn(proposal, user, 10))
            assert rows[-1] == is_drawn(proposal, user, 10)
        drawn[user] = rows
    assert 60 < sum(drawn[rita]) < 150
    assert drawn[rita] != drawn[ruth]


def test_another_key_draws_others(rita, store, settings):
    proposal = make_proposal(store)
    pks = range(1, 200)

    def draw():
        return [is_drawn(type(proposal)(pk=pk), rita, 50) for pk in pks]

    first = draw()
    settings.SECRET_KEY = "another"
    assert draw() != first


def test_a_reading_begins_with_the_first_look_and_not_with_a_prefetch(desk, store):
    proposal = make_proposal(store)

    desk.get(f"/proposals/{proposal.pk}/", headers={"Sec-Purpose": "prefetch"})
    assert not Reading.objects.exists()

    desk.get(f"/proposals/{proposal.pk}/")
    opened = Reading.objects.get().opened_at
    desk.get(f"/proposals/{proposal.pk}/")
    assert Reading.objects.get().opened_at == opened


def test_time_in_view_adds_up_and_cannot_be_more_than_went_by(desk, store):
    proposal = make_proposal(store)
    desk.get(f"/proposals/{proposal.pk}/")
    Reading.objects.update(opened_at=F("opened_at") - timedelta(seconds=100))

    for _ in range(2):
        assert desk.post(f"/proposals/{proposal.pk}/reading/", {"seconds": 20, "evidence": 5}).status_code == 204
    reading = Reading.objects.get()
    assert (reading.dwell_seconds, reading.evidence_opened) == (40, 1)

    desk.post(f"/proposals/{proposal.pk}/reading/", {"seconds": 9_000})
    assert Reading.objects.get().dwell_seconds in (100, 101, 102)
    desk.post(f"/proposals/{proposal.pk}/reading/", {"seconds": "-5", "evidence": "many"})
    assert Reading.objects.get().dwell_seconds <= 103
