"""Where a store asks for it, every decision of a person is signed: in full first, bound to what is decided, used once."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test import Client

from audit.models import Entry
from memory.models import Memory
from reviews import holding
from reviews.ballots import Ballot, NotSigned
from reviews.imports import import_memory
from reviews.models import Decision, HeldBallot, ReviewSettings, Seed, SeedAnswer, Signature, SigningPassword, Vote
from reviews.policies import AutoPolicy
from reviews.services import decide
from tests.conftest import make_user
from tests.factories import approve, make_agent, make_proposal, make_store
from tests.signers import ballot_from, can_sign, code, fresh_code

pytestmark = pytest.mark.django_db
PASSWORD = "rita-password"


@pytest.fixture
def store():
    store = make_store("claims")
    ReviewSettings.objects.create(store=store, signatures=True)
    return store


@pytest.fixture
def signer(client, rita):
    client.force_login(rita)
    return can_sign(rita, "Rita Reyes")


def send(client, proposal, **typed):
    address = f"/proposals/{proposal.pk}/"
    return client.post(
        f"{address}decide/", {"verdict": "approve", "reason": "", **ballot_from(client, address), **typed}
    )


def live() -> list[str]:
    return list(Memory.objects.filter(head__isnull=False).values_list("head__content", flat=True))


def refusals() -> int:
    return Entry.objects.filter(action="signature.refused").count()


def test_the_first_of_a_sitting_takes_password_and_code_and_the_next_one_of_the_two(client, signer, store):
    proposal, second, third = (make_proposal(store) for _ in range(3))

    assert send(client, proposal, sign_password=PASSWORD).status_code == 422
    assert send(client, proposal, sign_code=code()).status_code == 422
    assert live() == []
    assert send(client, proposal, sign_password=PASSWORD, sign_code=fresh_code(signer)).status_code == 302
    assert send(client, second, sign_password=PASSWORD).status_code == 302
    assert send(client, third, sign_password=fresh_code(signer)).status_code == 302

    found = list(Signature.objects.values_list("signer_name", "meaning", "components"))
    assert found == [
        ("Rita Reyes", "approved", ["password", "code"]),
        ("Rita Reyes", "approved", ["password"]),
        ("Rita Reyes", "approved", ["code"]),
    ]
    assert {decision.signature.proposal_id for decision in Decision.objects.all()} == {
        proposal.pk,
        second.pk,
        third.pk,
    }


def test_after_a_break_or_a_new_log_in_it_takes_both_again(client, signer, store):
    send(client, make_proposal(store), sign_password=PASSWORD, sign_code=code())
    elsewhere = Client()
    elsewhere.force_login(signer)

    proposal = make_proposal(store)
    assert send(elsewhere, proposal, sign_password=PASSWORD).status_code == 422
    backdate(Signature, minutes=16)
    assert send(client, proposal, sign_password=PASSWORD).status_code == 422
    ReviewSettings.objects.update(signing_break_minutes=20)
    assert send(client, proposal, sign_password=PASSWORD).status_code == 302


def backdate(model, minutes: int) -> None:
    """As the owner with triggers off: what is signed cannot be changed."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; SET session_replication_role = replica")
        cursor.execute(f"UPDATE {model._meta.db_table} SET created_at = created_at - %s", [timedelta(minutes=minutes)])
        cursor.execute("SET session_replication_role = DEFAULT; SET ROLE daylight_app")


@pytest.mark.parametrize("wrong", [{"sign_password": "not it"}, {"sign_code": "000000"}])
def test_a_wrong_component_decides_nothing_and_keeps_what_was_typed(client, signer, store, wrong):
    proposal = make_proposal(store)
    typed = {"verdict": "approve_with_edits", "reason": "Says until when.", "content": "Wait.", "path": proposal.path}

    refused = send(client, proposal, **typed, **{"sign_password": PASSWORD, "sign_code": code(), **wrong})

    page = refused.content.decode()
    assert refused.status_code == 422
    assert "The signature was refused" in page
    assert "Says until when." in page
    assert ">\nWait.</textarea>" in page
    assert "not it" not in page
    assert (live(), Signature.objects.count(), refusals()) == ([], 0, 1)


def test_five_refusals_lock_signing_also_for_the_right_password(client, signer, store):
    proposal = make_proposal(store)
    for _ in range(5):
        send(client, proposal, sign_password="not it", sign_code="000000")

    locked = send(client, proposal, sign_password=PASSWORD, sign_code=code())

    assert "Signing is locked" in locked.content.decode()
    assert (live(), refusals()) == ([], 5)


def test_a_code_signs_once(client, signer, store):
    used = code()
    send(client, make_proposal(store), sign_password=PASSWORD, sign_code=used)

    again = send(client, make_proposal(store), sign_password=used)

    assert again.status_code == 422
    assert Decision.objects.count() == 1


def test_a_code_is_not_used_up_by_what_is_refused_for_another_reason(client, signer, store):
    proposal, shown = make_proposal(store), code()
    assert send(client, proposal, verdict="reject", sign_password=PASSWORD, sign_code=shown).status_code == 422
    again = send(client, proposal, verdict="reject", reason="No.", sign_password=PASSWORD, sign_code=shown)
    assert again.status_code == 302


def test_a_signing_request_is_for_one_proposal_one_person_and_one_use(client, signer, ruth, store):
    first, second = make_proposal(store), make_proposal(store)
    lifted = ballot_from(client, f"/proposals/{first.pk}/")["signing_nonce"]
    both = {"sign_password": PASSWORD, "sign_code": code()}

    assert "not for what you see" in send(client, second, signing_nonce=lifted, **both).content.decode()
    assert send(client, second, signing_nonce="", **both).status_code == 422
    other = Client()
    other.force_login(can_sign(ruth, "Ruth Rao"))
    theirs = {"sign_password": "ruth-password", "sign_code": code()}
    assert send(other, first, signing_nonce=lifted, **theirs).status_code == 422
    assert live() == []
    assert send(client, first, signing_nonce=lifted, **both).status_code == 302
    assert send(client, first, signing_nonce=lifted, **both).status_code == 409
    assert Signature.objects.count() == 1


def test_a_signature_is_bound_to_the_bytes_and_stands_in_the_record_and_on_the_pages(client, signer, store):
    proposal = make_proposal(store)
    send(client, proposal, verdict="reject", reason="No.", sign_password=PASSWORD, sign_code=code())

    signature = Signature.objects.get()
    entry = Entry.objects.get(action="decision.made")
    assert (signature.verdict, signature.meaning) == ("reject", "rejected")
    assert signature.proposal_digest == proposal.digest
    assert entry.data["signature"] == signature.digest
    assert entry.data["signed_meaning"] == "I reviewed the evidence and reject this."
    assert entry.actor_name == "Rita Reyes"
    for address in (f"/proposals/{proposal.pk}/", "/?tab=decided", "/signing/"):
        assert "I reviewed the evidence and reject this." in client.get(address).content.decode(), address
    assert "I reviewed the evidence and reject this." in client.get("/record/").content.decode()


def test_what_is_published_shows_its_signature_in_the_memorys_history(client, signer, store):
    send(client, make_proposal(store), sign_password=PASSWORD, sign_code=code())
    memory = Memory.objects.get()
    for address in (f"/memories/{memory.pk}/", "/stores/claims/"):
        assert "Signed by <b>Rita Reyes</b>" in client.get(address).content.decode()


def test_a_held_ballot_is_signed_when_it_is_cast_and_publishes_with_that_signature(client, signer, store):
    ReviewSettings.objects.update(hold_back_seconds=60)
    proposal = make_proposal(store)
    assert send(client, proposal, sign_password="no", sign_code="000000").status_code == 422
    assert send(client, proposal, sign_password=PASSWORD, sign_code=code()).status_code == 302
    assert Entry.objects.get(action="decision.held").data["signature"] == Signature.objects.get().digest

    HeldBallot.objects.update(due_at=F("due_at") - timedelta(minutes=2))
    assert holding.release_due() == 1

    assert Decision.objects.get().signature == HeldBallot.objects.get().signature == Signature.objects.get()


def test_what_was_held_unsigned_does_not_take_effect_once_signatures_are_asked_for(rita, store):
    ReviewSettings.objects.update(hold_back_seconds=60, signatures=False)
    proposal = make_proposal(store)
    holding.cast(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", proposal.digest))
    ReviewSettings.objects.update(signatures=True)
    HeldBallot.objects.update(due_at=F("due_at") - timedelta(minutes=2))

    assert holding.release_due() == 0
    assert "are signed" in HeldBallot.objects.get().outcome


def test_the_first_of_two_signs_and_so_does_who_writes_the_edit(client, signer, store):
    ReviewSettings.objects.update(four_eyes="always")
    proposal, other = make_proposal(store), make_proposal(store)

    send(client, proposal, sign_password=PASSWORD, sign_code=code())
    typed = {"verdict": "approve_with_edits", "content": "Wait.", "path": other.path, "sign_password": PASSWORD}
    send(client, other, **typed)

    vote = Vote.objects.get()
    assert vote.signature.proposal_id == proposal.pk
    assert Entry.objects.get(action="review.voted").data["signature"] == vote.signature.digest
    assert other.signatures.get().meaning == "edited"
    other.refresh_from_db()
    assert other.status == "replaced"
    assert Entry.objects.get(action="proposal.replaced").data["signature"] == other.signatures.get().digest
    assert "am the author of the edit." in client.get(f"/proposals/{other.pk}/").content.decode()


def test_one_signing_request_over_the_manifest_signs_each_of_several(client, signer, store):
    ReviewSettings.objects.update(bulk_allowed=True)
    first, second = make_proposal(store), make_proposal(store)
    address = f"/bulk/?pick={first.pk}&pick={second.pk}"
    items = [f"{one.pk}:{one.digest}" for one in (first, second)]
    sent = {**ballot_from(client, address), "item": items, "reason": "Plain."}

    assert client.post("/bulk/approve/", sent).status_code == 422
    done = client.post("/bulk/approve/", {**sent, "sign_password": PASSWORD, "sign_code": code()})

    assert "2 of 2 approved" in done.content.decode()
    assert {s.proposal_id for s in Signature.objects.all()} == {first.pk, second.pk}
    assert Signature.objects.values("nonce").distinct().count() == 1


def test_a_reversal_at_a_second_look_is_signed(client, signer, store):
    store.agents.set([make_agent(mode="auto", auto_min_sessions=1, auto_min_agents=1)])
    proposal = make_proposal(store)
    decision = decide(proposal_id=proposal.pk, decider=AutoPolicy(), ballot=Ballot("approve", proposal.digest, "So."))
    assert decision.signature is None
    nonce = ballot_from(client, f"/proposals/{decision.proposal_id}/")["signing_nonce"]
    address = f"/second-looks/{decision.pk}/reverse/"

    assert client.post(address).status_code == 409
    client.post(address, {"signing_nonce": nonce, "sign_password": PASSWORD, "sign_code": code()})

    assert Decision.objects.get(decider=signer).signature.signer_name == "Rita Reyes"
    assert live() == []


def test_a_test_item_asks_for_the_same_signature_as_any_other(client, signer, store):
    proposal = make_proposal(store)
    Seed.objects.create(proposal=proposal, flaw="The quote says nothing of the kind.", planted_by="adam")

    assert send(client, proposal).status_code == 422
    assert not SeedAnswer.objects.exists()
    assert send(client, proposal, sign_password=PASSWORD, sign_code=code()).status_code == 302
    assert SeedAnswer.objects.exists()
    answered = Entry.objects.get(action="review.test_item_answered")
    assert answered.data["signature"] == proposal.signatures.get().digest


def test_who_cannot_sign_yet_is_told_what_to_set_up_and_decides_nothing(client, rita, store):
    client.force_login(rita)
    proposal = make_proposal(store)

    page = client.get(f"/proposals/{proposal.pk}/").content.decode()
    assert 'href="/signing/"' in page
    assert 'name="sign_password"' not in page
    assert send(client, proposal, sign_password=PASSWORD, sign_code=code()).status_code == 422
    assert "an authenticator app as second factor" in client.get("/signing/").content.decode()
    assert live() == []


def test_a_store_that_asks_for_none_shows_nothing_of_it(client, rita):
    client.force_login(rita)
    proposal = make_proposal(make_store())
    assert "sign_" not in client.get(f"/proposals/{proposal.pk}/").content.decode().split('<div class="dock">')[1]
    assert send(client, proposal).status_code == 302


def test_nothing_but_the_browser_decides_where_decisions_are_signed(rita, store, tmp_path):
    proposal = make_proposal(store)
    with pytest.raises(NotSigned, match="are signed, in the browser"):
        approve(proposal, rita)
    (tmp_path / "hours.md").write_text("Open from nine.")
    report = import_memory(folder=tmp_path, store=store, by=rita, reason="As it was.")
    assert (report.created, len(report.refused)) == ([], 1)


# Who logs in elsewhere has no password here.


@pytest.fixture
def olga(client, db):
    olga = can_sign(make_user("olga", "reviewer"), "Olga Ortiz")
    olga.set_unusable_password()
    olga.save()
    client.force_login(olga)
    return olga


def test_who_logs_in_elsewhere_signs_with_an_own_signing_password_and_the_app(client, olga, store):
    proposal = make_proposal(store)
    assert "a signing password" in client.get(f"/proposals/{proposal.pk}/").content.decode()
    own = "correct horse battery"

    assert client.post("/signing/password/", {"new_password": own, "sign_code": "000000"}).status_code == 422
    assert not SigningPassword.objects.exists()
    assert client.post("/signing/password/", {"new_password": own, "sign_code": code()}).status_code == 302
    assert send(client, proposal, sign_password=own, sign_code=fresh_code(olga)).status_code == 302

    assert Signature.objects.get().signer_name == "Olga Ortiz"
    assert not Client().login(username="olga", password=own)


def test_a_signing_password_is_changed_with_the_old_one_only(client, olga):
    address, own = "/signing/password/", "correct horse battery"
    client.post(address, {"new_password": own, "sign_code": code()})
    stolen = {"new_password": "another horse battery", "sign_password": "guess", "sign_code": fresh_code(olga)}
    assert client.post(address, stolen).status_code == 422
    assert client.post(address, {**stolen, "sign_password": own}).status_code == 302


def test_who_has_a_password_signs_with_that_one(client, signer):
    sent = {"new_password": "correct horse battery", "sign_code": code()}
    assert client.post("/signing/password/", sent).status_code == 422
    assert not SigningPassword.objects.exists()


# Behind the service.


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_a_decision_and_a_vote_that_nobody_signed(rita, store, monkeypatch):
    proposal = make_proposal(store)
    monkeypatch.setattr("reviews.services.sign", lambda **_: None)

    with pytest.raises(DatabaseError, match="is not signed"):
        approve(proposal, rita)
    with pytest.raises(DatabaseError, match="is not signed"):
        decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", proposal.digest, "No."))
    ReviewSettings.objects.update(four_eyes="always")
    with pytest.raises(DatabaseError, match="is not signed"):
        approve(proposal, rita)
    assert (live(), Decision.objects.count(), Vote.objects.count()) == ([], 0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_a_signature_that_is_lifted_to_another_decision(client, signer, ruth, store):
    send(client, make_proposal(store), verdict="reject", reason="No.", sign_password=PASSWORD, sign_code=code())
    theirs = Signature.objects.get()
    other = make_proposal(store)

    for decider, ballot in (
        (signer, Ballot("approve", other.digest, "No.")),
        (ruth, Ballot("reject", other.digest, "No.")),
    ):
        with pytest.raises(DatabaseError):
            decide(proposal_id=other.pk, decider=decider, ballot=ballot, signed=theirs)
    assert Decision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "changed", [{"reason": "Another reason."}, {"verdict": "reject"}, {"content": "Other."}, {"path": "/else.md"}]
)
def test_the_database_refuses_a_held_signature_over_other_bytes(client, signer, store, changed):
    ReviewSettings.objects.update(hold_back_seconds=60)
    proposal = make_proposal(store)
    typed = {"verdict": "approve_with_edits", "content": "Wait.", "path": "/wait.md", "reason": "So."}
    send(client, proposal, **typed, sign_password=PASSWORD, sign_code=code())
    held = HeldBallot.objects.get()
    for name, value in changed.items():
        if name in ("content", "path"):
            held.ballot["edit"][name] = value
        else:
            held.ballot[name] = value
    held.due_at -= timedelta(minutes=2)
    held.save()

    holding.release_due()

    assert (live(), Decision.objects.count()) == ([], 0)


def test_signatures_cannot_be_changed_or_taken_away(client, signer, store):
    send(client, make_proposal(store), sign_password=PASSWORD, sign_code=code())
    for attack in ("UPDATE reviews_signature SET meaning = 'rejected'", "DELETE FROM reviews_signature"):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(attack)
