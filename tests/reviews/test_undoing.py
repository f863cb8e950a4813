"""After the fact nothing is edited: the reverse is proposed, or what was rejected is brought back, by a person."""

import pytest

from audit.actors import Actor
from memory.models import Memory, Proposal
from memory.services import Draft, KnownClaim, Refused, submit_proposal
from reviews import changes
from reviews.ballots import Ballot, NotAllowed
from reviews.models import Decision
from reviews.policies import AutoPolicy
from reviews.services import decide
from reviews.together import NotDone
from reviews.undoing import reopen, revert
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store(agents=[make_agent()])


def live(store) -> list[tuple[str, str]]:
    return list(Memory.objects.live(store.pk).values_list("path", "head__content"))


def reject(proposal, by, reason="It hides the cause.") -> Decision:
    return decide(proposal_id=proposal.pk, decider=by, ballot=Ballot("reject", proposal.digest, reason))


def test_the_reverse_of_a_create_is_a_delete(store, rita):
    decision = make_live_memory(store, rita, path="/a.md").decision

    proposal = revert(decision_id=decision.pk, by=rita, why="It misleads.")

    assert (proposal.operation, proposal.source, proposal.proposer_id) == ("delete", "person", str(rita.pk))
    assert proposal.rationale == f"Reverts {decision.proposal.public_id}. It misleads."
    assert len(live(store)) == 1
    approve(proposal, rita)
    assert live(store) == []


def test_the_reverse_of_an_update_is_the_old_text_with_what_came_since(store, rita):
    base = make_live_memory(store, rita, path="/a.md", content="One.\n\nTwo.\n\nThree.")
    update = {"operation": "update", "path": "/a.md"}
    second = make_live_memory(store, rita, base_version=base, content="First.\n\nTwo.\n\nThree.", **update)
    make_live_memory(store, rita, base_version=second, content="First.\n\nTwo.\n\nThird.", **update)

    approve(revert(decision_id=second.decision.pk, by=rita, why="Too loud."), rita)

    assert live(store) == [("/a.md", "One.\n\nTwo.\n\nThird.")]


def test_the_reverse_of_a_delete_is_the_memory_again(store, rita):
    base = make_live_memory(store, rita, path="/a.md", content="Wait.")
    delete = make_live_memory(store, rita, operation="delete", path="/a.md", base_version=base, content="")

    proposal = revert(decision_id=delete.decision.pk, by=rita, why="It was needed.")
    approve(proposal, rita)

    assert live(store) == [("/a.md", "Wait.")]
    assert "removed_before" in proposal.risk


def test_the_reverse_of_a_rename_is_the_old_path(store, rita):
    base = make_live_memory(store, rita, path="/a.md", content="Wait.")
    rename = {"operation": "rename", "path": "/a.md", "new_path": "/b.md", "base_version": base, "content": "Wait."}
    moved = make_live_memory(store, rita, **rename)

    approve(revert(decision_id=moved.decision.pk, by=rita, why="Others look there."), rita)

    assert live(store) == [("/a.md", "Wait.")]


def test_what_changed_again_since_is_not_reverted_by_guess(store, rita):
    base = make_live_memory(store, rita, path="/a.md", content="One.")
    update = {"operation": "update", "path": "/a.md"}
    second = make_live_memory(store, rita, base_version=base, content="Two.", **update)
    make_live_memory(store, rita, base_version=second, content="Three.", **update)

    for decision in (base.decision, second.decision):
        with pytest.raises(Refused, match="since, in r3"):
            revert(decision_id=decision.pk, by=rita, why="Wrong.")


def test_a_revert_says_why_comes_from_a_reviewer_and_waits_once(store, rita, adam):
    decision = make_live_memory(store, rita).decision
    with pytest.raises(NotDone):
        revert(decision_id=decision.pk, by=rita, why=" ")
    with pytest.raises(NotAllowed):
        revert(decision_id=decision.pk, by=adam, why="Wrong.")
    revert(decision_id=decision.pk, by=rita, why="Wrong.")
    with pytest.raises(KnownClaim, match="waits for a decision"):
        revert(decision_id=decision.pk, by=rita, why="Wrong.")


def test_a_person_brings_a_rejected_claim_back_and_it_says_so(store, rita):
    proposal = make_proposal(store)
    reject(proposal, rita)

    again = reopen(proposal_id=proposal.pk, by=rita, why="I misread it.")

    assert again.risk == ["rejected_before"]
    assert (again.content, again.claim_key) == (proposal.content, proposal.claim_key)
    assert "It hides the cause." in again.rationale
    assert again.evidence.count() == 1
    assert isinstance(approve(again, rita), Decision)
    proposal.refresh_from_db()
    assert proposal.status == "rejected"


def test_a_dream_cannot_bring_it_back_and_a_policy_does_not_let_it_through(store, rita):
    store.agents.update(mode="auto", auto_min_sessions=2, auto_min_agents=1)
    proposal = make_proposal(store)
    reject(proposal, rita)
    with pytest.raises(KnownClaim):
        make_proposal(store, claim_key=proposal.claim_key)
    with pytest.raises(Refused, match="Only a person"):
        make_proposal(store, claim_key=proposal.claim_key, flags=["rejected_before"])

    again = reopen(proposal_id=proposal.pk, by=rita, why="I misread it.")
    with pytest.raises(NotAllowed):
        decide(proposal_id=again.pk, decider=AutoPolicy(), ballot=Ballot("approve", again.digest))


def test_an_agent_cannot_bring_it_back_either(store, rita):
    proposal = make_proposal(store, source=Proposal.Source.PERSON, evidence=[])
    reject(proposal, rita)
    draft = Draft("create", proposal.path, proposal.content, "written", "T", "R", flags=["rejected_before"])
    with pytest.raises(Refused, match="Only a person"):
        submit_proposal(store=store, draft=draft, source="person", proposer=Actor.agent("teller"))


def test_what_was_brought_back_can_be_reworded_and_is_still_flagged(store, rita):
    proposal = make_proposal(store)
    reject(proposal, rita)
    again = reopen(proposal_id=proposal.pk, by=rita, why="I misread it.")
    changes.ask_for_changes(proposal_id=again.pk, by=rita, note="Say until when.")

    newer = changes.reword(proposal_id=again.pk, by=rita, content="Wait for noon.", path=again.path)

    assert newer.risk == ["rejected_before"]


def test_only_what_was_rejected_is_reopened_and_only_what_went_live_is_reverted(store, rita):
    approved = approve(make_proposal(store), rita)
    rejected = reject(make_proposal(store), rita)
    with pytest.raises(Refused, match="is not rejected"):
        reopen(proposal_id=approved.proposal_id, by=rita, why="Hm.")
    with pytest.raises(Refused, match="can be reopened"):
        revert(decision_id=rejected.pk, by=rita, why="Hm.")
