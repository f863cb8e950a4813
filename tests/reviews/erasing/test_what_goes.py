"""Erasing content: what goes, and what stays."""

import pytest
from django.core.management import call_command
from django.db import connection

from audit.actors import Actor
from audit.exporting import export_record
from audit.models import Entry
from audit.salts import matches
from audit.verifying import verify_record
from memory.models import Evidence, MemoryRead, MemoryVersion, Proposal
from memory.services import QuoteDraft, current_digest
from memory.stopping import resume_store
from reviews.ballots import Ballot, Stale
from reviews.commenting import comment
from reviews.erasing import preview
from reviews.models import EvidenceReview, ReviewSettings, Signature, Waiver
from reviews.services import decide
from reviews.signing import Verified
from sessions.indexing import index_sessions
from sessions.models import OpenSession, Session
from sessions.preparing import prepare
from sessions.services import ingest
from sessions.streaming import append, open_session
from tests.factories import approve, make_live_memory, make_proposal, make_session
from tests.reviews.erasing.world import HEAD, SAID, SECRET, dump, erased, everywhere, replace, spelled
from tests.sessions.samples import with_event


@pytest.mark.django_db(transaction=True)
def test_what_was_erased_is_in_no_dump_and_no_export_and_the_record_verifies(store, rita, adam, tmp_path):
    made = everywhere(store, rita)
    old_hashes = [made["version"].sha256, made["version"].decision.digest, made["waiting"].digest]
    assert "Zorblatt" in dump()
    resume_store(store_id=store.pk, actor=Actor.user(adam), reason="All is well.")
    replace(made["version"], rita)

    erased("text", SECRET, adam)

    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("VACUUM FULL")
        cursor.execute("SET ROLE daylight_app")
    whole = dump()
    assert "She asked for it." in whole
    for text in [*spelled(SECRET), *old_hashes]:
        assert text not in whole
    assert verify_record().error == ""
    call_command("verify_audit", words=True)
    export_record(tmp_path / "bundle", actor=Actor.user(adam))
    for file in (tmp_path / "bundle").iterdir():
        assert not any(text in file.read_text() for text in [*spelled(SECRET), *old_hashes])


@pytest.mark.django_db
def test_the_salts_go_with_the_words_so_that_the_record_proves_nothing_of_them(store, rita, adam):
    version = make_live_memory(store, rita, content=f"{SECRET} likes mail.")
    replace(version, rita)
    entries = list(Entry.objects.filter(subject=f"proposal:{version.decision.proposal_id}"))
    assert {matches(entry) for entry in entries} == {"matches"}

    erased("version", str(version.pk), adam)

    assert {matches(entry) for entry in Entry.objects.filter(pk__in=[entry.pk for entry in entries])} == {"erased"}


@pytest.mark.django_db
def test_rows_stay_and_say_by_whom_and_on_which_basis_they_were_erased(store, rita, adam):
    version = make_live_memory(store, rita, content=f"{SECRET} likes mail.")
    newer = replace(version, rita)

    erasure = erased("version", str(version.pk), adam)

    version = MemoryVersion.objects.get(pk=version.pk)
    assert (version.is_erased, version.content, version.sha256) == (True, "", "")
    assert version.erasure == erasure
    proposal = version.decision.proposal
    assert (proposal.is_erased, proposal.title, proposal.content) == (True, "Erased", "")
    assert (erasure.by_name, erasure.get_legal_basis_display()) == ("adam", "GDPR 17(1)(c): objection")
    newer.refresh_from_db()
    assert not newer.is_erased
    entry = Entry.objects.get(action="content.erased")
    assert (entry.act, entry.data["legal_basis"]) == (erasure.act, "gdpr_17_1_c")
    assert verify_record().error == ""


@pytest.mark.django_db
def test_a_session_keeps_its_row_and_its_order_of_events_but_no_word(store, rita, adam):
    session = make_session(store.agents.get(), [f"{SECRET} called.", "Done."], principal=SECRET, task=SECRET)
    proposal = make_proposal(store, session, evidence=[QuoteDraft(session.pk, 0, f"{SECRET} called.", "supports")])
    index_sessions([session.pk])

    erased("principal", SECRET, adam)

    session.refresh_from_db()
    assert (session.is_erased, session.principal, session.task, session.event_count) == (True, "", "", 2)
    assert list(session.events.values_list("seq", "type", "text", "output")) == [
        (0, "tool_result", "", ""),
        (1, "tool_result", "", ""),
    ]
    assert [quote.is_erased for quote in proposal.evidence.all()] == [True]
    assert list(store.sessions()) == []
    assert not any("zorblatt" in str(row.words).lower() for row in session.words.all())


@pytest.mark.django_db
def test_two_quotes_of_one_event_stay_two(store, rita, adam):
    session = make_session(store.agents.get(), ["one two"])
    quotes = [QuoteDraft(session.pk, 0, text, "supports") for text in ("one", "two")]
    proposal = make_proposal(store, session, evidence=quotes)
    erased("session", str(session.pk), adam)
    assert [quote.is_erased for quote in Evidence.objects.filter(proposal=proposal)] == [True, True]


@pytest.mark.django_db
def test_an_open_proposal_that_loses_its_quote_is_stale_and_can_be_rejected_but_not_approved(store, rita, adam):
    session = make_session(store.agents.get(), [f"{SECRET} called."])
    proposal = make_proposal(store, session, evidence=[QuoteDraft(session.pk, 0, f"{SECRET} called.", "supports")])
    erased("session", str(session.pk), adam)
    with pytest.raises(Stale):
        approve(proposal, rita)
    proposal.refresh_from_db()
    decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("reject", current_digest(proposal), "Nothing is left."))


@pytest.mark.django_db
def test_an_open_proposal_whose_own_words_go_is_closed(store, rita, adam):
    proposal = make_proposal(store, content=f"{SECRET} likes mail.")
    erased("text", SECRET, adam)
    proposal.refresh_from_db()
    assert (proposal.status, proposal.content, proposal.claim_key) == ("expired", "", f"erased:{proposal.pk}")


@pytest.mark.django_db
def test_a_live_memory_that_rests_on_an_erased_session_is_looked_at_again(store, rita, adam):
    session = make_session(store.agents.get(), ["one two"])
    version = make_live_memory(store, rita, evidence=[QuoteDraft(session.pk, 0, "one", "supports")])
    erased("session", str(session.pk), adam)
    row = EvidenceReview.objects.get(memory=version.memory)
    assert [(cause.session, cause.why) for cause in row.causes.all()] == [(session, "erased")]


@pytest.mark.django_db
def test_a_signature_stays_and_proves_nothing_of_the_text(signed_alone, adam):
    before = signed_alone.signature
    entries = Entry.objects.filter(subject=f"proposal:{signed_alone.proposal_id}")
    assert {matches(entry) for entry in entries} == {"matches"}

    erased("text", "zorblatt", adam)

    after = Signature.objects.get(pk=before.pk)
    assert (after.signer_name, after.meaning, after.digest) == (before.signer_name, before.meaning, before.digest)
    assert (after.path, after.proposal_digest, after.content_sha256, after.reason_sha256) == ("", "", "", "")
    assert after.nonce == f"erased:{after.pk}"
    assert {matches(entry) for entry in entries} == {"erased"}


@pytest.mark.django_db
def test_the_hash_of_a_reason_goes_with_the_reason(store, rita, adam):
    ReviewSettings.objects.create(store=store, four_eyes="always")
    proposal = make_proposal(store)
    signed = Verified("n" * 32, "sitting", ("password", "code"))
    decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot("approve", proposal.digest, SECRET), signed=signed)
    erased("text", SECRET, adam)
    proposal.refresh_from_db()
    assert not proposal.is_erased
    assert (Signature.objects.get().reason_sha256, Signature.objects.get().signer_name) == ("", "rita")


@pytest.mark.django_db
def test_a_waivers_reason_and_what_came_of_it_are_struck(signed_alone, adam):
    erased("text", SECRET, adam)
    waiver = Waiver.objects.get()
    assert (waiver.reason, waiver.answer.note, waiver.answer.outcome) == ("Erased", "Erased", "confirmed")
    assert verify_record().error == ""


@pytest.mark.django_db
def test_a_session_that_still_runs_goes_with_its_principal(store, adam):
    open_session(agent=store.agents.get(), head={**HEAD, "principal": SECRET})
    append(agent=store.agents.get(), external_id="still-running", lines=[SAID])
    open_session(agent=store.agents.get(), head={**HEAD, "id": "another", "principal": "john"})

    erasure = erased("principal", SECRET, adam)

    assert list(OpenSession.objects.values_list("external_id", flat=True)) == ["another"]
    assert erasure.counts == {"sessions still running": 1}


@pytest.mark.django_db
def test_what_was_sent_of_a_session_as_it_ran_goes_with_it(store, adam):
    session = make_session(store.agents.get(), ["x"], external_id="still-running")
    open_session_row = OpenSession.objects.create(agent=session.agent, external_id="still-running", head={})
    erased("session", str(session.pk), adam)
    assert not OpenSession.objects.filter(pk=open_session_row.pk).exists()


@pytest.mark.django_db
def test_a_name_in_a_path_goes_as_well(store, rita, adam):
    version = make_live_memory(store, rita, path="/people/zorblatt.md")
    delete = make_proposal(
        store, operation="delete", path=version.path, base_version=version, content="", title="Drop it"
    )
    approve(delete, rita)
    erased("text", "zorblatt", adam)
    assert not MemoryVersion.objects.filter(path__contains="zorblatt").exists()
    assert not Proposal.objects.filter(path__contains="zorblatt").exists()
    version.memory.refresh_from_db()
    assert version.memory.path.startswith("/erased/")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db
def test_the_producers_id_goes_when_it_holds_the_text_and_the_session_does_not_come_back_otherwise(store, adam):
    named = make_session(store.agents.get(), ["x"], external_id="call-zorblatt-1")
    plain = make_session(store.agents.get(), ["zorblatt"], external_id="call-2")
    MemoryRead.objects.create(agent=named.agent, session_external_id="call-zorblatt-1", store=store, revision=0)
    erased("text", "zorblatt", adam)
    named.refresh_from_db()
    plain.refresh_from_db()
    assert (named.external_id, plain.external_id) == (f"erased-{named.pk}", "call-2")
    assert not MemoryRead.objects.filter(session_external_id__contains="zorblatt").exists()


@pytest.mark.django_db
def test_what_stays_is_said(store, rita, adam):
    rita.first_name = "Zorblatt"
    rita.save()
    make_session(store.agents.get(), ["zorblatt and Zorblatt"])
    left = preview(scope="text", subject="Zorblatt").hits.left
    assert left["accounts"] == (1, "Deactivate or rename the account.")
    assert "entries of the record" not in left
    comment(proposal_id=make_proposal(store).pk, author=rita, body="Look at this.")
    assert preview(scope="text", subject="Zorblatt").hits.left["entries of the record"][0] == 1


@pytest.mark.django_db
def test_a_session_that_is_sent_again_after_it_was_erased_stays_erased(store, adam):
    def send() -> str:
        return ingest(sessions=[prepare(with_event(text=SECRET))], actor=Actor.agent("alice-bot")).statuses[0]

    assert send() == "created"
    erased("session", str(Session.objects.get().pk), adam)
    assert send() == "differs"
    assert Session.objects.get().events.get().text == ""
