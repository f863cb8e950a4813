"""A decision can be taken back for as long as the store says, and takes effect then, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection
from django.db.models import F

from audit.actors import Actor
from audit.models import Entry
from dreaming.celery import app
from memory.models import Memory
from memory.stopping import stop_store
from reviews import holding, tasks, together
from reviews.ballots import AlreadyDecided, BadDecision, Ballot, Edit, NotAllowed, Stale
from reviews.models import Decision, HeldBallot, ReviewSettings
from tests.factories import approve, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    store = make_store()
    ReviewSettings.objects.create(store=store, hold_back_seconds=60)
    return store


def hold(proposal, by, verdict="approve", reason="It is right.", edit=None) -> HeldBallot:
    return holding.cast(proposal_id=proposal.pk, decider=by, ballot=Ballot(verdict, proposal.digest, reason, edit))


def let_time_pass() -> None:
    HeldBallot.objects.update(due_at=F("due_at") - timedelta(minutes=2))


def live() -> list[str]:
    return list(Memory.objects.filter(head__isnull=False).values_list("head__content", flat=True))


def test_without_a_hold_back_it_is_decided_at_once(rita):
    assert isinstance(hold(make_proposal(make_store()), rita), Decision)


def test_a_held_approval_publishes_only_when_it_is_due(store, rita):
    held = hold(make_proposal(store, content="Wait."), rita)

    assert holding.release_due() == 0
    assert live() == []
    let_time_pass()
    assert holding.release_due() == 1
    assert live() == ["Wait."]
    assert holding.release(held.pk) is None


def test_an_edit_is_held_as_it_was_typed(store, rita):
    proposal = make_proposal(store)
    hold(proposal, rita, "approve_with_edits", edit=Edit("Wait for the close.", proposal.path))
    let_time_pass()
    holding.release_due()
    assert live() == ["Wait for the close."]


def test_what_is_taken_back_never_takes_effect_and_can_be_decided_anew(store, rita):
    proposal = make_proposal(store)
    held = hold(proposal, rita)

    holding.undo(held_id=held.pk, by=rita)
    let_time_pass()

    assert holding.release_due() == 0
    assert live() == []
    assert [e.action for e in Entry.objects.about(f"proposal:{proposal.pk}").order_by("seq")][-2:] == [
        "decision.held",
        "decision.undone",
    ]
    assert isinstance(hold(proposal, rita, "reject", "No."), HeldBallot)


def test_only_the_one_who_decided_takes_it_back_and_only_in_time(store, rita, adam):
    held = hold(make_proposal(store), rita)
    with pytest.raises(NotAllowed):
        holding.undo(held_id=held.pk, by=adam)
    let_time_pass()
    holding.release_due()
    with pytest.raises(AlreadyDecided):
        holding.undo(held_id=held.pk, by=rita)


def test_what_would_be_refused_later_is_refused_now_and_leaves_nothing(store, rita):
    proposal = make_proposal(store)
    with pytest.raises(BadDecision):
        hold(proposal, rita, "reject", reason=" ")
    assert not HeldBallot.objects.exists()
    assert not Decision.objects.exists()


def test_a_moved_base_is_told_at_once(store, rita):
    base = make_live_memory(store, rita)
    late = make_proposal(store, operation="update", path=base.path, base_version=base, content="A.")
    other = make_proposal(store, operation="update", path=base.path, base_version=base, content="B.")
    held = hold(late, rita)
    approve(other, rita)
    let_time_pass()

    assert holding.release(held.pk) is None

    held.refresh_from_db()
    late.refresh_from_db()
    assert (held.state, late.status) == ("refused", "stale")
    assert "moved" in held.outcome or "changed" in held.outcome
    with pytest.raises(Stale):
        hold(late, rita)


def test_nobody_else_decides_while_it_is_held(store, rita):
    proposal = make_proposal(store)
    hold(proposal, rita)
    with pytest.raises(AlreadyDecided, match="unless it is taken back"):
        approve(proposal, rita)


def test_a_ballot_that_is_due_in_a_stopped_store_is_refused_with_the_reason(store, rita):
    held = hold(make_proposal(store), rita)
    stop_store(store_id=store.pk, actor=Actor.system("test"), reason="Looks poisoned.")
    let_time_pass()

    holding.release_due()

    held.refresh_from_db()
    assert held.state == "refused"
    assert "Looks poisoned" in held.outcome
    assert live() == []


def test_a_worker_is_asked_to_release_it_when_it_is_due(store, rita, monkeypatch, django_capture_on_commit_callbacks):
    sent = []
    monkeypatch.setattr(current_app, "send_task", lambda *given, **options: sent.append((*given, options)))
    with django_capture_on_commit_callbacks(execute=True):
        held = hold(make_proposal(store), rita)

    assert sent == [("reviews.tasks.release_one", [held.pk], {"eta": held.due_at})]


def test_a_broker_that_is_away_keeps_nothing_from_being_held(
    store, rita, monkeypatch, django_capture_on_commit_callbacks
):
    def away(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(current_app, "send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        held = hold(make_proposal(store, content="Wait."), rita)
    let_time_pass()

    tasks.release_held()

    held.refresh_from_db()
    assert (held.state, live()) == ("done", ["Wait."])


def test_a_task_that_comes_early_late_or_twice_does_no_harm(store, rita):
    held = hold(make_proposal(store, content="Wait."), rita)
    tasks.release_one(held.pk)
    assert live() == []
    let_time_pass()
    tasks.release_one(held.pk)
    tasks.release_one(held.pk)
    tasks.release_one(999)
    assert Decision.objects.count() == 1


def test_celery_knows_the_tasks_and_beat_sweeps(settings):
    app.loader.import_default_modules()
    swept = settings.CELERY_BEAT_SCHEDULE["release-held-decisions"]["task"]
    assert {swept, "reviews.tasks.release_one"} <= set(app.tasks)


def test_one_whose_account_is_gone_is_refused_and_keeps_no_other_from_taking_effect(store, rita, ruth):
    gone = hold(make_proposal(store), ruth)
    hold(make_proposal(store, content="Wait."), rita)
    ruth.delete()
    let_time_pass()

    assert holding.release_due() == 1

    gone.refresh_from_db()
    assert (gone.state, gone.outcome) == ("refused", "The account of ruth is gone.")


def test_an_escalation_meanwhile_makes_it_the_first_of_two(store, rita, ruth):
    proposal = make_proposal(store)
    hold(proposal, rita)
    together.escalate(proposal_id=proposal.pk, by=ruth, reason="Touches payments.")
    let_time_pass()
    holding.release_due()
    assert live() == []
    assert proposal.votes.get().reader_name == "rita"


@pytest.mark.django_db(transaction=True)
def test_undo_and_release_at_once_leave_one_of_both(store, rita):
    held = [hold(make_proposal(store), rita) for _ in range(8)]
    let_time_pass()

    def race(act) -> None:
        try:
            act()
        except AlreadyDecided:
            pass
        finally:
            connection.close()

    acts = [
        act for one in held for act in (lambda one=one: holding.release(one.pk), lambda one=one: take_back(one, rita))
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(race, acts))

    states = list(HeldBallot.objects.values_list("state", flat=True))
    assert set(states) <= {"done", "undone"}
    assert Decision.objects.count() == states.count("done")


def take_back(held, by) -> None:
    holding.undo(held_id=held.pk, by=by)
