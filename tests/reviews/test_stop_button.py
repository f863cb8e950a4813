"""The stop button in the browser, and what agents are told of it."""

import pytest
from django.test import Client

from audit.actors import Actor
from audit.models import Entry
from memory.models import MemoryRead
from memory.stopping import stop_store
from sessions.services import issue_key
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_store

pytestmark = pytest.mark.django_db
ADAM = Actor("user", "7", "adam")


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def store(agent):
    return make_store("claims", [agent])


@pytest.fixture
def first(store, rita):
    return make_live_memory(store, rita, content="One.", path="/a.md")


@pytest.fixture
def ask(agent):
    """The agent's read, as over HTTP."""
    _, secret = issue_key(agent=agent, scopes=["read"], issued_by=ADAM)

    def read(query: str = "", tag: str = ""):
        headers = {"Authorization": f"Bearer {secret}"} | ({"If-None-Match": tag} if tag else {})
        return Client().get(f"/api/v1/agents/teller/memory{query}", headers=headers)

    return read


@pytest.mark.parametrize("who", ["adam", "rita"])
def test_admins_and_reviewers_stop_and_let_go_and_agents_notice_at_once(client, request, store, first, ask, who):
    approve(
        make_proposal(store, operation="update", path="/a.md", base_version=first, content="Two."),
        request.getfixturevalue("rita"),
    )
    client.force_login(request.getfixturevalue(who))
    assert [memory["content"] for memory in ask().json()["stores"][0]["memories"]] == ["Two."]

    client.post("/stores/claims/stop/", {"reason": "Tuesday was wrong.", "serve": "1"})
    (served,) = ask().json()["stores"]
    assert (served["stopped"], served["revision"], served["memories"][0]["content"]) == (True, 1, "One.")

    client.post("/stores/claims/resume/", {"reason": "Mended."})
    (served,) = ask().json()["stores"]
    assert (served["stopped"], served["revision"], served["memories"][0]["content"]) == (False, 2, "Two.")
    assert [entry.action for entry in Entry.objects.about(f"store:{store.pk}").order_by("-seq")[:2]] == [
        "store.resumed",
        "store.stopped",
    ]


def test_json_changes_with_the_stop_and_the_prompt_does_not(store, first, ask):
    json, prompt = ask(), ask("?format=markdown")
    stop_store(store_id=store.pk, actor=ADAM, reason="Looks poisoned.")

    assert ask(tag=json["ETag"]).status_code == 200
    unchanged = ask("?format=markdown", tag=prompt["ETag"])
    assert (unchanged.status_code, unchanged["Daylight-Stopped"]) == (304, "claims")
    assert ask("?format=markdown").content == prompt.content
    assert "Daylight-Stopped" not in json.headers


def test_what_a_session_was_served_while_stopped_is_recorded(store, first, ask, rita):
    make_live_memory(store, rita)
    stop_store(store_id=store.pk, actor=ADAM, reason="Looks poisoned.", served_revision=1)
    ask("?session=run-1")
    assert MemoryRead.objects.get().revision == 1


def test_the_stores_page_shows_what_is_served_and_not_what_is_live(client, rita, store, first):
    approve(make_proposal(store, operation="delete", path="/a.md", base_version=first, content=""), rita)
    make_live_memory(store, rita, content="Later.", path="/b.md")
    stop_store(store_id=store.pk, actor=ADAM, reason="<b>Looks</b> poisoned.\u202e", served_revision=1)
    client.force_login(rita)

    response = client.get("/stores/claims/")
    page = response.content.decode()

    assert [version.content for version in response.context["served"]] == ["One."]
    assert "r1, an earlier revision" in page
    assert "get revision r1; the newest is r3" in page
    assert "<b>Looks</b>" not in page
    assert "\u202e" not in page


def test_every_page_about_the_store_says_so_loudly(client, aude, store, first):
    proposal = make_proposal(store)
    other = make_proposal(make_store("other"))
    stop_store(store_id=store.pk, actor=ADAM, reason="Looks poisoned.")
    client.force_login(aude)

    for address in ("/", "/stores/claims/", f"/proposals/{proposal.pk}/"):
        page = client.get(address).content.decode()
        assert "Looks poisoned." in page
        assert "1 stopped" in page
    elsewhere = client.get(f"/proposals/{other.pk}/").content.decode()
    assert "Looks poisoned." not in elsewhere
    assert "1 stopped" in elsewhere
    assert 'action="/stores/claims/stop/"' not in client.get("/stores/claims/").content.decode()


@pytest.mark.parametrize("sent", [{}, {"reason": "  "}, {"reason": "x", "serve": "99"}, {"reason": "x", "serve": "²"}])
def test_a_stop_that_makes_no_sense_says_why(client, rita, store, sent):
    client.force_login(rita)
    response = client.post("/stores/claims/stop/", sent, follow=True)

    store.refresh_from_db()
    assert store.stopped_at is None
    assert 'class="flash error"' in response.content.decode()


def test_recent_revisions_can_be_chosen_by_what_they_changed(client, rita, store, first):
    client.force_login(rita)
    page = client.get("/stores/claims/").content.decode()
    assert '<option value="1">r1, ' in page
    assert "created /a.md</option>" in page
