"""Erasing content: what must be done first, what is held, and what is refused."""

import pytest
from django.db import DatabaseError
from django.utils import timezone

from audit.actors import Actor
from audit.holds import BadHold, lift_hold, set_hold
from audit.models import Entry, Erasure
from dreaming.mirror_models import Mirror, MirroredMemory
from dreaming.models import Dream
from memory.stopping import BadStop, stop_store
from reviews.ballots import NotAllowed
from reviews.erasing import Moved, NotErased, preview
from reviews.erasure_hits import NothingToErase
from sessions.models import OpenSession
from sessions.streaming import open_session
from tests.factories import make_live_memory, make_session
from tests.reviews.erasing.world import HEAD, SECRET, erased, replace, run, through_the_door


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
@pytest.mark.parametrize("kind", ["store", "principal"])
def test_a_legal_hold_keeps_a_session_that_still_runs(store, adam, aude, kind):
    open_session(agent=store.agents.get(), head={**HEAD, "principal": SECRET})
    subject = {"store": str(store.pk), "principal": SECRET}[kind]
    set_hold(kind=kind, subject=subject, reason="Case 12.", actor=Actor.user(aude))
    with pytest.raises(NotErased, match="legal hold"):
        erased("principal", SECRET, adam)
    assert OpenSession.objects.exists()


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
