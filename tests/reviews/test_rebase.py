"""A stale proposal is put forward again on what is live now."""

import pytest
from django.urls import reverse

from memory.models import Memory
from memory.services import Refused
from reviews.ballots import NotAllowed
from reviews.rebasing import rebase
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


def test_another_text_is_proposed_as_it_was(store, rita):
    late = stale_update(store, rita, proposed="Never wait.", meanwhile="Wait for one.")
    assert rebase(proposal_id=late.pk, by=rita).content == "Never wait."


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
    late = stale_update(store, rita, proposed="Never wait.", meanwhile="Wait for one.")
    client.force_login(rita)
    assert (
        reverse("reviews:rebase", args=[late.pk])
        in client.get(reverse("reviews:proposal_detail", args=[late.pk])).content.decode()
    )
    response = client.post(reverse("reviews:rebase", args=[late.pk]), follow=True)
    assert "says the same about what is live now" in response.content.decode()
