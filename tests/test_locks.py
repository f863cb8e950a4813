"""Acts that meet: none waits in a circle, none is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from audit.actors import Actor
from audit.models import Entry
from dreaming.models import Dream
from dreaming.services import request_dream
from memory.agents import create_agent, save_agent_settings
from sessions.models import Session
from sessions.preparing import prepare
from sessions.services import ingest
from tests.factories import approve, make_agent, make_proposal, make_store

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = Actor.system("test")


def both(first, second) -> None:
    """Run `first` up to its commit, let `second` meet it there, and have both end well."""
    met = threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                first()
                met.set()
                threading.Event().wait(0.5)
        finally:
            connection.close()

    def follow() -> None:
        try:
            met.wait(10)
            second()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(hold), pool.submit(follow)]:
            future.result(timeout=20)


def test_a_decision_and_a_dream_that_is_asked_for(rita):
    store = make_store("claims", [make_agent("teller")])
    proposal = make_proposal(store)

    both(lambda: request_dream(store=store, actor=ACTOR), lambda: approve(proposal, rita))

    proposal.refresh_from_db()
    assert (proposal.status, Dream.objects.count()) == ("approved", 1)


def test_a_dream_that_is_asked_for_and_a_decision(rita):
    store = make_store("claims", [make_agent("teller")])
    proposal = make_proposal(store)

    both(lambda: approve(proposal, rita), lambda: request_dream(store=store, actor=ACTOR))

    proposal.refresh_from_db()
    assert (proposal.status, Dream.objects.count()) == ("approved", 1)


@pytest.mark.parametrize("settings_first", [True, False])
def test_settings_and_sessions_of_the_same_agent(settings_first):
    agent = make_agent("teller")
    store = make_store("claims", [agent])
    session = prepare(b'{"id": "s-1", "agent": "teller", "events": [{"seq": 0, "type": "note", "text": "x"}]}')

    def settings() -> None:
        agent.auto_min_sessions = 99
        save_agent_settings(agent=agent, stores=[store], actor=ACTOR)

    def sessions() -> None:
        ingest(sessions=[session], store="claims", actor=ACTOR)

    both(settings, sessions) if settings_first else both(sessions, settings)

    assert Session.objects.count() == 1
    assert Entry.objects.filter(action="agent.changed").count() == 1


def test_a_first_import_and_a_decision_in_its_store(rita):
    store = make_store("claims", [make_agent("teller")])
    proposal = make_proposal(store)
    session = prepare(b'{"id": "s-1", "agent": "newcomer", "events": []}')

    both(lambda: ingest(sessions=[session], store="claims", actor=ACTOR), lambda: approve(proposal, rita))

    assert set(store.agents.values_list("slug", flat=True)) == {"teller", "newcomer"}


def test_a_new_agent_and_a_decision_in_its_store(rita):
    store = make_store("claims", [make_agent("teller")])
    proposal = make_proposal(store)

    both(lambda: create_agent(slug="newcomer", stores=[store], actor=ACTOR), lambda: approve(proposal, rita))

    assert set(store.agents.values_list("slug", flat=True)) == {"teller", "newcomer"}
