"""Readiness in the database: a store's now, a dream's as it was, and a pass over sessions that say too little."""

import json
import re

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.actors import Actor
from dreaming.demo import demo_sessions
from dreaming.readiness import example_session, report_on
from memory.models import MemoryStore, Proposal
from sessions.models import Event, Session
from sessions.preparing import prepare
from sessions.services import ingest, issue_key
from tests.dreaming.fleet import ACTOR, UNTIL, dream, load_fleet
from tests.factories import make_agent, make_session, make_store

pytestmark = pytest.mark.django_db

HOSTILE = "<script>window.hacked=1</script>\u202e"


def load_without_outcomes() -> MemoryStore:
    """The demo fleet, of which nobody says how a session ended."""
    lines = [
        json.dumps({name: value for name, value in one.items() if name != "outcome"}).encode()
        for one in demo_sessions(until=UNTIL)
    ]
    ingest(sessions=[prepare(line) for line in lines], store="claims", actor=ACTOR)
    return MemoryStore.objects.get(name="claims")


def test_the_stores_page_shows_what_is_there_now(client, aude):
    store = load_fleet()
    client.force_login(aude)

    before = client.get(f"/stores/{store.name}/readiness/")
    dream(store)
    after = client.get(f"/stores/{store.name}/readiness/")

    assert (before.context["report"]["digested"], after.context["report"]["digested"]) == (0, store.sessions().count())
    assert "Not known yet." in before.content.decode()
    assert "case closed by staff" in after.content.decode()
    assert '<rect class="share" x="90.0"' in after.content.decode()
    assert "style=" not in after.content.decode()


def test_the_report_of_a_dream_stays_as_it_was(client, aude):
    store = load_fleet()
    ended = dream(store)
    make_session(store.agents.first())
    client.force_login(aude)

    as_it_was = client.get(f"/dreams/{ended.pk}/readiness/").context["report"]
    now = client.get(f"/stores/{store.name}/readiness/").context["report"]

    assert as_it_was == ended.manifest["readiness"]
    assert now["sessions"] == as_it_was["sessions"] + 1
    assert f'href="/dreams/{ended.pk}/readiness/"' in client.get(f"/dreams/{ended.pk}/").content.decode()


@pytest.mark.parametrize("address", ["/dreams/", "/stores/claims/", "/agents/teller/"])
def test_it_is_linked_from_where_one_looks(client, aude, address):
    make_store("claims", [make_agent("teller")])
    client.force_login(aude)

    assert 'href="/stores/claims/readiness/"' in client.get(address).content.decode()


def test_a_pass_without_outcomes_says_so_and_claims_nothing_about_success(client, rita):
    ended = dream(load_without_outcomes())
    client.force_login(rita)

    page = client.get(f"/dreams/{ended.pk}/").content.decode()
    proposals = list(Proposal.objects.all())

    assert "No session says how it ended." in page
    assert f'href="/dreams/{ended.pk}/readiness/#log"' in page
    assert (
        {"workaround"} <= {proposal.kind for proposal in proposals} <= {"workaround", "recurring_failure", "preference"}
    )
    for proposal in proposals:
        said = f"{proposal.title} {proposal.content} {proposal.rationale}".replace(
            "How sessions end cannot be compared", ""
        )
        assert not re.search(r"\bsuccess|succeed|ended? (?:worse|better)|fail more", said), said
        assert (proposal.support["met_total"], proposal.support["other_total"]) == (0, 0)
    assert Proposal.objects.filter(content__contains="How sessions end cannot be compared.").exists()


def test_a_pass_over_outcomes_that_never_differ_says_so(client, rita):
    store = load_fleet()
    store.sessions().update(outcome="success")
    client.force_login(rita)

    assert "Outcomes cannot be compared:" in client.get(f"/dreams/{dream(store).pk}/").content.decode()


def test_a_full_signal_is_not_warned_of(client, rita):
    client.force_login(rita)

    page = client.get(f"/dreams/{dream(load_fleet()).pk}/").content.decode()

    assert "No session says how it ended." not in page
    assert "Outcomes cannot be compared" not in page


def test_hostile_names_are_shown_and_do_nothing(client, aude):
    agent = make_agent("teller")
    for _ in range(6):
        session = make_session(agent, outcome="success", outcome_source=HOSTILE)
        Event.objects.create(
            session=session, seq=1, type="tool_call", role="agent", tool=HOSTILE, call_id="c1", input="{}"
        )
        Event.objects.create(
            session=session, seq=2, type="tool_result", role="tool", tool=HOSTILE, call_id="c1", output="x"
        )
    dream(make_store("claims", [agent]))
    client.force_login(aude)

    page = client.get("/stores/claims/readiness/").content.decode()

    assert page.count("&lt;script&gt;window.hacked=1") >= 3
    assert "<script>window" not in page
    assert "\u202e" not in page


def test_the_example_is_a_session_that_the_api_takes_with_all_that_is_asked_for(client):
    make_store("claims", [make_agent("teller")])
    _, secret = issue_key(agent=make_agent("clerk"), scopes=["ingest"], issued_by=Actor.system("test"))

    answer = client.post(
        "/api/v1/sessions",
        json.dumps(example_session("clerk")),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )

    assert answer.status_code == 201
    report = report_on(Session.objects.all())
    assert (report["with_outcome"], report["scored"], report["with_task"], report["with_principal"]) == (1, 1, 1, 1)
    assert report["sources"]["shown"] == (("grader", 1),)
    assert Event.objects.get(type="tool_result").is_error


def test_the_command_digests_what_is_new_and_prints_the_same_report(capsys):
    store = load_without_outcomes()

    call_command("readiness", "claims", json=True)
    report = json.loads(capsys.readouterr().out)
    call_command("readiness", "claims")
    summary = capsys.readouterr().out

    assert report == json.loads(json.dumps(report_on(store.sessions())))
    assert report["digested"] == report["sessions"]
    assert report["advice"][0]["field"] == "outcome.status"
    assert report["advice"][0]["example"]["outcome"]["status"] == "success"
    assert "outcome.status: No session says how it ended." in summary


def test_the_command_says_which_stores_there_are():
    make_store("claims")
    with pytest.raises(CommandError, match="Stores: claims"):
        call_command("readiness", "nowhere")


def test_a_report_reads_each_session_in_one_query(django_assert_num_queries):
    store = load_fleet()
    with django_assert_num_queries(1):
        report_on(store.sessions())
