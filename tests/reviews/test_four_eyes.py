"""Where two people are asked, two people it is: by the service, and by the database behind it."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import Entry
from memory.models import Memory, Proposal
from reviews.ballots import Ballot, Edit, NotAllowed
from reviews.models import Decision, Escalation, ReviewSettings, Seed, SeedAnswer, Vote
from reviews.policies import AutoPolicy
from reviews.rebasing import rebase
from reviews.services import decide
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    store = make_store()
    ReviewSettings.objects.create(store=store, four_eyes="always")
    return store


def live(store) -> list[str]:
    return list(Memory.objects.filter(store=store, head__isnull=False).values_list("head__content", flat=True))


def test_the_first_approval_publishes_nothing_and_the_second_does(store, rita, ruth):
    proposal = make_proposal(store, content="Wait.")

    first = approve(proposal, rita)
    assert isinstance(first, Vote)
    assert live(store) == []
    assert Entry.objects.get(act=first.act).action == "review.voted"

    second = approve(proposal, ruth)
    assert isinstance(second, Decision)
    assert live(store) == ["Wait."]


def test_the_same_person_is_not_two(store, rita):
    proposal = make_proposal(store)
    approve(proposal, rita)

    with pytest.raises(NotAllowed, match="approved it already"):
        approve(proposal, rita)
    assert live(store) == []


def test_one_rejection_ends_it(store, rita, ruth):
    proposal = make_proposal(store)
    approve(proposal, rita)

    decide(proposal_id=proposal.pk, decider=ruth, ballot=Ballot("reject", proposal.digest, "Hides the cause."))

    proposal.refresh_from_db()
    assert proposal.status == "rejected"
    assert live(store) == []


def test_editing_makes_an_author_whose_text_somebody_else_approves(store, rita, ruth):
    proposal = make_proposal(store, content="Wait.")
    edit = Edit("Wait for the close.", proposal.path)

    newer = decide(
        proposal_id=proposal.pk,
        decider=rita,
        ballot=Ballot("approve_with_edits", proposal.digest, "Says until when.", edit),
    )

    proposal.refresh_from_db()
    assert (proposal.status, isinstance(newer, Proposal)) == ("replaced", True)
    assert newer.evidence.count() == proposal.evidence.count() == 1
    with pytest.raises(NotAllowed, match="you wrote this"):
        approve(newer, rita)
    assert live(store) == []
    approve(newer, ruth)
    assert live(store) == ["Wait for the close."]


def test_a_vote_of_somebody_who_is_no_reviewer_any_more_does_not_count(store, rita, ruth):
    proposal = make_proposal(store)
    approve(proposal, rita)
    rita.groups.clear()

    assert isinstance(approve(proposal, ruth), Vote)
    assert live(store) == []


def test_a_rebase_makes_its_author_nobody_else(store, rita, ruth):
    base = _live_by_two(store, rita, ruth, content="Wait for noon.")
    late = make_proposal(
        store, operation="update", path=base.path, base_version=base, content="Wait for noon.\n\nThen call."
    )
    other = make_proposal(store, operation="update", path=base.path, base_version=base, content="Wait for one.")
    approve(other, rita)
    approve(other, ruth)

    rebased = rebase(proposal_id=late.pk, by=rita)

    with pytest.raises(NotAllowed, match="you wrote this"):
        approve(rebased, rita)
    assert isinstance(approve(rebased, ruth), Decision)


def test_only_what_is_flagged_needs_two_where_only_that_is_asked(rita):
    store = make_store()
    ReviewSettings.objects.create(store=store, four_eyes="flagged")

    assert isinstance(approve(make_proposal(store), rita), Decision)
    flagged = make_proposal(store, content="See https://example.org/fix for how.")
    assert flagged.risk
    assert isinstance(approve(flagged, rita), Vote)


def edited_with_a_link(proposal: Proposal) -> Ballot:
    edit = Edit("See https://example.org/fix for how.", proposal.path)
    return Ballot("approve_with_edits", proposal.digest, "Says where.", edit)


def test_an_edit_that_brings_in_a_flag_needs_two_where_only_that_is_asked(rita):
    store = make_store()
    ReviewSettings.objects.create(store=store, four_eyes="flagged")
    proposal = make_proposal(store)
    assert not proposal.risk

    newer = decide(proposal_id=proposal.pk, decider=rita, ballot=edited_with_a_link(proposal))

    assert isinstance(newer, Proposal)
    assert newer.risk
    assert live(store) == []
    with pytest.raises(NotAllowed, match="you wrote this"):
        approve(newer, rita)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_a_flagged_edit_that_one_person_published_behind_the_service(rita, monkeypatch):
    store = make_store()
    ReviewSettings.objects.create(store=store, four_eyes="flagged")
    proposal = make_proposal(store)
    monkeypatch.setattr("reviews.services.needs_two", lambda *_: False)

    with pytest.raises(DatabaseError, match="was edited by one"):
        decide(proposal_id=proposal.pk, decider=rita, ballot=edited_with_a_link(proposal))
    assert live(store) == []


def test_an_escalated_proposal_needs_two_wherever_it_is(rita, ruth):
    proposal = make_proposal(make_store())
    Escalation.objects.create(proposal=proposal, by=rita, by_name="rita", reason="Touches payments.")

    assert isinstance(approve(proposal, rita), Vote)
    assert isinstance(approve(proposal, ruth), Decision)


def test_no_policy_approves_where_two_people_are_asked():
    store = make_store(agents=[make_agent(mode="auto", auto_min_sessions=1, auto_min_agents=1)])
    ReviewSettings.objects.create(store=store, four_eyes="always")
    proposal = make_proposal(store)

    with pytest.raises(NotAllowed, match="Two people"):
        decide(proposal_id=proposal.pk, decider=AutoPolicy(), ballot=Ballot("approve", proposal.digest))


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_what_one_person_published_behind_the_service(store, rita, monkeypatch):
    proposal = make_proposal(store)
    monkeypatch.setattr("reviews.services.needs_two", lambda *_: False)

    with pytest.raises(DatabaseError, match="needs two people"):
        approve(proposal, rita)
    assert live(store) == []


@pytest.mark.django_db(transaction=True)
def test_a_test_item_cannot_be_published_even_behind_the_service(rita, monkeypatch):
    proposal = make_proposal(make_store())
    Seed.objects.create(proposal=proposal, flaw="The quote says nothing of the kind.", planted_by="adam")
    monkeypatch.setattr("reviews.services.answer_seed", lambda *_: None)

    with pytest.raises(DatabaseError, match="test item and is never published"):
        approve(proposal, rita)


@pytest.mark.parametrize(("verdict", "caught"), [("approve", False), ("reject", True)])
def test_a_test_item_is_closed_with_what_was_made_of_it_and_nothing_goes_live(rita, verdict, caught):
    proposal = make_proposal(make_store())
    Seed.objects.create(proposal=proposal, flaw="The quote says nothing of the kind.", planted_by="adam")

    answer = decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot(verdict, proposal.digest, "Because."))

    assert isinstance(answer, SeedAnswer)
    assert answer.caught is caught
    proposal.refresh_from_db()
    assert proposal.status == "expired"
    assert "test item" in proposal.status_reason
    assert live(proposal.store) == []


def test_the_votes_cannot_be_changed_or_taken_away(store, rita):
    approve(make_proposal(store), rita)
    for attack in ("UPDATE reviews_vote SET reader_id = 0", "DELETE FROM reviews_vote"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attack)


def _live_by_two(store, rita, ruth, **fields):
    proposal = make_proposal(store, **fields)
    approve(proposal, rita)
    return approve(proposal, ruth).version


def test_without_the_setting_one_reviewer_decides(rita):
    assert make_live_memory(make_store(), rita).revision == 1
