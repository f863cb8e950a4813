"""Working together on one proposal: claims, comments, whose turn it is, and back to the writer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from audit.models import Entry
from memory.models import Memory, Proposal
from memory.services import Refused
from reviews import changes, claiming, together
from reviews.ballots import AlreadyDecided, BadDecision, Ballot, NotAllowed
from reviews.commenting import comment, see_mentions, unseen_mentions
from reviews.models import ChangeRequest, Claim, Comment, Decision, HeldBallot, ReviewSettings, Seed, Vote
from reviews.services import decide
from reviews.together import NotDone
from tests.factories import approve, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal() -> Proposal:
    return make_proposal(make_store(), content="Wait.")


def last_act(proposal) -> str:
    return Entry.objects.about(f"proposal:{proposal.pk}").order_by("-seq").first().action


def reader(proposal) -> str:
    return Claim.objects.get(proposal=proposal).user_name


def test_the_first_to_open_it_claims_it_and_the_second_does_not(proposal, rita, ruth):
    claiming.claim(proposal_id=proposal.pk, by=rita)
    claiming.claim(proposal_id=proposal.pk, by=ruth)
    assert reader(proposal) == "rita"


def test_a_claim_is_renewed_by_its_reader_and_free_when_it_expired(proposal, rita, ruth):
    claiming.claim(proposal_id=proposal.pk, by=rita)
    Claim.objects.update(expires_at=F("expires_at") - timedelta(minutes=5))
    before = Claim.objects.get().expires_at
    claiming.claim(proposal_id=proposal.pk, by=rita)
    assert Claim.objects.get().expires_at > before

    Claim.objects.update(expires_at=F("expires_at") - timedelta(minutes=11))
    claiming.claim(proposal_id=proposal.pk, by=ruth)
    assert reader(proposal) == "ruth"


def test_a_claim_can_be_released_by_its_reader_and_taken_over_by_anybody(proposal, rita, ruth):
    claiming.claim(proposal_id=proposal.pk, by=rita)
    claiming.release(proposal_id=proposal.pk, by=ruth)
    assert reader(proposal) == "rita"
    claiming.take_over(proposal_id=proposal.pk, by=ruth)
    assert reader(proposal) == "ruth"
    claiming.release(proposal_id=proposal.pk, by=ruth)
    assert not Claim.objects.exists()


def test_a_claim_keeps_nobody_from_deciding(proposal, rita, ruth):
    claiming.claim(proposal_id=proposal.pk, by=rita)
    assert isinstance(approve(proposal, ruth), Decision)


def test_a_comment_calls_whom_it_names_and_says_who_is_unknown(proposal, rita, ruth, oscar, aude):
    said = comment(
        proposal_id=proposal.pk,
        author=rita,
        body="@ruth, and @aude.: see mail@ruth or @rita. @oscar has no role, @nobody.",
    )

    assert {mention.user.username for mention in said.comment.mentions.all()} == {"ruth", "aude"}
    assert said.unknown == ["oscar", "nobody"]
    assert last_act(proposal) == "proposal.commented"
    assert "no role" not in str(Entry.objects.first().data)


def test_a_mention_waits_until_the_proposal_is_opened(proposal, rita, ruth):
    comment(proposal_id=proposal.pk, author=rita, body="Look, @ruth")
    assert unseen_mentions(ruth).count() == 1
    see_mentions(proposal_id=proposal.pk, user=ruth)
    assert not unseen_mentions(ruth).exists()


@pytest.mark.parametrize("body", ["", " \n ", "x" * 4001])
def test_an_empty_or_endless_comment_is_refused(proposal, rita, body):
    with pytest.raises(NotDone):
        comment(proposal_id=proposal.pk, author=rita, body=body)
    assert not Comment.objects.exists()


def test_it_can_be_somebodys_turn_and_anybodys_again(proposal, rita, ruth):
    together.assign(proposal_id=proposal.pk, to=ruth, by=rita)
    together.assign(proposal_id=proposal.pk, to=rita, by=rita)
    assert (proposal.assignment.assignee_name, proposal.assignment.by_name) == ("rita", "rita")
    together.unassign(proposal_id=proposal.pk, by=ruth)
    assert last_act(proposal) == "proposal.unassigned"
    with pytest.raises(NotDone):
        together.unassign(proposal_id=proposal.pk, by=ruth)


def test_only_reviewers_are_asked_and_only_about_what_is_open(proposal, rita, adam):
    with pytest.raises(NotDone, match="no reviewer"):
        together.assign(proposal_id=proposal.pk, to=adam, by=rita)
    approve(proposal, rita)
    with pytest.raises(AlreadyDecided):
        together.assign(proposal_id=proposal.pk, to=rita, by=rita)


def test_an_escalated_proposal_needs_two_for_good(proposal, rita, ruth):
    together.escalate(proposal_id=proposal.pk, by=rita, reason="Touches payments.")
    assert last_act(proposal) == "proposal.escalated"
    with pytest.raises(NotDone, match="rita escalated it already"):
        together.escalate(proposal_id=proposal.pk, by=ruth, reason="Me too.")

    assert isinstance(approve(proposal, rita), Vote)
    assert isinstance(approve(proposal, ruth), Decision)


def test_nothing_approves_it_while_changes_are_asked_for(proposal, rita, ruth):
    changes.ask_for_changes(proposal_id=proposal.pk, by=ruth, note="Say until when.")
    assert last_act(proposal) == "proposal.changes_asked"
    with pytest.raises(BadDecision, match="ruth asks for changes"):
        approve(proposal, rita)

    changes.withdraw_request(proposal_id=proposal.pk, by=rita)
    assert last_act(proposal) == "proposal.changes_withdrawn"
    assert isinstance(approve(proposal, rita), Decision)


def test_it_can_still_be_rejected_while_changes_are_asked_for(proposal, rita, ruth):
    changes.ask_for_changes(proposal_id=proposal.pk, by=ruth, note="Say until when.")
    assert decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", proposal.digest, "Hides the cause."))


def test_a_wording_answers_and_is_its_writers(proposal, rita, ruth):
    asked = changes.ask_for_changes(proposal_id=proposal.pk, by=ruth, note="Say until when.")

    newer = changes.reword(proposal_id=proposal.pk, by=rita, content="Wait\r\nfor noon.", path=proposal.path)

    asked.refresh_from_db()
    proposal.refresh_from_db()
    assert asked.answer == newer
    assert (proposal.status, newer.content) == ("replaced", "Wait\nfor noon.")
    assert newer.proposer_id == str(rita.pk)
    assert "ruth asked: Say until when." in newer.rationale
    assert newer.evidence.count() == proposal.evidence.count()
    with pytest.raises(AlreadyDecided, match="replaced by a newer wording"):
        approve(proposal, ruth)


def test_a_wording_that_changes_nothing_or_that_nobody_asked_for_is_refused(proposal, rita):
    with pytest.raises(NotDone, match="Nobody asks"):
        changes.reword(proposal_id=proposal.pk, by=rita, content="Wait for noon.", path=proposal.path)
    changes.ask_for_changes(proposal_id=proposal.pk, by=rita, note="Say until when.")
    with pytest.raises(NotDone, match="Nothing is changed"):
        changes.reword(proposal_id=proposal.pk, by=rita, content="Wait.", path=proposal.path)


def test_a_reworded_test_item_is_never_published(proposal, rita):
    Seed.objects.create(proposal=proposal, flaw="Nobody said so.", planted_by="adam")
    changes.ask_for_changes(proposal_id=proposal.pk, by=rita, note="Say until when.")
    newer = changes.reword(proposal_id=proposal.pk, by=rita, content="Wait for noon.", path=proposal.path)
    approve(newer, rita)
    assert not Memory.objects.exists()


def test_warnings_of_the_proposer_stay_with_a_new_wording(rita):
    proposal = make_proposal(make_store(), flags=["model_judged"])
    changes.ask_for_changes(proposal_id=proposal.pk, by=rita, note="Say until when.")
    newer = changes.reword(proposal_id=proposal.pk, by=rita, content="Wait for noon.", path=proposal.path)
    assert newer.risk == ["model_judged"]


def test_a_delete_cannot_be_reworded(rita):
    store = make_store()
    base = make_live_memory(store, rita)
    proposal = make_proposal(store, operation="delete", path=base.path, base_version=base, content="")
    changes.ask_for_changes(proposal_id=proposal.pk, by=rita, note="Rather reword it.")
    with pytest.raises(NotDone, match="no text"):
        changes.reword(proposal_id=proposal.pk, by=rita, content="Wait.", path=base.path)


def test_what_is_held_back_is_not_reworded_meanwhile(proposal, rita, ruth):
    ReviewSettings.objects.create(store=proposal.store, hold_back_seconds=60)
    HeldBallot.objects.create(proposal=proposal, user=rita, user_name="rita", ballot={}, due_at=proposal.created_at)
    with pytest.raises(AlreadyDecided, match="taken back"):
        changes.ask_for_changes(proposal_id=proposal.pk, by=ruth, note="Say until when.")


@pytest.mark.parametrize("who", ["adam", "aude", "oscar"])
def test_only_reviewers_have_a_hand_in_it(request, proposal, rita, who):
    other, pk = request.getfixturevalue(who), proposal.pk
    for act in (
        lambda: comment(proposal_id=pk, author=other, body="Hello"),
        lambda: together.assign(proposal_id=pk, to=rita, by=other),
        lambda: together.unassign(proposal_id=pk, by=other),
        lambda: together.escalate(proposal_id=pk, by=other, reason="Hm."),
        lambda: changes.ask_for_changes(proposal_id=pk, by=other, note="Hm."),
        lambda: changes.withdraw_request(proposal_id=pk, by=other),
        lambda: changes.reword(proposal_id=pk, by=other, content="Hm.", path="/a.md"),
    ):
        with pytest.raises(NotAllowed):
            act()


def run_all(*acts) -> list[str]:
    """What came of each, all at once."""

    def outcome(act) -> str:
        try:
            act()
        except (NotDone, AlreadyDecided, BadDecision, Refused) as refusal:
            return type(refusal).__name__
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(outcome, acts))


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_make_one_claim_one_escalation_and_one_request(proposal, rita, ruth):
    pk, people = proposal.pk, [rita, ruth] * 8

    run_all(*[lambda by=by: claiming.claim(proposal_id=pk, by=by) for by in people])
    escalated = run_all(*[lambda by=by: together.escalate(proposal_id=pk, by=by, reason="Hm.") for by in people])
    asked = run_all(*[lambda by=by: changes.ask_for_changes(proposal_id=pk, by=by, note="Hm.") for by in people])

    assert Claim.objects.count() == 1
    assert escalated == asked == ["NotDone"] * 15 + ["done"]
    assert ChangeRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_answers_and_decisions_at_once_one_counts(proposal, rita, ruth):
    changes.ask_for_changes(proposal_id=proposal.pk, by=ruth, note="Say until when.")
    reject = Ballot("reject", proposal.digest, "No.")
    wordings = [
        lambda n=n: changes.reword(proposal_id=proposal.pk, by=rita, content=f"Wait {'x' * n}.", path=proposal.path)
        for n in range(1, 5)
    ]
    rejections = [lambda: decide(proposal_id=proposal.pk, decider=ruth, ballot=reject)] * 4

    assert run_all(*wordings, *rejections) == ["AlreadyDecided"] * 7 + ["done"]
    assert Decision.objects.count() + Proposal.objects.open().count() == 1
