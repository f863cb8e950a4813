"""Erasing content: what goes, what stays, and what stands in the way."""

import json
import os
import subprocess
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.actors import Actor
from audit.exporting import export_record
from audit.holds import BadHold, lift_hold, set_hold
from audit.models import Entry, ErasedRow, Erasure
from audit.salts import matches
from audit.verifying import verify_record
from dreaming import postgres
from dreaming.digests import digest_sessions
from dreaming.mirror_models import Mirror, MirroredMemory
from dreaming.models import Dream, Finding, ModelAnswer, SessionNotes
from memory.models import Evidence, MemoryRead, MemoryVersion, PolicyChange, Proposal
from memory.services import QuoteDraft, current_digest
from memory.stopping import BadStop, resume_store, stop_store
from memory.store_settings import describe_store
from reviews import rereviews
from reviews.ballots import Ballot, NotAllowed, Stale
from reviews.commenting import comment
from reviews.erasing import Moved, NotErased, erase, preview
from reviews.erasure_hits import NothingToErase
from reviews.models import EvidenceReview, HeldBallot, ReviewSettings, Signature, Waiver
from reviews.retention import erase_old_sessions
from reviews.services import decide
from reviews.signing import Verified
from sessions.indexing import index_sessions
from sessions.models import OpenSession, Session
from sessions.preparing import prepare
from sessions.services import ingest
from sessions.streaming import append, open_session
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store
from tests.sessions.samples import with_event


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.DAYLIGHT_SIGNING_KEYS = str(tmp_path / "signing")
    settings.DAYLIGHT_CHECKPOINTS = str(tmp_path / "checkpoints.jsonl")


SECRET = 'Jane "Zorblatt" Röe'
HEAD = {"schema": 1, "id": "still-running", "agent": "teller", "started_at": "2026-03-01T09:00:00Z"}
SAID = json.dumps({"seq": 0, "type": "message", "role": "user", "text": f"I am {SECRET}."}).encode()


def run(sql: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, list(values))


def erased(scope, subject, by, **changes) -> Erasure:
    run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")  # as if what was published had been committed
    said = {"legal_basis": "gdpr_17_1_c", "reason": "She asked for it.", **changes}
    seen = said.pop("seen", None) or preview(scope=scope, subject=subject).hits.token
    return erase(scope=scope, subject=subject, seen=seen, by=by, **said)


def replace(version, by, content="Something else altogether.") -> MemoryVersion:
    update = make_proposal(
        version.store, operation="update", path=version.path, base_version=version, content=content, title="Replace it"
    )
    return approve(update, by).version


@pytest.fixture
def store(db):
    return make_store("claims", [make_agent("teller")])


def everywhere(store, rita) -> dict:
    """The text in as many places as the pages and passes put it."""
    agent = store.agents.get()
    session = make_session(
        agent,
        [f"Customer {SECRET} called.", "Done."],
        principal=SECRET,
        task=f"Call {SECRET}",
        metadata={"who": SECRET},
    )
    quotes = [QuoteDraft(session.pk, 0, f"Customer {SECRET} called.", "supports")]
    version = make_live_memory(
        store, rita, path="/notes/jane.md", content=f"{SECRET} likes mail.", rationale=f"{SECRET} said so.",
        title=f"{SECRET} likes mail", evidence=quotes, support={"who": SECRET, "sessions": 12, "agents": 3},
    )  # fmt: skip
    waiting = make_proposal(store, session, content=f"{SECRET} likes calls.", evidence=quotes)
    comment(proposal_id=waiting.pk, author=rita, body=f"About {SECRET}.")
    HeldBallot.objects.create(
        proposal=waiting, user=rita, user_name="rita", due_at=timezone.now(),
        ballot={"verdict": "reject", "reason": f"No {SECRET}.", "digest": waiting.digest, "edit": None},
    )  # fmt: skip
    dream = Dream.objects.create(
        store=store, requested_by="test", status="completed", ended_at=timezone.now(), manifest={"quotes": [SECRET]}
    )
    Finding.objects.create(dream=dream, kind="workflow", title=SECRET, claim_key=f"k:{SECRET}", data={"who": SECRET})
    ModelAnswer.objects.create(dream=dream, about="k", prompt_hash="0", model="m", data={"said": SECRET})
    SessionNotes.objects.create(session=session, prompt_hash="0", model="m", data={"observations": [SECRET]})
    digest_sessions([session.pk])
    index_sessions([session.pk])
    _in_later_places(store, session, waiting, rita)
    stop_store(store_id=store.pk, actor=Actor.user(rita), reason=f"{SECRET} complained.")
    return {"session": session, "version": version, "waiting": waiting, "dream": dream}


def _in_later_places(store, session, waiting, rita) -> None:
    describe_store(store_id=store.pk, actor=Actor.user(rita), description=f"For {SECRET}.", metadata={"who": SECRET})
    PolicyChange.objects.create(
        store=store, before={}, after={}, looser=[], proposed_by="1", proposed_by_name="adam", state="refused",
        answered_by="2", answered_by_name="alma", note=f"Not for {SECRET}.",
    )  # fmt: skip
    mirror = Mirror.objects.create(store=store, remote_store="memstore_1", error=f"Refused: {SECRET}")
    MirroredMemory.objects.create(mirror=mirror, path=f"/{SECRET}.md", note=f"It says {SECRET}.")
    running, _ = open_session(agent=session.agent, head={**HEAD, "principal": SECRET})
    append(agent=session.agent, external_id=running.external_id, lines=[SAID])


def dump() -> str:
    """The whole database as pg_dump writes it."""
    connection.ensure_connection()
    at = connection.connection.info
    where = ["-h", at.host, "-p", str(at.port), "-U", at.user, "-d", at.dbname]
    environment = {**os.environ, "PGPASSWORD": at.password or ""}
    command = [str(postgres._programs() / "pg_dump"), *where]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout


def spelled(text: str) -> list[str]:
    return [text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], "Zorblatt", "zorblatt"]


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
def test_the_live_head_must_be_replaced_first(store, rita, adam):
    version = make_live_memory(store, rita)
    assert preview(scope="version", subject=str(version.pk)).live == [version]
    with pytest.raises(NotErased, match="Edit or delete the memory first"):
        erased("version", str(version.pk), adam)
    assert not Erasure.objects.exists()


@pytest.mark.django_db
def test_a_version_that_a_stopped_store_serves_is_live_too(store, rita, adam):
    version = make_live_memory(store, rita)
    replace(version, rita)
    stop_store(store_id=store.pk, actor=Actor.user(adam), reason="Wrong.", served_revision=1)
    with pytest.raises(NotErased, match="Agents read this now"):
        erased("version", str(version.pk), adam)


@pytest.mark.django_db
def test_a_stop_cannot_serve_a_revision_of_which_something_is_erased(store, rita, adam):
    version = make_live_memory(store, rita)
    replace(version, rita)
    erased("version", str(version.pk), adam)
    with pytest.raises(BadStop, match="erased"):
        stop_store(store_id=store.pk, actor=Actor.user(adam), reason="Wrong.", served_revision=1)


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


@pytest.fixture
def signed_alone(rita, ruth):
    """A decision that was signed, waived, looked at again, and whose memory was replaced since."""
    store = make_store("signed", [make_agent("clerk")])
    ReviewSettings.objects.create(store=store, four_eyes="always", waivers_allowed=True)
    proposal = make_proposal(store, path="/people/zorblatt.md", content=f"{SECRET} likes mail.")
    ballot = Ballot("approve", proposal.digest, f"{SECRET} asked.", waiver="waiver")
    signed = Verified("n" * 32, "sitting", ("password", "code"))
    decision = decide(proposal_id=proposal.pk, decider=rita, ballot=ballot, signed=signed)
    rereviews.confirm(waiver_id=decision.waiver.pk, by=ruth, note=f"{SECRET} said so.")
    ReviewSettings.objects.update(four_eyes="never")
    delete = make_proposal(
        store, operation="delete", path=proposal.path, base_version=decision.version, content="", title="Drop it"
    )
    approve(delete, ruth)
    return decision


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


@transaction.atomic
def through_the_door(kind: str, row_id: int) -> None:
    erasure = Erasure.objects.create(
        scope="text", by_id="1", by_name="adam", legal_basis="other", reason="Because.", act=uuid4()
    )
    ErasedRow.objects.create(erasure=erasure, kind=kind, row_id=row_id)
    run("SELECT daylight_erase_v2(%s)", erasure.pk)


@pytest.mark.django_db
def test_a_legal_hold_on_the_store_keeps_what_is_said_of_a_waiver(signed_alone, adam, aude):
    store = signed_alone.proposal.store
    set_hold(kind="store", subject=str(store.pk), reason="Case 12.", actor=Actor.user(aude))
    run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    rows = {"reviews_signature": signed_alone.signature_id, "reviews_waiver": signed_alone.waiver.pk,
            "reviews_rereview": signed_alone.waiver.answer.pk}  # fmt: skip
    for kind, pk in rows.items():
        with pytest.raises(DatabaseError, match="legal hold"):
            through_the_door(kind, pk)
    assert preview(scope="text", subject=SECRET).holds


@pytest.mark.django_db
def test_a_session_that_still_runs_goes_with_its_principal(store, adam):
    open_session(agent=store.agents.get(), head={**HEAD, "principal": SECRET})
    append(agent=store.agents.get(), external_id="still-running", lines=[SAID])
    open_session(agent=store.agents.get(), head={**HEAD, "id": "another", "principal": "john"})

    erasure = erased("principal", SECRET, adam)

    assert list(OpenSession.objects.values_list("external_id", flat=True)) == ["another"]
    assert erasure.counts == {"sessions still running": 1}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["store", "principal"])
def test_a_legal_hold_keeps_a_session_that_still_runs(store, adam, aude, kind):
    open_session(agent=store.agents.get(), head={**HEAD, "principal": SECRET})
    subject = {"store": str(store.pk), "principal": SECRET}[kind]
    set_hold(kind=kind, subject=subject, reason="Case 12.", actor=Actor.user(aude))
    with pytest.raises(NotErased, match="legal hold"):
        erased("principal", SECRET, adam)
    assert OpenSession.objects.exists()


@pytest.mark.django_db
def test_what_was_sent_of_a_session_as_it_ran_goes_with_it(store, adam):
    session = make_session(store.agents.get(), ["x"], external_id="still-running")
    open_session_row = OpenSession.objects.create(agent=session.agent, external_id="still-running", head={})
    erased("session", str(session.pk), adam)
    assert not OpenSession.objects.filter(pk=open_session_row.pk).exists()


@pytest.mark.django_db
def test_a_mirror_that_follows_must_let_go_first(store, rita, adam):
    version = make_live_memory(store, rita)
    mirror = Mirror.objects.create(store=store, remote_store="memstore_1", follows=True)
    MirroredMemory.objects.create(mirror=mirror, path=version.path, sha256=version.sha256)
    replace(version, rita)
    with pytest.raises(NotErased, match="memstore_1 at Anthropic holds this"):
        erased("version", str(version.pk), adam)
    Mirror.objects.update(follows=False)
    erased("version", str(version.pk), adam)
    assert not MirroredMemory.objects.exists()


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
def test_a_dream_that_reads_the_sessions_must_end_first(store, adam):
    session = make_session(store.agents.get(), ["x"])
    dream = Dream.objects.create(store=store, requested_by="test", status="running")
    with pytest.raises(NotErased, match="A dream reads these sessions now"):
        erased("session", str(session.pk), adam)
    Dream.objects.filter(pk=dream.pk).update(status="failed", ended_at=timezone.now())
    erased("session", str(session.pk), adam)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"legal_basis": ""}, "Choose the legal basis"),
        ({"legal_basis": "retention"}, "Choose the legal basis"),
        ({"reason": "  "}, "Say why"),
        ({"seen": "0" * 64}, "not what you saw"),
    ],
)
def test_an_erasure_needs_basis_reason_and_what_was_seen(store, adam, changes, message):
    session = make_session(store.agents.get(), ["x"])
    with pytest.raises(NotErased, match=message):
        erased("session", str(session.pk), adam, **changes)
    session.refresh_from_db()
    assert not session.is_erased


@pytest.mark.django_db
def test_a_reason_does_not_bring_back_what_goes(store, adam):
    make_session(store.agents.get(), [SECRET])
    with pytest.raises(NotErased, match="repeats what is to go"):
        erased("text", SECRET, adam, reason=f"Asked for by {SECRET}.")


@pytest.mark.django_db
def test_a_session_that_is_sent_again_after_it_was_erased_stays_erased(store, adam):
    def send() -> str:
        return ingest(sessions=[prepare(with_event(text=SECRET))], actor=Actor.agent("alice-bot")).statuses[0]

    assert send() == "created"
    erased("session", str(Session.objects.get().pk), adam)
    assert send() == "differs"
    assert Session.objects.get().events.get().text == ""


@pytest.mark.django_db
def test_what_came_after_the_preview_is_not_erased_unseen(store, adam):
    make_session(store.agents.get(), [SECRET])
    seen = preview(scope="text", subject=SECRET).hits.token
    make_session(store.agents.get(), [SECRET])
    with pytest.raises(Moved):
        erased("text", SECRET, adam, seen=seen)


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["rita", "aude"])
def test_only_an_admin_erases(store, request, who):
    session = make_session(store.agents.get(), ["x"])
    with pytest.raises(NotAllowed):
        erased("session", str(session.pk), request.getfixturevalue(who))


@pytest.mark.django_db
@pytest.mark.parametrize(("scope", "subject"), [("text", "ab"), ("text", "nowhere at all"), ("principal", "nobody")])
def test_a_search_that_finds_nothing_says_so(store, scope, subject):
    with pytest.raises(NothingToErase):
        preview(scope=scope, subject=subject)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["store", "session", "principal"])
def test_a_legal_hold_blocks_until_it_is_lifted(store, adam, aude, kind):
    session = make_session(store.agents.get(), ["x"], principal="jane")
    subject = {"store": str(store.pk), "session": str(session.pk), "principal": "jane"}[kind]
    hold = set_hold(kind=kind, subject=subject, reason="Case 12.", actor=Actor.user(aude))
    with pytest.raises(NotErased, match="legal hold"):
        erased("session", str(session.pk), adam)
    lift_hold(hold_id=hold.pk, reason="Case closed.", actor=Actor.user(aude))
    erased("session", str(session.pk), adam)
    assert set(Entry.objects.values_list("action", flat=True)) >= {"legal_hold.set", "legal_hold.lifted"}


@pytest.mark.django_db
def test_a_hold_is_set_once_and_lifted_once(store, aude):
    actor = Actor.user(aude)
    hold = set_hold(kind="store", subject=str(store.pk), reason="Case 12.", actor=actor)
    with pytest.raises(BadHold, match="already"):
        set_hold(kind="store", subject=str(store.pk), reason="Case 13.", actor=actor)
    with pytest.raises(BadHold):
        lift_hold(hold_id=hold.pk, reason="", actor=actor)
    lift_hold(hold_id=hold.pk, reason="Closed.", actor=actor)
    with pytest.raises(BadHold, match="already"):
        lift_hold(hold_id=hold.pk, reason="Closed.", actor=actor)


@pytest.mark.django_db
class TestTheApplicationAtTheDatabase:
    """What the role of the application may do behind its own back."""

    @pytest.fixture
    def old(self, store, rita):
        version = make_live_memory(store, rita)
        replace(version, rita)
        return version

    def erasure(self, **changes) -> Erasure:
        fields = {"scope": "version", "by_id": "1", "by_name": "adam", "legal_basis": "other", "reason": "Because."}
        return Erasure.objects.create(act=uuid4(), **(fields | changes))

    def strike(self, kind: str, row_id: int, *statements: str) -> None:
        """What the statements do beside an erasure that names the row."""
        with transaction.atomic():
            erasure = self.erasure()
            ErasedRow.objects.create(erasure=erasure, kind=kind, row_id=row_id)
            for statement in statements or [f"SELECT daylight_erase_v1({erasure.pk})"]:
                run(statement)

    def test_the_door_opens_for_an_erasure_of_the_same_transaction_only(self, old):
        with pytest.raises(DatabaseError, match="no erasure 99 in this transaction"):
            run("SELECT daylight_erase_v1(99)")

    def test_nothing_is_struck_that_the_erasure_does_not_name(self, old):
        with transaction.atomic():
            run("SELECT daylight_erase_v1(%s)", self.erasure().pk)
            transaction.set_rollback(True)
        old.refresh_from_db()
        assert not old.is_erased

    def test_an_erasure_that_is_not_on_the_record_cannot_be_committed(self, old):
        with pytest.raises(DatabaseError, match="is not on the record"):
            self.strike("memory_memoryversion", old.pk, "SET CONSTRAINTS ALL IMMEDIATE")

    def test_the_live_head_is_refused(self, old):
        head = old.memory.versions.first()
        with pytest.raises(DatabaseError, match="is what agents read"):
            self.strike("memory_memoryversion", head.pk)
        with pytest.raises(DatabaseError, match="is what agents read"):
            self.strike("memory_proposal", head.decision.proposal_id)

    def test_what_is_held_is_refused(self, old, aude):
        set_hold(kind="store", subject=str(old.store_id), reason="Case 12.", actor=Actor.user(aude))
        with pytest.raises(DatabaseError, match="legal hold"):
            self.strike("memory_memoryversion", old.pk)

    @pytest.mark.parametrize(
        "attack",
        [
            "UPDATE memory_memoryversion SET content = '', sha256 = ''",
            "UPDATE memory_memoryversion SET content = 'Something else.'",
            "UPDATE memory_evidence SET quote = ''",
            "UPDATE reviews_decision SET reason = 'Erased'",
            "DELETE FROM audit_salt",
            "DELETE FROM audit_legalhold",
            "UPDATE agent_sessions_event SET output = ''",
        ],
    )
    def test_the_application_itself_strikes_nothing_not_even_beside_an_erasure(self, old, attack):
        with pytest.raises(DatabaseError, match="permission denied"):
            self.strike("memory_memoryversion", old.pk, attack)

    @pytest.mark.parametrize("change", ["content = 'Something else.'", "content = '', sha256 = '', revision = 99"])
    def test_not_even_the_owner_makes_more_of_a_strike_than_it_is(self, old, change):
        with pytest.raises(DatabaseError, match="only ever appended to"):
            self.strike(
                "memory_memoryversion",
                old.pk,
                "RESET ROLE",
                f"UPDATE memory_memoryversion SET {change} WHERE id = {old.pk}",
            )

    def test_a_proposal_is_frozen_but_for_its_strike(self, old):
        proposal = old.decision.proposal
        change = f"UPDATE memory_proposal SET content = 'Something else.' WHERE id = {proposal.pk}"
        with pytest.raises(DatabaseError, match="is frozen"):
            self.strike("memory_proposal", proposal.pk, change)

    def test_a_hold_is_not_changed_or_lifted_twice(self, aude):
        hold = set_hold(kind="principal", subject="jane", reason="Case 12.", actor=Actor.user(aude))
        with pytest.raises(DatabaseError, match="stays as it was set"):
            run("UPDATE audit_legalhold SET subject = 'john' WHERE id = %s", hold.pk)
        lift_hold(hold_id=hold.pk, reason="Closed.", actor=Actor.user(aude))
        with pytest.raises(DatabaseError, match="stays as it was set"):
            run("UPDATE audit_legalhold SET lifted_at = NULL WHERE id = %s", hold.pk)


def grow_old(session, days) -> Session:
    Session.objects.filter(pk=session.pk).update(received_at=timezone.now() - timedelta(days=days))
    session.refresh_from_db()
    return session


@pytest.mark.django_db
class TestRetention:
    @pytest.fixture
    def kept(self, store):
        ReviewSettings.objects.create(store=store, keep_sessions_days=183)
        return store

    def test_sessions_are_kept_unless_their_stores_say_otherwise(self, store):
        grow_old(make_session(store.agents.get()), 4000)
        assert erase_old_sessions() == 0

    def test_old_ones_lose_their_content_in_one_act_a_batch(self, kept):
        old = [grow_old(make_session(kept.agents.get()), 184) for _ in range(3)]
        young = grow_old(make_session(kept.agents.get()), 182)

        assert erase_old_sessions() == 3

        assert all(Session.objects.get(pk=session.pk).is_erased for session in old)
        assert not Session.objects.get(pk=young.pk).is_erased
        erasure = Erasure.objects.get()
        assert (erasure.scope, erasure.by_name, erasure.legal_basis) == ("retention", "retention", "retention")
        assert Entry.objects.filter(action="content.erased").count() == 1
        assert erase_old_sessions() == 0

    def test_the_store_that_keeps_longest_counts(self, kept):
        other = make_store("other", [kept.agents.get()])
        grow_old(make_session(kept.agents.get()), 300)
        assert erase_old_sessions() == 0
        ReviewSettings.objects.create(store=other, keep_sessions_days=365)
        assert erase_old_sessions() == 0
        ReviewSettings.objects.filter(store=other).update(keep_sessions_days=200)
        assert erase_old_sessions() == 1

    @pytest.mark.parametrize("kind", ["store", "session", "principal"])
    def test_held_ones_are_passed_by(self, kept, aude, kind):
        session = grow_old(make_session(kept.agents.get(), principal="jane"), 300)
        subject = {"store": str(kept.pk), "session": str(session.pk), "principal": "jane"}[kind]
        set_hold(kind=kind, subject=subject, reason="Case 12.", actor=Actor.user(aude))
        assert erase_old_sessions() == 0

    def test_what_live_memory_or_an_open_proposal_rests_on_is_kept(self, kept, rita):
        under_live, waiting = (make_session(kept.agents.get()) for _ in range(2))
        version = make_live_memory(kept, rita, evidence=[QuoteDraft(under_live.pk, 0, "Error", "supports")])
        make_proposal(kept, waiting)
        for session in (under_live, waiting):
            grow_old(session, 300)
        assert erase_old_sessions() == 0
        delete = make_proposal(
            kept, waiting, operation="delete", path=version.path, base_version=version, content="", title="Drop it"
        )
        approve(delete, rita)
        assert erase_old_sessions() == 1
