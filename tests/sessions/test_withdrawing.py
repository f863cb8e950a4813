"""Sessions that were wrong: outcomes are corrected, poisoned ones are kept from dreams; what rests on them comes back."""

import pytest

from audit.actors import Actor
from audit.models import Entry
from audit.verifying import verify_record
from dreaming.windows import in_window
from memory.services import QuoteDraft, Refused
from reviews import evidence_reviewing
from reviews.ballots import NotAllowed, Stale
from reviews.evidence_reviewing import propose_change, say_it_stands
from reviews.models import EvidenceReview
from reviews.rebasing import rebase
from reviews.together import NotDone
from sessions.indexing import index_sessions
from sessions.models import Poisoning, SessionIndex
from sessions.withdrawing import NotWithdrawn, correct_outcome, mark_poisoned
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


@pytest.fixture
def store():
    return make_store("claims", [make_agent("teller")])


@pytest.fixture
def session(store):
    return make_session(store.agents.get(), ["one two"], outcome="failure", outcome_score=0.2, outcome_source="user")


def quoted(session, text="one", stance="supports"):
    return QuoteDraft(session.pk, 0, text, stance)


def poison(session):
    return mark_poisoned(session_id=session.pk, reason="It was planted.", actor=SYSTEM)


def test_a_corrected_outcome_keeps_what_was_said_before(client, session, adam):
    index_sessions([session.pk])
    client.force_login(adam)
    answer = client.post(
        f"/sessions/{session.pk}/outcome/", {"outcome": "success", "reason": "The customer confirmed it."}, follow=True
    )
    session.refresh_from_db()
    page = answer.content.decode()
    assert (session.outcome, session.outcome_score, session.outcome_source) == ("success", None, "correction")
    assert SessionIndex.objects.get(session=session).outcome == "success"
    assert "Said to be <b>failure</b> 0.20" in page
    assert "The customer confirmed it." in page
    entry = Entry.objects.get(action="session.outcome_corrected")
    assert (entry.data["before"], entry.data["after"], entry.actor_name) == ("failure", "success", "adam")


@pytest.mark.parametrize(
    ("outcome", "reason"), [("failure", "x"), ("great", "x"), ("success", " "), ("success", "x" * 4001)]
)
def test_a_correction_says_something_new_and_why(client, session, adam, outcome, reason):
    client.force_login(adam)
    answer = client.post(f"/sessions/{session.pk}/outcome/", {"outcome": outcome, "reason": reason})
    assert answer.status_code == 422
    assert not session.corrections.exists()


def test_a_poisoned_session_is_outside_every_window_and_nothing_may_cite_it(store, session):
    other = make_session(store.agents.get())
    assert set(in_window(store.sessions(), "all")) == {session, other}
    poison(session)
    assert list(in_window(store.sessions(), "all")) == [other]
    assert list(in_window(store.sessions(), "5")) == [other]
    with pytest.raises(Refused):
        make_proposal(store, session, evidence=[quoted(session)])


def test_a_reviewer_marks_it_in_the_browser_and_the_page_says_so(client, session, rita):
    client.force_login(rita)
    page = client.post(f"/sessions/{session.pk}/poison/", {"reason": "It was planted."}, follow=True).content.decode()
    assert "rita marked it" in page
    assert "It was planted." in page
    assert Entry.objects.get(action="session.poisoned").subject == f"session:{session.pk}"
    with pytest.raises(NotWithdrawn, match="rita marked it already"):
        poison(session)


@pytest.mark.parametrize("stance", ["supports", "contradicts"])
def test_an_open_proposal_that_cites_it_goes_stale_so_that_a_late_approval_is_refused(
    client, store, session, rita, stance
):
    also = make_session(store.agents.get(), ["three"])
    proposal = make_proposal(store, session, evidence=[quoted(session, stance=stance), quoted(also, "three")])
    client.force_login(rita)
    page = client.get(f"/proposals/{proposal.pk}/").context

    poison(session)

    form = {"verdict": "approve", "digest": page["digest"], "seen": page["seen"]}
    assert client.post(f"/proposals/{proposal.pk}/decide/", form).status_code == 409
    with pytest.raises(Stale, match="Evidence was withdrawn"):
        approve(proposal, rita)
    page = client.get(f"/proposals/{proposal.pk}/").content.decode()
    assert "poisoned since" in page
    acts = Entry.objects.filter(action__in=["session.poisoned", "proposal.stale"]).values_list("act", flat=True)
    assert (len(acts), len(set(acts))) == (2, 1)
    assert "Evidence was withdrawn" in page


def test_a_rebase_leaves_the_withdrawn_evidence_out(store, session, rita):
    also = make_session(store.agents.get(), ["three"])
    proposal = make_proposal(store, session, evidence=[quoted(session), quoted(also, "three")])
    poison(session)
    newer = rebase(proposal_id=proposal.pk, by=rita)
    assert [quote.session for quote in newer.evidence.all()] == [also]


def test_what_has_no_evidence_left_cannot_be_rebased(store, session, rita):
    proposal = make_proposal(store, session, evidence=[quoted(session)])
    poison(session)
    with pytest.raises(Refused, match="needs evidence"):
        rebase(proposal_id=proposal.pk, by=rita)


@pytest.fixture
def live(store, session, rita):
    """A live memory that rests on the session by an earlier version, and was changed since."""
    first = make_live_memory(store, rita, evidence=[quoted(session)])
    update = make_proposal(
        store, operation="update", path=first.path, base_version=first, content="Changed since.", title="Change it"
    )
    return approve(update, rita).version


def test_live_memory_that_rests_on_it_is_listed_with_what_is_left(client, live, session, aude):
    poison(session)
    client.force_login(aude)
    page = " ".join(client.get("/evidence-withdrawn/").content.decode().split())
    assert live.path in page
    assert "1 of the 2 quoted sessions that supported it is left" in page
    assert "it was marked as poisoned" in page
    assert "It still stands" not in page
    for address in ("/overview/", "/"):
        assert "1 live memory rests on withdrawn evidence" in client.get(address).content.decode()


def test_a_quote_against_it_does_not_bring_a_memory_back(store, session, rita):
    other = make_session(store.agents.get(), ["three"])
    make_live_memory(store, rita, evidence=[quoted(other, "three"), quoted(session, stance="contradicts")])
    poison(session)
    assert not EvidenceReview.objects.exists()


def test_one_memory_waits_once_with_every_cause(live, session):
    correct_outcome(session_id=session.pk, outcome="success", reason="Confirmed.", actor=SYSTEM)
    poison(session)
    row = EvidenceReview.objects.get()
    assert {cause.why for cause in row.causes.all()} == {"relabelled", "poisoned"}


def test_a_memory_is_looked_at_again_when_only_the_score_was_wrong(client, live, session, aude):
    correct_outcome(session_id=session.pk, outcome="failure", score=0.9, reason="Graded anew.", actor=SYSTEM)
    assert EvidenceReview.objects.get().causes.get().why == "relabelled"
    client.force_login(aude)
    page = " ".join(client.get(f"/sessions/{session.pk}/").content.decode().split())
    assert "Said to be <b>failure</b> 0.20 by" in page
    assert "corrected to <b>failure</b> with another score" in page


def test_a_reviewer_closes_it_with_a_reason(client, live, session, rita):
    poison(session)
    row = EvidenceReview.objects.get()
    client.force_login(rita)
    assert client.post(f"/evidence-withdrawn/{row.pk}/stands/", {"reason": " "}).status_code == 409
    page = client.post(f"/evidence-withdrawn/{row.pk}/stands/", {"reason": "I tried it."}, follow=True).content.decode()
    assert "still stands" in page
    assert "I tried it." in page
    assert not evidence_reviewing.waiting().exists()
    entry = Entry.objects.get(action="evidence_review.closed")
    assert (entry.data["answer"], entry.data["sessions"]) == ("stands", [session.pk])
    with pytest.raises(NotDone, match="rita closed it already"):
        say_it_stands(evidence_review_id=row.pk, by=rita, reason="Again.")
    assert verify_record().error == ""


@pytest.mark.parametrize(("change", "operation"), [("delete", "delete"), ("revert", "update")])
def test_or_by_a_proposal_to_change_the_memory(client, live, session, rita, change, operation):
    poison(session)
    row = EvidenceReview.objects.get()
    client.force_login(rita)
    answer = client.post(f"/evidence-withdrawn/{row.pk}/change/", {"reason": "It is baseless.", "change": change})
    row.refresh_from_db()
    assert answer["Location"] == f"/proposals/{row.proposal.pk}/"
    assert (row.state, row.proposal.operation, row.proposal.status) == ("changed", operation, "open")
    live.memory.refresh_from_db()
    assert live.memory.head == live


def test_only_reviewers_close_it(live, session, adam):
    poison(session)
    with pytest.raises(NotAllowed):
        propose_change(evidence_review_id=EvidenceReview.objects.get().pk, by=adam, reason="x", change="delete")


def test_a_memory_that_was_deleted_since_waits_no_more(store, live, session, rita):
    poison(session)
    approve(
        make_proposal(store, operation="delete", path=live.path, base_version=live, content="", title="Drop it"), rita
    )
    assert not evidence_reviewing.waiting().exists()
    with pytest.raises(NotDone, match="was deleted since"):
        say_it_stands(evidence_review_id=EvidenceReview.objects.get().pk, by=rita, reason="x")


def test_if_the_record_cannot_be_written_nothing_is_withdrawn(live, session, monkeypatch):
    def broken(**_):
        raise RuntimeError("no record")

    monkeypatch.setattr("sessions.withdrawing.record", broken)
    with pytest.raises(RuntimeError):
        poison(session)
    assert not Poisoning.objects.exists()
    assert not EvidenceReview.objects.exists()
