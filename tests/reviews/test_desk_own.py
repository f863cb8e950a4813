"""What a reviewer arranges for themselves: snoozes, saved views, usual reasons."""

import pytest
from django.test import Client

from reviews.models import Decision, SavedView, Snooze
from reviews.reasons import REASONS
from tests.factories import approve, make_agent, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, rita) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.mark.parametrize(("span", "hours"), [("hour", 1), ("tomorrow", 24), ("week", 168)])
def test_a_snoozed_one_is_out_of_sight_and_the_next_one_opens(desk, store, rita, span, hours):
    first, second = (make_proposal(store, kind="workflow", benefit=benefit) for benefit in (2, 1))

    answer = desk.post(f"/proposals/{first.pk}/snooze/", {"span": span, "kind": "workflow"})

    assert answer["Location"] == f"/proposals/{second.pk}/?kind=workflow"
    row = Snooze.objects.get()
    assert (row.user, row.proposal) == (rita, first)
    assert abs((row.until - first.created_at).total_seconds() - hours * 3600) < 60
    assert "Snoozed" in desk.get("/").content.decode()


def test_a_snooze_is_changed_and_ended(desk, store, rita):
    proposal = make_proposal(store)
    address = f"/proposals/{proposal.pk}/"
    desk.post(f"{address}snooze/", {"span": "week"})
    desk.post(f"{address}snooze/", {"span": "hour"})
    assert "Wake" in desk.get(address).content.decode()

    desk.post(f"{address}unsnooze/")

    assert not Snooze.objects.exists()
    assert "Wake" not in desk.get(address).content.decode()


def test_a_snooze_needs_a_known_span_and_an_open_proposal(desk, store, rita):
    proposal = make_proposal(store)
    desk.post(f"/proposals/{proposal.pk}/snooze/", {"span": "for ever"})
    desk.post(f"/proposals/{proposal.pk}/snooze/")
    approve(proposal, rita)
    answer = desk.post(f"/proposals/{proposal.pk}/snooze/", {"span": "hour"}, follow=True)

    assert "is not open any more" in answer.content.decode()
    assert not Snooze.objects.exists()
    assert desk.post("/proposals/999999/snooze/", {"span": "hour"}).status_code == 404


def test_a_view_is_saved_listed_replaced_and_deleted(desk, store, rita):
    desk.post("/views/save/", {"name": "Links", "query": "risk=link&after=3~4&x=1&tab=stale"})
    desk.post("/views/save/", {"name": "Links", "query": "risk=link&sort=oldest"})

    view = SavedView.objects.get()
    assert view.query == "risk=link&sort=oldest"
    page = desk.get("/?risk=link&sort=oldest").content.decode()
    assert '<a href="/?risk=link&amp;sort=oldest" aria-current="page">Links</a>' in page

    desk.post(f"/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_views_are_ones_own(desk, client, store, ruth):
    view = SavedView.objects.create(user=ruth, name="Hers", query="risk=link")

    assert "Hers" not in desk.get("/").content.decode()
    assert desk.post(f"/views/{view.pk}/delete/").status_code == 404
    assert SavedView.objects.exists()


def test_a_view_without_a_name_is_refused(desk):
    answer = desk.post("/views/save/", {"name": " ", "query": ""}, follow=True)

    assert "Give the view a name." in answer.content.decode()
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("number", range(1, 10))
def test_a_usual_reason_is_enough_to_reject(desk, store, number):
    proposal = make_proposal(store)

    desk.post(f"/proposals/{proposal.pk}/decide/", {"verdict": "reject", "digest": proposal.digest, "code": number})

    assert Decision.objects.get().reason == dict(REASONS)[number]


def test_a_usual_reason_stands_before_what_was_typed_and_only_in_a_rejection(desk, store):
    first, second = make_proposal(store), make_proposal(store)
    said = {"code": "5", "reason": "See r12."}
    desk.post(f"/proposals/{first.pk}/decide/", said | {"verdict": "reject", "digest": first.digest})
    desk.post(f"/proposals/{second.pk}/decide/", said | {"verdict": "approve", "digest": second.digest})

    assert Decision.objects.get(proposal=first).reason == "It is known already. See r12."
    assert Decision.objects.get(proposal=second).reason == "See r12."


@pytest.mark.parametrize("code", ["0", "10", "x", "1 "])
def test_an_unknown_reason_is_refused(desk, store, code):
    proposal = make_proposal(store)
    said = {"verdict": "reject", "digest": proposal.digest, "code": code}

    assert desk.post(f"/proposals/{proposal.pk}/decide/", said).status_code == 422


def test_a_page_that_is_fetched_ahead_leaves_the_messages_to_the_one_that_is_shown(desk, store):
    first, second = make_proposal(store), make_proposal(store)
    desk.post(f"/proposals/{first.pk}/snooze/", {"span": "hour"})

    ahead = desk.get(f"/proposals/{second.pk}/", headers={"Sec-Purpose": "prefetch"}).content.decode()
    shown = desk.get(f"/proposals/{second.pk}/").content.decode()

    assert "Snoozed" not in ahead
    assert "Snoozed" in shown
    assert desk.get("/speculation/").headers["Content-Type"] == "application/speculationrules+json"


@pytest.mark.parametrize(
    ("said", "status"),
    [({"verdict": "approve"}, 302), ({"verdict": "reject", "reason": "Not this <b>one</b>"}, 403)],
)
def test_a_decision_without_a_log_in_gives_back_what_was_typed(client, store, said, status):
    proposal = make_proposal(store, title="A secret claim")

    answer = client.post(f"/proposals/{proposal.pk}/decide/", said | {"digest": proposal.digest, "kind": "workflow"})

    assert answer.status_code == status
    assert not Decision.objects.exists()
    if status == 302:
        assert answer["Location"].endswith(f"?next=/proposals/{proposal.pk}/%3Fkind%3Dworkflow")
    else:
        page = answer.content.decode()
        assert "Not this &lt;b&gt;one&lt;/b&gt;" in page
        assert "A secret claim" not in page
