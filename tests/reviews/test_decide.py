"""The one door: what `decide()` does, and what it refuses."""

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from memory.models import Memory, MemoryVersion, Proposal
from reviews import services
from reviews.ballots import AlreadyDecided, BadDecision, Ballot, DigestMismatch, Edit, NotAllowed, Stale
from reviews.models import Decision
from reviews.services import decide
from tests.factories import approve, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store()


def test_an_approval_publishes_the_proposed_bytes_and_advances_the_revision(store, rita):
    proposal = make_proposal(store, content="Wait for the close.\n")

    decision = approve(proposal, rita)

    store.refresh_from_db()
    assert store.revision == decision.version.revision == 1
    assert Memory.objects.get(store=store).head.content == "Wait for the close.\n"
    proposal.refresh_from_db()
    assert proposal.status == "approved"
    assert proposal.decided_at is not None


def test_an_approval_leaves_two_entries_of_one_act_in_the_record(store, rita):
    decision = approve(make_proposal(store), rita)

    entries = Entry.objects.filter(act=decision.act).order_by("seq")
    assert [entry.action for entry in entries] == ["decision.made", "memory.version.published"]
    assert {entry.actor_name for entry in entries} == {"rita"}


def test_an_edit_publishes_the_edited_text_and_keeps_the_original(store, rita):
    proposal = make_proposal(store, content="Wait for the close.")
    ballot = Ballot("approve_with_edits", proposal.digest, "Shorter.", Edit("Wait.", "/tools/ledger.md"))

    decision = decide(proposal_id=proposal.pk, decider=rita, ballot=ballot)

    assert (decision.version.content, decision.version.path) == ("Wait.", "/tools/ledger.md")
    proposal.refresh_from_db()
    assert proposal.content == "Wait for the close."


def test_a_rejection_publishes_nothing_and_keeps_the_claim_away(store, rita):
    proposal = make_proposal(store, claim_key="locked-ledger")
    decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", proposal.digest, "Hides the cause."))

    assert not MemoryVersion.objects.exists()
    with pytest.raises(ValueError, match="Rejected before, as prop_.*Hides the cause"):
        make_proposal(store, claim_key="locked-ledger", content="Worded quite differently.")


def test_a_rejection_without_a_reason_is_refused(store, rita):
    proposal = make_proposal(store)

    with pytest.raises(BadDecision, match="Say why"):
        decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", proposal.digest, "  "))

    proposal.refresh_from_db()
    assert proposal.is_open


def test_an_old_digest_is_refused(store, rita):
    proposal = make_proposal(store)

    with pytest.raises(DigestMismatch):
        decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", "0" * 64))

    assert not Decision.objects.exists()


def test_evidence_slipped_in_after_the_proposal_was_filed_is_noticed(store, rita):
    proposal = make_proposal(store)
    first = proposal.evidence.get()
    proposal.evidence.create(session=first.session, seq=0, quote="Error", stance="supports")

    with pytest.raises(DigestMismatch):
        approve(proposal, rita)


def test_the_second_decision_is_told_who_was_first(store, rita):
    proposal = make_proposal(store)
    approve(proposal, rita)

    with pytest.raises(AlreadyDecided, match="rita approved it"):
        approve(proposal, rita)


@pytest.mark.parametrize("fixture", ["adam", "aude", "oscar"])
def test_only_reviewers_decide(store, fixture, request):
    with pytest.raises(NotAllowed):
        approve(make_proposal(store), request.getfixturevalue(fixture))


def test_a_superuser_is_not_thereby_a_reviewer(store):
    root = User.objects.create_superuser("root", password="root-password")

    with pytest.raises(NotAllowed):
        approve(make_proposal(store), root)


def test_a_role_taken_away_counts_at_once(store, rita):
    proposal = make_proposal(store)
    rita.groups.clear()

    with pytest.raises(NotAllowed):
        approve(proposal, rita)


def test_a_moved_base_is_refused_and_the_proposal_goes_stale(store, rita):
    base = make_live_memory(store, rita)
    early = make_proposal(store, operation="update", path=base.path, base_version=base, content="One way.")
    late = make_proposal(store, operation="update", path=base.path, base_version=base, content="Another way.")
    approve(early, rita)

    with pytest.raises(Stale, match="changed when rita approved prop_"):
        approve(late, rita)

    late.refresh_from_db()
    assert late.status == "stale"
    assert Memory.objects.get(pk=base.memory_id).head.content == "One way."


def test_a_base_that_moved_unnoticed_is_found_at_the_door(store, rita):
    """Another decision may hold the row while a publication marks the stale ones; the door checks again."""
    base = make_live_memory(store, rita)
    late = make_proposal(store, operation="update", path=base.path, base_version=base, content="Another way.")
    approve(make_proposal(store, operation="update", path=base.path, base_version=base, content="One way."), rita)
    Proposal.objects.filter(pk=late.pk).update(status="open")

    with pytest.raises(Stale, match="moved to revision 2; this was proposed against revision 1"):
        approve(late, rita)

    late.refresh_from_db()
    assert late.status == "stale"
    assert Entry.objects.filter(action="proposal.stale", subject=f"proposal:{late.pk}").exists()


def test_two_creates_at_one_path_cannot_both_go_live(store, rita):
    first, second = (make_proposal(store, path="/tools/ledger.md") for _ in range(2))
    approve(first, rita)

    with pytest.raises(Stale):
        approve(second, rita)

    assert Memory.objects.filter(path="/tools/ledger.md").count() == 1


def test_an_edit_may_not_move_onto_a_live_memory(store, rita):
    live = make_live_memory(store, rita)
    proposal = make_proposal(store)
    edit = Edit("Other words.", live.path)

    with pytest.raises(BadDecision, match="Choose another path"):
        decide(
            proposal_id=proposal.pk,
            decider=rita,
            ballot=Ballot("approve_with_edits", proposal.digest, "", edit),
        )

    proposal.refresh_from_db()
    assert proposal.is_open


def test_a_stale_proposal_can_be_rejected_and_its_claim_stays_away(store, rita):
    base = make_live_memory(store, rita)
    late = make_proposal(store, operation="update", path=base.path, base_version=base, claim_key="late")
    approve(make_proposal(store, operation="update", path=base.path, base_version=base), rita)

    decide(proposal_id=late.pk, decider=rita, ballot=Ballot("reject", late.digest, "Superseded."))

    with pytest.raises(ValueError, match="Rejected before"):
        make_proposal(store, claim_key="late")


def test_a_delete_takes_the_memory_out_and_keeps_its_versions(store, rita):
    base = make_live_memory(store, rita)
    approve(make_proposal(store, operation="delete", path=base.path, base_version=base, content=""), rita)

    memory = Memory.objects.get(pk=base.memory_id)
    assert memory.head is None
    assert [version.operation for version in memory.versions.all()] == ["deleted", "created"]


def test_a_rename_moves_the_text(store, rita):
    base = make_live_memory(store, rita, content="Wait for the close.")
    proposal = make_proposal(
        store,
        operation="rename",
        path=base.path,
        new_path="/ledger.md",
        base_version=base,
        content=base.content,
    )
    approve(proposal, rita)

    memory = Memory.objects.select_related("head").get(pk=base.memory_id)
    assert (memory.path, memory.head.content) == ("/ledger.md", "Wait for the close.")


def test_a_secret_typed_into_an_edit_is_refused(store, rita):
    proposal = make_proposal(store)
    edit = Edit("Log in with password=hunter2-and-more", proposal.path)

    with pytest.raises(BadDecision, match="looks like a key, password"):
        decide(
            proposal_id=proposal.pk,
            decider=rita,
            ballot=Ballot("approve_with_edits", proposal.digest, "", edit),
        )


@pytest.mark.parametrize("failing", ["decision.made", "memory.version.published"])
def test_when_the_record_cannot_be_written_nothing_is_decided(store, rita, monkeypatch, failing):
    proposal = make_proposal(store)
    real_record = services.record

    def broken(*, action, **rest):
        if action == failing:
            raise OSError("the record is full")
        return real_record(action=action, **rest)

    monkeypatch.setattr(services, "record", broken)
    with pytest.raises(OSError, match="the record is full"):
        approve(proposal, rita)

    proposal.refresh_from_db()
    store.refresh_from_db()
    assert proposal.is_open
    assert store.revision == 0
    assert not MemoryVersion.objects.exists()
    assert not Decision.objects.exists()
    assert not Entry.objects.filter(action="decision.made").exists()
