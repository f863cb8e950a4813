"""Two readers, two judgements: what one made of a proposal stays covered from the other until it is closed."""

import pytest

from audit.models import Entry
from reviews import holding
from reviews.ballots import Ballot
from reviews.blind import uncovered
from reviews.models import ReviewSettings
from reviews.services import decide
from tests.factories import approve, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal():
    store = make_store()
    ReviewSettings.objects.create(store=store, four_eyes="always")
    return make_proposal(store)


def seen(proposal, reader) -> list[str]:
    rows = uncovered(Entry.objects.about(f"proposal:{proposal.pk}"), reader)
    return list(rows.order_by("seq").values_list("action", flat=True))


def test_the_first_approval_is_covered_from_who_may_still_give_the_second(proposal, rita, ruth, adam, aude):
    approve(proposal, rita)
    assert seen(proposal, ruth) == ["proposal.submitted"]
    for knows in (rita, adam, aude):
        assert seen(proposal, knows) == ["proposal.submitted", "review.voted"]


def test_an_admin_who_also_reviews_is_a_reviewer(proposal, rita, ruth, adam):
    ruth.groups.add(*adam.groups.all())
    approve(proposal, rita)
    assert "review.voted" not in seen(proposal, ruth)


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_it_is_uncovered_when_the_proposal_is_closed(proposal, rita, ruth, verdict):
    approve(proposal, rita)
    decide(proposal_id=proposal.pk, decider=ruth, ballot=Ballot(verdict, proposal.digest, "So."))
    assert seen(proposal, ruth) == ["proposal.submitted", "review.voted", "decision.made"]


def test_what_somebody_holds_back_or_took_back_is_covered_too(proposal, rita, ruth):
    ReviewSettings.objects.update(hold_back_seconds=60)
    held = holding.cast(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", proposal.digest))
    holding.undo(held_id=held.pk, by=rita)
    assert seen(proposal, ruth) == ["proposal.submitted"]
    assert seen(proposal, rita) == ["proposal.submitted", "decision.held", "decision.undone"]


def test_entries_about_other_things_stay(proposal, rita, ruth):
    approve(make_proposal(make_store()), rita)
    assert uncovered(Entry.objects.all(), ruth).count() == Entry.objects.count()
