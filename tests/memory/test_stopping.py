"""The stop button: publishing freezes, and agents may get an earlier revision until it goes on."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.actors import Actor
from audit.models import Entry
from memory import reading
from memory.stopping import BadStop, resume_store, stop_store
from reviews.ballots import Ballot, Stopped
from reviews.services import decide
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db
ADAM = Actor("user", "7", "adam")


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def store(agent):
    return make_store("claims", [agent])


def served(agent) -> list[str]:
    (snapshot,) = reading.live_snapshots(agent)
    return [memory.content for memory in snapshot.memories]


def test_nothing_is_approved_while_it_is_stopped_and_a_rejection_is(store, rita):
    one, two = make_proposal(store), make_proposal(store)
    stop_store(store_id=store.pk, actor=ADAM, reason="Looks poisoned.")

    with pytest.raises(Stopped, match=r"adam stopped publishing in claims .*Looks poisoned"):
        approve(one, rita)
    decide(proposal_id=two.pk, decider=rita, ballot=Ballot("reject", two.digest, "No."))

    one.refresh_from_db()
    assert one.is_open
    resume_store(store_id=store.pk, actor=ADAM, reason="Looked at.")
    assert approve(one, rita).version.revision == 1


def test_agents_get_the_earlier_revision_and_the_newest_again_when_it_goes_on(store, agent, rita):
    first = make_live_memory(store, rita, content="One.")
    approve(make_proposal(store, operation="update", path=first.path, base_version=first, content="Two."), rita)
    make_live_memory(store, rita, content="Later.")
    tag = reading.etag(agent.slug, "json", tuple(reading.live_revisions(agent)))
    assert sorted(served(agent)) == ["Later.", "Two."]

    stop_store(store_id=store.pk, actor=ADAM, reason="Tuesday was wrong.", served_revision=1)
    assert served(agent) == ["One."]
    assert [one.revision for one in reading.live_revisions(agent)] == [1]
    assert reading.etag(agent.slug, "json", tuple(reading.live_revisions(agent))) != tag

    resume_store(store_id=store.pk, actor=ADAM, reason="Mended.")
    assert sorted(served(agent)) == ["Later.", "Two."]
    assert reading.etag(agent.slug, "json", tuple(reading.live_revisions(agent))) == tag


def test_what_was_deleted_later_is_served_again_and_nothing_before_the_first(store, agent, rita):
    first = make_live_memory(store, rita, content="One.")
    approve(make_proposal(store, operation="delete", path=first.path, base_version=first, content=""), rita)
    assert served(agent) == []

    stop_store(store_id=store.pk, actor=ADAM, reason="Should not have gone.", served_revision=1)
    assert served(agent) == ["One."]
    stop_store(store_id=store.pk, actor=ADAM, reason="From scratch.", served_revision=0)
    assert served(agent) == []


def test_stopping_and_going_on_are_in_the_record_with_their_reasons_hashed(store):
    stop_store(store_id=store.pk, actor=ADAM, reason="Looks poisoned.")
    resume_store(store_id=store.pk, actor=ADAM, reason="Looked at.")

    entries = Entry.objects.about(f"store:{store.pk}").order_by("seq")
    assert [entry.action for entry in entries] == ["store.stopped", "store.resumed"]


@pytest.mark.parametrize(("reason", "revision"), [(" ", None), ("Why.", 1), ("Why.", -1)])
def test_a_stop_that_makes_no_sense_is_refused(store, reason, revision):
    with pytest.raises(BadStop):
        stop_store(store_id=store.pk, actor=ADAM, reason=reason, served_revision=revision)
    store.refresh_from_db()
    assert store.stopped_at is None


def test_only_what_is_stopped_goes_on(store):
    with pytest.raises(BadStop, match="not stopped"):
        resume_store(store_id=store.pk, actor=ADAM, reason="Why.")


def test_the_database_publishes_nothing_in_a_stopped_store_either(store, rita, monkeypatch):
    proposal = make_proposal(store)
    stop_store(store_id=store.pk, actor=ADAM, reason="Looks poisoned.")
    monkeypatch.setattr("reviews.services.check_not_stopped", lambda _: None)

    with pytest.raises(DatabaseError, match="is stopped"), transaction.atomic():
        approve(proposal, rita)
    assert connection.needs_rollback is False
