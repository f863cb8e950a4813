"""One person where two are asked: only where the store allows it, never quietly, and somebody else looks again."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from audit.actors import Actor
from audit.models import Entry
from audit.salts import matches
from memory.models import Memory, Proposal
from memory.stopping import stop_store
from reviews import holding, reminders, rereviews, undoing
from reviews.ballots import AlreadyDecided, BadDecision, Ballot, Edit, NotAllowed, Stopped
from reviews.bulk import Item, approve_picked, manifest_of
from reviews.models import Decision, HeldBallot, ReReview, ReviewSettings, Waiver
from reviews.services import decide
from reviews.together import NotDone
from tests.factories import approve, make_proposal, make_store
from tests.signers import ballot_from, can_sign, code

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    store = make_store("claims")
    ReviewSettings.objects.create(store=store, four_eyes="always", waivers_allowed=True)
    return store


def alone(proposal, by, kind="waiver", reason="Ruth is away and agents overpay.", edit=None):
    verdict = "approve_with_edits" if edit else "approve"
    return decide(
        proposal_id=proposal.pk, decider=by, ballot=Ballot(verdict, proposal.digest, reason, edit, waiver=kind)
    )


def live() -> list[str]:
    return list(Memory.objects.filter(head__isnull=False).values_list("head__content", flat=True))


@pytest.mark.parametrize(("kind", "action"), [("waiver", "decision.waived"), ("emergency", "decision.emergency")])
def test_one_person_publishes_with_a_reason_and_the_record_says_so(rita, store, kind, action):
    decision = alone(make_proposal(store, content="Wait."), rita, kind)

    assert live() == ["Wait."]
    assert (decision.waiver.kind, decision.waiver.by_name) == (kind, "rita")
    assert [entry.action for entry in Entry.objects.filter(act=decision.act).order_by("seq")] == [
        "decision.made",
        "memory.version.published",
        action,
    ]
    said = Entry.objects.get(action=action)
    assert "Ruth is away" not in str(said.data)
    assert matches(said) == "matches"


def test_by_default_no_store_allows_it(rita):
    store = make_store()
    ReviewSettings.objects.create(store=store, four_eyes="always")
    with pytest.raises(NotAllowed, match="allows no waiver"):
        alone(make_proposal(store), rita)
    assert live() == []


def test_it_needs_a_reason_and_somebody_to_waive(rita, store):
    with pytest.raises(BadDecision, match="Say why one person is enough"):
        alone(make_proposal(store), rita, reason=" ")
    with pytest.raises(BadDecision, match="is no waiver"):
        alone(make_proposal(store), rita, kind="please")
    ReviewSettings.objects.update(four_eyes="never")
    with pytest.raises(BadDecision, match="nobody to waive"):
        alone(make_proposal(store), rita)
    assert (live(), Waiver.objects.count()) == ([], 0)


def test_the_second_of_two_waives_nobody(rita, ruth, store):
    proposal = make_proposal(store)
    approve(proposal, rita)
    alone(proposal, ruth)
    assert len(live()) == 1
    assert not Waiver.objects.exists()


def test_an_author_and_an_editor_publish_their_text_alone_only_by_a_waiver(rita, store):
    own = undoing.revert(decision_id=alone(make_proposal(store), rita).pk, by=rita, why="Wrong.")
    with pytest.raises(NotAllowed, match="you wrote this"):
        approve(own, rita)
    alone(own, rita)
    edited = make_proposal(store)
    alone(edited, rita, edit=Edit("Wait for noon.", edited.path))
    assert live() == ["Wait for noon."]
    assert Waiver.objects.count() == 3


def test_an_emergency_is_not_held_back_and_a_waiver_is(rita, store):
    ReviewSettings.objects.update(hold_back_seconds=60)
    first, second = make_proposal(store), make_proposal(store)
    ballot = Ballot("approve", first.digest, "It bleeds.", waiver="emergency")
    assert isinstance(holding.cast(proposal_id=first.pk, decider=rita, ballot=ballot), Decision)
    ballot = Ballot("approve", second.digest, "Alone here.", waiver="waiver")
    assert isinstance(holding.cast(proposal_id=second.pk, decider=rita, ballot=ballot), HeldBallot)

    HeldBallot.objects.update(due_at="2020-01-01T00:00Z")
    holding.release_due()

    assert list(Waiver.objects.order_by("pk").values_list("kind", flat=True)) == ["emergency", "waiver"]


def test_not_even_an_emergency_passes_the_stop_button(rita, store):
    stop_store(store_id=store.pk, actor=Actor.user(rita), reason="It learnt nonsense.")
    with pytest.raises(Stopped):
        alone(make_proposal(store), rita, "emergency")
    assert live() == []


# Looked at again.


def test_somebody_else_confirms_within_a_day_and_says_what_they_found(rita, ruth, store):
    waiver = alone(make_proposal(store), rita).waiver
    waiver.refresh_from_db()
    assert waiver.due_at - waiver.created_at == timedelta(hours=24)

    with pytest.raises(NotAllowed, match="Somebody else"):
        rereviews.confirm(waiver_id=waiver.pk, by=rita, note="It is fine.")
    with pytest.raises(NotDone, match="Say what you found"):
        rereviews.confirm(waiver_id=waiver.pk, by=ruth, note=" ")
    assert list(Waiver.objects.waiting()) == [waiver]
    rereviews.confirm(waiver_id=waiver.pk, by=ruth, note="The quotes say so.")

    assert not Waiver.objects.waiting().exists()
    assert Entry.objects.get(action="decision.re_reviewed").data["outcome"] == "confirmed"
    with pytest.raises(AlreadyDecided):
        rereviews.confirm(waiver_id=waiver.pk, by=ruth, note="Again.")


def test_or_puts_its_reverse_forward_which_needs_two_like_anything(rita, ruth, store):
    waiver = alone(make_proposal(store, content="Wait."), rita).waiver

    answer = rereviews.revert(waiver_id=waiver.pk, by=ruth, note="The quotes say no such thing.")

    assert (answer.outcome, answer.reversal.operation) == ("reverted", "delete")
    with pytest.raises(NotAllowed, match="you wrote this"):
        approve(answer.reversal, ruth)
    assert live() == ["Wait."]
    approve(answer.reversal, rita)
    assert live() == []


def test_desk_overview_and_digest_say_so_until_it_is_looked_at(client, rita, ruth, store):
    client.force_login(ruth)
    assert "published by one person" not in client.get("/").content.decode()
    waiver = alone(make_proposal(store), rita).waiver
    for address in ("/", "/overview/"):
        assert "1 published by one person" in client.get(address).content.decode()
    chosen = ReviewSettings.objects.get()
    assert "1 published by one person" in " ".join(reminders.store_digest(chosen).facts)

    make_overdue(waiver)
    assert "1 overdue" in client.get("/").content.decode()
    assert "1 overdue" in " ".join(reminders.store_digest(chosen).facts)
    assert "overdue since" in client.get("/re-reviews/").content.decode()

    refused = client.post(f"/re-reviews/{waiver.pk}/confirm/", {"note": ""})
    assert refused.status_code == 409
    assert client.post(f"/re-reviews/{waiver.pk}/confirm/", {"note": "It stands."}).status_code == 302
    assert "published by one person" not in client.get("/").content.decode()
    assert "It stands." in client.get("/re-reviews/").content.decode()
    assert not reminders.store_digest(chosen)


def make_overdue(waiver) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; SET session_replication_role = replica")
        cursor.execute("UPDATE reviews_waiver SET due_at = due_at - interval '25 hours' WHERE id = %s", [waiver.pk])
        cursor.execute("SET session_replication_role = DEFAULT; SET ROLE daylight_app")


def test_in_the_browser_alone_is_a_choice_that_nobody_makes_by_default(client, rita, store):
    ReviewSettings.objects.update(signatures=True)
    can_sign(rita, "Rita Reyes")
    client.force_login(rita)
    proposal = make_proposal(store)
    address = f"/proposals/{proposal.pk}/"
    page = client.get(address).content.decode()
    assert 'id="waiver-none" checked' in page
    sent = {"verdict": "approve", "reason": "Ruth is away.", "waiver": "waiver", "sign_password": "rita-password"}

    client.post(f"{address}decide/", {**ballot_from(client, address), **sent, "sign_code": code()})

    decision = Decision.objects.get()
    assert decision.waiver.reason == "Ruth is away."
    assert decision.signature.get_meaning_display().endswith("approve this alone, where two people are asked.")
    assert "the second person was waived" in client.get(address).content.decode()


def test_where_no_waiver_is_allowed_none_is_offered(client, rita, store):
    ReviewSettings.objects.update(waivers_allowed=False)
    client.force_login(rita)
    assert "waiver" not in client.get(f"/proposals/{make_proposal(store).pk}/").content.decode()


# Separation of duties through every other door.


def test_bulk_reverting_and_taking_back_need_two_as_well(rita, ruth):
    store = make_store()
    settings = ReviewSettings.objects.create(store=store, bulk_allowed=True, four_eyes="flagged")
    plain = make_proposal(store)
    decision = approve(plain, rita)
    connection.check_constraints()  # as a commit does
    settings.four_eyes = "always"
    settings.save()

    picked = [Item(one.pk, one.digest) for one in (make_proposal(store), make_proposal(store))]
    outcomes = approve_picked(items=picked, manifest=manifest_of(picked), reason="Plain.", by=ruth)
    assert {outcome.result for outcome in outcomes} == {"refused"}
    reverse = undoing.revert(decision_id=decision.pk, by=rita, why="Wrong.")
    with pytest.raises(NotAllowed):
        approve(reverse, rita)
    assert len(live()) == 1
    assert isinstance(approve(reverse, ruth), Decision)
    assert live() == []


def test_what_was_rejected_is_not_brought_back_and_approved_by_one_person(rita, ruth):
    store = make_store()
    ReviewSettings.objects.create(store=store, four_eyes="always")
    proposal = make_proposal(store)
    decide(proposal_id=proposal.pk, decider=ruth, ballot=Ballot("reject", proposal.digest, "No."))
    again = undoing.reopen(proposal_id=proposal.pk, by=rita, why="Yes.")
    with pytest.raises(NotAllowed):
        approve(again, rita)


# Behind the service.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("missing", ["waive", "record", "setting"])
@pytest.mark.parametrize("edited", [False, True])
def test_the_database_takes_no_waiver_that_is_not_on_the_record_or_not_allowed(
    rita, store, monkeypatch, missing, edited
):
    proposal = make_proposal(store)
    if missing == "waive":
        monkeypatch.setattr("reviews.services.waive", lambda *_: None)
    elif missing == "record":
        monkeypatch.setattr("reviews.waiving.record", lambda **_: None)
    else:
        ReviewSettings.objects.update(waivers_allowed=False)
        monkeypatch.setattr("reviews.services.goes_alone", lambda *_, **__: True)
    with pytest.raises(DatabaseError, match="needs two people"):
        alone(proposal, rita, edit=Edit("Wait.", proposal.path) if edited else None)
    assert live() == []


@pytest.mark.django_db(transaction=True)
def test_the_database_lets_nobody_clear_their_own_waiver(rita, store):
    waiver = alone(make_proposal(store), rita).waiver
    with pytest.raises(DatabaseError, match="by somebody else"):
        ReReview.objects.create(waiver=waiver, outcome="confirmed", by=rita, by_name="rita", note="Fine.")
    assert Proposal.objects.get().status == "approved"
