"""Dreams on a schedule, and dreams that a broker or a worker forgot."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from audit.actors import Actor
from audit.models import Entry
from dreaming import tasks
from dreaming.models import Dream, DreamPolicy
from dreaming.passes import run_dream
from dreaming.services import DreamRefused, cancel_dream, request_dream, save_dream_policy
from tests.factories import make_agent, make_live_memory, make_session, make_store

pytestmark = pytest.mark.django_db

ADMIN = Actor("user", "1", "adam")


@pytest.fixture
def store():
    store = make_store("claims", [make_agent()])
    make_session(store.agents.get())
    return store


def schedule(store, schedule="daily", **fields) -> DreamPolicy:
    policy = DreamPolicy.objects.filter(store=store).first() or DreamPolicy(store=store)
    policy.schedule = schedule
    for name, value in fields.items():
        setattr(policy, name, value)
    save_dream_policy(policy=policy, actor=ADMIN)
    return policy


def test_a_schedule_is_beats_to_run_and_is_in_the_record(store):
    schedule(store, "daily", window="30d", max_proposals=5)

    task = PeriodicTask.objects.get(name="dream over claims")
    assert (task.task, task.args, task.enabled) == ("dreaming.tasks.scheduled_dream", f"[{store.pk}]", True)
    assert (task.crontab.hour, task.crontab.minute) == ("2", "0")
    assert Entry.objects.get(action="store.changed").data["after"]["schedule"] == "daily"

    schedule(store, "off")
    assert not PeriodicTask.objects.filter(name="dream over claims").exists()


def test_the_scheduled_dream_takes_the_stores_settings(store):
    schedule(store, "daily", window="500", max_proposals=3)
    tasks.scheduled_dream(store.pk)

    dream = Dream.objects.get()
    assert (dream.status, dream.window, dream.max_proposals, dream.requested_by) == ("completed", "500", 3, "schedule")


def test_nothing_new_means_no_scheduled_dream_until_a_session_or_a_memory_comes(store, rita):
    schedule(store)
    tasks.scheduled_dream(store.pk)
    tasks.scheduled_dream(store.pk)
    assert Dream.objects.count() == 1

    make_session(store.agents.get())
    tasks.scheduled_dream(store.pk)
    assert Dream.objects.count() == 2

    make_live_memory(store, rita)
    tasks.scheduled_dream(store.pk)
    assert Dream.objects.count() == 3


def test_a_beat_that_fires_twice_makes_one_dream(store):
    schedule(store)
    first = request_dream(store=store, actor=ADMIN)
    tasks.scheduled_dream(store.pk)
    assert list(Dream.objects.all()) == [first]


def test_a_store_dreams_one_dream_at_a_time(store):
    request_dream(store=store, actor=ADMIN)
    with pytest.raises(DreamRefused, match="on its way already"):
        request_dream(store=store, actor=ADMIN)


@pytest.mark.parametrize("window", ["", "30", "0d", "-5", "alles", "30 d", "9" * 12, "500\n"])
def test_a_window_is_all_days_or_newest(store, window):
    if window == "30":
        assert request_dream(store=store, actor=ADMIN, window=window).window == "30"
    else:
        with pytest.raises(DreamRefused, match="is not a window"):
            request_dream(store=store, actor=ADMIN, window=window)


def test_windows_take_the_newest_sessions(store):
    agent, now = store.agents.get(), timezone.now()
    for days in (1, 20, 40):
        make_session(agent, occurred_at=now - timedelta(days=days))
    for window, sessions in (("all", 4), ("30d", 3), ("2", 2)):
        dream = request_dream(store=store, actor=ADMIN, window=window)
        run_dream(dream.pk)
        dream.refresh_from_db()
        assert (window, dream.sessions) == (window, sessions)


def test_a_canceled_dream_does_not_run(store):
    dream = request_dream(store=store, actor=ADMIN)
    assert cancel_dream(dream=dream, actor=ADMIN)
    assert not run_dream(dream.pk)
    assert not cancel_dream(dream=dream, actor=ADMIN)


def test_only_dreams_that_wait_too_long_are_taken_up(store, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.run, "delay", sent.append)
    dream = request_dream(store=store, actor=ADMIN)
    tasks.take_up_dreams()
    assert sent == []
    Dream.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    tasks.take_up_dreams()
    assert sent == [dream.pk]
