"""A stale proposal is put forward again on what is live now."""

import pytest
from django.urls import reverse

from memory.models import Memory
from memory.services import Refused
from reviews.ballots import Ballot, NotAllowed
from reviews.merging import Conflict
from reviews.models import Seed, SeedAnswer
from reviews.policies import AutoPolicy
from reviews.rebasing import MergeConflict, rebase
from reviews.services import decide
from sessions.models import Agent
from tests.factories import approve, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store()


def stale_update(store, rita, *, proposed: str, meanwhile: str):
    """A proposal against a base that another decision moved on."""
    base = make_live_memory(store, rita, content="Wait for noon.")
    late = make_proposal(store, operation="update", path=base.path, base_version=base, content=proposed)
    approve(make_proposal(store, operation="update", path=base.path, base_version=base, content=meanwhile), rita)
    late.refresh_from_db()
    return late


def test_what_only_added_adds_the_same_to_what_is_live(store, rita):
    late = stale_update(store, rita, proposed="Wait for noon.\n\nThen call.", meanwhile="Wait for one.")

    rebased = rebase(proposal_id=late.pk, by=rita)

    assert rebased.content == "Wait for one.\n\nThen call."
    assert rebased.base_version.content == "Wait for one."
    assert list(rebased.evidence.values_list("quote")) == list(late.evidence.values_list("quote"))
    approve(rebased, rita)
    assert Memory.objects.get(store=store).head.content == "Wait for one.\n\nThen call."


STEPS = "Wait for noon.\n\nCall the desk.\n\nThen post."


def test_changes_apart_from_each_other_are_merged(store, rita):
    base = make_live_memory(store, rita, content=STEPS)
    update = {"operation": "update", "path": base.path, "base_version": base}
    late = make_proposal(store, content=STEPS.replace("noon", "one"), **update)
    approve(make_proposal(store, content=STEPS.replace("post", "close"), **update), rita)

    rebased = rebase(proposal_id=late.pk, by=rita)

    assert rebased.content == "Wait for one.\n\nCall the desk.\n\nThen close."


def test_where_both_changed_the_same_a_person_words_it(store, rita):
    late = stale_update(store, rita, proposed="Never wait.", meanwhile="Wait for one.")
    with pytest.raises(MergeConflict) as refused:
        rebase(proposal_id=late.pk, by=rita)
    assert refused.value.merged.conflicts == [Conflict(["Wait for noon."], ["Never wait."], ["Wait for one."])]

    rebased = rebase(proposal_id=late.pk, by=rita, wording="Do not wait, but for one.")

    assert rebased.content == "Do not wait, but for one."
    assert (rebased.proposer_kind, rebased.proposer_id) == ("user", str(rita.pk))
    assert "rita worded it anew" in rebased.rationale


def test_what_is_live_already_has_nothing_left_to_do(store, rita):
    late = stale_update(store, rita, proposed="Never wait.", meanwhile="Wait for one.")
    with pytest.raises(Refused, match="says it already"):
        rebase(proposal_id=late.pk, by=rita, wording="Wait for one.")


def test_a_test_item_stays_one_when_it_is_rebased(store, rita):
    late = stale_update(store, rita, proposed="Wait for noon.\n\nThen call.", meanwhile="Wait for one.")
    Seed.objects.create(proposal=late, flaw="Nobody said so.", planted_by="adam")

    rebased = rebase(proposal_id=late.pk, by=rita)

    assert isinstance(approve(rebased, rita), SeedAnswer)
    assert Memory.objects.get(store=store).head.content == "Wait for one."


def test_a_policy_does_not_let_a_rebase_through_that_a_person_filed(rita):
    store = make_store()
    first, second = (make_proposal(store, path="/a.md", content=text) for text in ("One way.", "Another way."))
    version = approve(first, rita).version
    approve(make_proposal(store, operation="delete", path="/a.md", base_version=version, content=""), rita)
    second.refresh_from_db()
    Agent.objects.update(mode="auto", auto_min_sessions=1, auto_min_agents=1)
    rebased = rebase(proposal_id=second.pk, by=rita)

    with pytest.raises(NotAllowed, match="that a dream found"):
        decide(proposal_id=rebased.pk, decider=AutoPolicy(), ballot=Ballot("approve", rebased.digest))


def test_a_create_on_a_path_that_was_taken_becomes_an_update(store, rita):
    first, second = (make_proposal(store, path="/a.md", content=text) for text in ("One way.", "Another way."))
    approve(first, rita)
    rebased = rebase(proposal_id=second.pk, by=rita)
    assert (rebased.operation, rebased.content) == ("update", "One way.\n\nAnother way.")


def test_a_delete_of_what_is_gone_has_nothing_left_to_do(store, rita):
    base = make_live_memory(store, rita)
    late = make_proposal(store, operation="delete", path=base.path, base_version=base, content="")
    newer = approve(make_proposal(store, operation="update", path=base.path, base_version=base), rita).version
    approve(make_proposal(store, operation="delete", path=base.path, base_version=newer, content=""), rita)
    with pytest.raises(Refused, match="was deleted"):
        rebase(proposal_id=late.pk, by=rita)


def test_only_stale_proposals_and_only_reviewers(store, rita, adam):
    proposal = make_proposal(store)
    with pytest.raises(Refused, match="is not stale"):
        rebase(proposal_id=proposal.pk, by=rita)
    with pytest.raises(NotAllowed):
        rebase(proposal_id=proposal.pk, by=adam)


def test_the_page_offers_it_and_leads_to_the_new_proposal(client, store, rita):
    late = stale_update(store, rita, proposed="Wait for noon.\n\nThen call.", meanwhile="Wait for one.")
    client.force_login(rita)
    assert (
        reverse("reviews:rebase", args=[late.pk])
        in client.get(reverse("reviews:proposal_detail", args=[late.pk])).content.decode()
    )
    response = client.post(reverse("reviews:rebase", args=[late.pk]), follow=True)
    assert "says the same about what is live now" in response.content.decode()


def test_the_page_shows_both_sides_and_takes_the_reviewers_words(client, store, rita):
    late = stale_update(store, rita, proposed="Never <b>wait</b>.", meanwhile="Wait for one.")
    client.force_login(rita)
    address = reverse("reviews:rebase", args=[late.pk])

    response = client.post(address)

    page = response.content.decode()
    assert response.status_code == 409
    assert "Wait for <del>noon</del><ins>one</ins>." in page
    assert "<b>wait</b>" not in page
    assert "Never &lt;b&gt;wait&lt;/b&gt;." in page
    response = client.post(address, {"content": "Wait,\r\nbut never long."})
    rebased = store.proposals.get(status="open")
    assert response["Location"] == f"/proposals/{rebased.pk}/"
    assert rebased.content == "Wait,\nbut never long."


def test_words_that_cannot_be_filed_are_given_back_with_the_reason(client, store, rita):
    late = stale_update(store, rita, proposed="Never wait.", meanwhile="Wait for one.")
    client.force_login(rita)

    response = client.post(reverse("reviews:rebase", args=[late.pk]), {"content": "Wait for one."})

    assert response.status_code == 422
    assert "says it already" in response.content.decode()
    assert response.context["draft_text"] == "Wait for one."
