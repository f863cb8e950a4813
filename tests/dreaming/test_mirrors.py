"""`manage.py publish_anthropic`: the mirror says what agents get here, and what others write there waits for a person."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.urls import reverse

from audit.actors import Actor
from audit.models import Entry
from dreaming import mirrors
from dreaming.mirrors import due
from dreaming.models import DreamPolicy, Mirror
from dreaming.tasks import follow_mirrors
from memory.models import Memory, Proposal
from memory.stopping import resume_store, stop_store
from reviews.ballots import Ballot
from reviews.services import decide
from tests.dreaming.claude_server import failure
from tests.dreaming.mirror_server import NAME
from tests.factories import approve, attach, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db
ADAM = Actor("user", "7", "adam")


@pytest.fixture
def store(there, rita):
    store = make_store("claims")
    attach(store)
    return store


@pytest.fixture
def say(store, rita):
    """Have a text approved at a path; None deletes it, and `to` moves it."""

    def say(path: str, text: str | None, to: str = "") -> None:
        live = Memory.objects.live(store.pk).filter(path=path).first()
        if live is None:
            make_live_memory(store, rita, path=path, content=text)
            return
        operation = "delete" if text is None else "rename" if to else "update"
        changed = {"path": path, "base_version": live.head, "content": text or "", "new_path": to}
        approve(make_proposal(store, operation=operation, **changed), rita)

    return say


def publish(*options: str) -> dict:
    out = StringIO()
    call_command("publish_anthropic", "claims", "--remote", NAME, "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def test_a_new_mirror_gets_everything_that_is_approved_and_nothing_that_waits(store, say, there):
    say("/one.md", "One.")
    say("/deep/two.md", "Zwei.")
    make_proposal(store)

    report = publish()

    assert there.texts == {"/one.md": "One.", "/deep/two.md": "Zwei."}
    assert (report["revision"], report["counts"]) == (2, {"created": 2})
    assert [entry.action for entry in Entry.objects.filter(action__startswith="mirror.").order_by("seq")] == [
        "mirror.set", "mirror.started", "mirror.ended",
    ]  # fmt: skip
    ended = Entry.objects.get(action="mirror.ended")
    assert ended.data["counts"]["created"] == 2
    assert ended.act == Entry.objects.get(action="mirror.started").act


def test_changes_deletions_and_moves_follow(store, say, there):
    for path in ("/keep.md", "/change.md", "/go.md", "/move.md"):
        say(path, f"Text of {path}.")
    publish()
    there.writes.clear()
    moved = there.ids["/move.md"]
    say("/change.md", "Changed.")
    say("/go.md", None)
    say("/move.md", "Text of /move.md.", to="/moved/here.md")

    report = publish()

    assert there.texts == {
        "/keep.md": "Text of /keep.md.", "/change.md": "Changed.", "/moved/here.md": "Text of /move.md.",
    }  # fmt: skip
    assert there.ids["/moved/here.md"] == moved
    assert sorted(there.writes) == ["delete /go.md", "rename /move.md", "update /change.md"]
    assert report["counts"] == {"in_step": 1, "updated": 1, "deleted": 1, "renamed": 1}


def test_a_second_run_writes_nothing(say, there):
    say("/one.md", "One.")
    publish()
    there.writes.clear()

    assert publish()["counts"] == {"in_step": 1}
    assert there.writes == []


def test_a_mirror_that_says_the_same_already_is_taken_on(say, there):
    there.put("/one.md", "One.")
    say("/one.md", "One.")

    assert publish()["counts"] == {"in_step": 1}
    say("/one.md", "Two.")
    publish()
    assert there.texts == {"/one.md": "Two."}


def test_a_run_that_broke_off_goes_on_where_it_was(say, there):
    for number in range(4):
        say(f"/{number}.md", f"Text {number}.")
    there.on_write = lambda action, path: failure(500, "api_error") if path == "/2.md" else None

    with pytest.raises(CommandError, match="run it again"):
        publish()

    assert sorted(there.texts) == ["/0.md", "/1.md"]
    assert there.writes.count("create /2.md") == 3
    assert Entry.objects.filter(action="mirror.ended").get().data["failed"] is True
    assert Mirror.objects.get().error
    there.on_write = lambda action, path: None
    assert publish()["counts"] == {"in_step": 2, "created": 2}
    assert Mirror.objects.get().error == ""


@pytest.mark.parametrize("then", ["One and a half.", "Two.", None])
def test_an_answer_that_was_lost_is_no_change_by_others(say, there, then):
    say("/one.md", "One.")
    publish()
    say("/one.md", "Two.")
    there.deaf = True
    with pytest.raises(CommandError):
        publish()
    assert there.texts == {"/one.md": "Two."}
    there.deaf = False
    if then != "Two.":
        say("/one.md", then)

    publish()

    assert there.texts == ({"/one.md": then} if then else {})
    assert not Proposal.objects.open().exists()


def test_a_deletion_whose_answer_was_lost_is_no_change_by_others(say, there):
    say("/one.md", "One.")
    publish()
    say("/one.md", None)
    there.deaf = True
    with pytest.raises(CommandError):
        publish()
    there.deaf = False
    say("/one.md", "One again.")

    publish()

    assert there.texts == {"/one.md": "One again."}


def test_what_others_changed_there_waits_for_a_person_and_the_rest_goes_on(store, say, there, rita):
    say("/one.md", "One.")
    say("/two.md", "Two.")
    publish()
    there.put("/one.md", "Poison.")
    there.put("/theirs.md", "Added there.")
    say("/one.md", "One, newer.")
    say("/two.md", "Two, newer.")

    report = publish()

    assert there.texts == {"/one.md": "Poison.", "/two.md": "Two, newer.", "/theirs.md": "Added there."}
    filed = {one.path: one for one in Proposal.objects.open()}
    assert {path: (one.operation, one.content) for path, one in filed.items()} == {
        "/one.md": ("update", "Poison."), "/theirs.md": ("create", "Added there."),
    }  # fmt: skip
    assert all("unsupported" in one.risk and one.source_ref == f"mirror:{NAME}" for one in filed.values())
    assert report["counts"]["waiting"] == 2
    assert filed["/one.md"].public_id in report["notes"]["/one.md"]
    publish()
    assert Proposal.objects.open().count() == 2


@pytest.mark.parametrize(("verdict", "text"), [("approve", "Theirs."), ("reject", "One.")])
def test_a_decision_settles_what_others_changed(say, there, rita, verdict, text):
    say("/one.md", "One.")
    publish()
    there.put("/one.md", "Theirs.")
    publish()
    proposal = Proposal.objects.open().get()
    decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot(verdict, proposal.digest, "Looked at."))

    publish()

    assert there.texts == {"/one.md": text}
    assert Memory.objects.get().head.content == text
    assert not Proposal.objects.open().exists()


@pytest.mark.parametrize(("verdict", "left"), [("approve", {}), ("reject", {"/one.md": "One."})])
def test_what_others_deleted_there_waits_too(say, there, rita, verdict, left):
    say("/one.md", "One.")
    publish()
    there.drop("/one.md")
    publish()
    proposal = Proposal.objects.open().get()
    assert (proposal.operation, there.texts) == ("delete", {})
    decide(proposal_id=proposal.pk, decider=rita, ballot=Ballot(verdict, proposal.digest, "Looked at."))

    publish()

    assert there.texts == left


def test_a_change_there_while_it_is_published_is_not_overwritten(say, there):
    say("/one.md", "One.")
    publish()
    say("/one.md", "Two.")
    there.on_write = lambda action, path: there.put("/one.md", "Theirs.")

    publish()

    assert there.texts == {"/one.md": "Theirs."}
    assert Proposal.objects.open().get().content == "Theirs."


def test_what_cannot_be_proposed_is_said(say, there, client, rita):
    there.put("/Ünwanted name.md", "Added there.")
    say("/Ordinary.md", "One.")

    report = publish()

    assert "cannot be proposed here" in report["notes"]["/Ünwanted name.md"]
    client.force_login(rita)
    page = client.get(reverse("reviews:store_detail", args=["claims"])).content.decode()
    assert "Published at Anthropic" in page
    assert "cannot be proposed here" in page


def test_a_path_that_has_no_place_there_is_said_and_the_rest_goes_on(say, there):
    say("/a", "A file.")
    say("/a/b.md", "A file in a file.")
    say("/c.md", "Another.")

    report = publish()

    assert there.texts == {"/a": "A file.", "/c.md": "Another."}
    assert "did not take the create" in report["notes"]["/a/b.md"]
    assert report["counts"]["conflicts"] == 1
    assert report["revision"] is None


def test_what_a_stop_serves_is_what_is_published(store, say, there):
    say("/one.md", "One.")
    publish()
    say("/one.md", "Poison.")
    publish()
    stop_store(store_id=store.pk, actor=ADAM, reason="Poisoned.", served_revision=1)

    publish()
    assert there.texts == {"/one.md": "One."}

    resume_store(store_id=store.pk, actor=ADAM, reason="It was right.")
    publish()
    assert there.texts == {"/one.md": "Poison."}


def test_a_stop_in_the_middle_of_a_run_ends_it(store, say, there, monkeypatch):
    say("/one.md", "One.")
    say("/two.md", "Two.")
    create = mirrors._CHANGES["create"]

    def created_and_stopped(run, step) -> None:
        create(run, step)
        stop_store(store_id=store.pk, actor=ADAM, reason="Poisoned.", served_revision=1)

    monkeypatch.setitem(mirrors._CHANGES, "create", created_and_stopped)
    with pytest.raises(CommandError, match="changed while it was being published"):
        publish()
    assert there.texts == {"/one.md": "One."}


def test_a_mirror_that_follows_is_published_when_something_changed(store, say, there):
    say("/one.md", "One.")
    publish("--follow")
    assert not due().exists()

    say("/one.md", "Two.")
    follow_mirrors()

    assert there.texts == {"/one.md": "Two."}
    assert not due().exists()
    publish("--no-follow")
    say("/one.md", "Three.")
    follow_mirrors()
    assert there.texts == {"/one.md": "Two."}


def test_two_runs_do_not_publish_at_once(say, there):
    say("/one.md", "One.")
    publish()
    other = connections.create_connection("default")
    lock = [mirrors.MIRROR_LOCK, Mirror.objects.get().pk]
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock)
            with pytest.raises(CommandError, match="published already"):
                publish()
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
    finally:
        other.close()
    assert publish()["counts"] == {"in_step": 1}


def test_after_a_failure_there_is_a_pause(say, there):
    say("/one.md", "One.")
    there.archived = True
    with pytest.raises(CommandError, match="archived"):
        publish("--follow")

    assert not due().exists()
    Mirror.objects.update(ran_at="2026-01-01T00:00:00Z")
    assert due().exists()


def test_the_store_that_dreams_use_is_published_to_without_naming_it(store, say, there):
    say("/one.md", "One.")
    with pytest.raises(CommandError, match="Name the memory store"):
        call_command("publish_anthropic", "claims")
    DreamPolicy.objects.create(store=store, remote_store=NAME)

    call_command("publish_anthropic", "claims", stdout=StringIO())

    assert there.texts == {"/one.md": "One."}


@pytest.mark.parametrize(("remote", "said"), [("nonsense", "Give the id"), ("memstore_else", "knows no such thing")])
def test_a_remote_store_that_is_none_is_refused(store, there, remote, said):
    with pytest.raises(CommandError, match=said):
        call_command("publish_anthropic", "claims", "--remote", remote)


def test_two_stores_do_not_share_a_mirror(say, there):
    say("/one.md", "One.")
    publish()
    make_store("others")

    with pytest.raises(CommandError, match="already exists"):
        call_command("publish_anthropic", "others", "--remote", NAME)


def test_without_a_key_nothing_is_published(store, there, settings):
    settings.ANTHROPIC_API_KEY = ""

    with pytest.raises(CommandError, match="ANTHROPIC_API_KEY"):
        publish()
