"""What holds for every request: odd addresses, caches, the accounts' pages, and what answers when parts are away."""

import threading

import pytest
from django.urls import NoReverseMatch, reverse

from audit.actors import Actor
from dreaming import health
from dreaming.forms import DreamForm, DreamPolicyForm
from dreaming.models import Dream
from sessions.services import issue_key
from tests.factories import make_agent, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    ["/stores/%00/", "/agents/%00/", *(f"/record/?{name}=%00" for name in ("store", "subject", "actor", "action"))],
)
def test_a_nul_in_an_address_is_a_400_page(client, aude, address):
    client.force_login(aude)
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (400, "text/plain; charset=utf-8")


def test_a_nul_in_an_address_of_the_api_is_a_400_in_json(client):
    response = client.get("/api/v1/agents/x/memory?session=%00")
    assert (response.status_code, response.json()["error"]) == (400, "malformed")
    assert client.get("/api/v1/agents/x%00/memory").status_code == 400


def test_an_address_that_only_looks_like_a_nul_is_none(client, aude):
    client.force_login(aude)
    assert client.get("/record/?store=%2500").status_code == 200


def test_what_breaks_in_the_api_is_json_without_details(client, monkeypatch, caplog):
    agent = make_agent("teller")
    _, secret = issue_key(agent=agent, scopes=["read"], issued_by=Actor.system("test"))

    def breaks(*_):
        raise RuntimeError("the inner life")

    monkeypatch.setattr("memory.reading.live_snapshots", breaks)
    response = client.get("/api/v1/agents/teller/memory", headers={"Authorization": f"Bearer {secret}"})
    assert (response.status_code, response.json()["error"]) == (500, "internal_server_error")
    assert "inner life" not in response.content.decode()
    assert "the inner life" in caplog.text


def test_pages_of_the_signed_in_are_not_stored(client, rita):
    assert "no-store" not in client.get("/healthz/web").get("Cache-Control", "")
    client.force_login(rita)
    for address in ("/", "/agents/", "/nowhere/"):
        assert "no-store" in client.get(address)["Cache-Control"]


def test_the_page_with_a_fresh_key_is_not_stored(client, adam):
    make_agent("teller")
    client.force_login(adam)
    response = client.post(reverse("dreaming:new_key", args=["teller"]), {"scopes": ["read"]})
    assert b"dl_" in response.content
    assert {"no-store", "no-cache"} <= {part.strip() for part in response["Cache-Control"].split(",")}


@pytest.mark.parametrize(
    "address",
    ["signup/", "email/", "confirm-email/", "password/reset/", "password/reset/done/", "password/set/", "login/code/"],
)
def test_what_daylight_does_not_use_of_the_accounts_is_not_there(client, rita, address):
    assert client.get(f"/accounts/{address}").status_code == 404
    client.force_login(rita)
    assert client.get(f"/accounts/{address}").status_code == 404


def test_the_accounts_pages_that_are_linked_render(client, rita):
    assert client.get(reverse("account_login")).status_code == 200
    client.post(reverse("account_login"), {"login": "rita", "password": "rita-password"})
    for name in (
        "account_logout",
        "account_change_password",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
    ):
        assert client.get(reverse(name), follow=True).status_code == 200, name
    with pytest.raises(NoReverseMatch):
        reverse("account_reset_password")


@pytest.mark.parametrize(("number", "is_valid"), [(0, False), (1, True), (100, True), (101, False), (1000, False)])
def test_a_pass_proposes_1_to_100(number, is_valid):
    store = make_store("claims")
    fields = {"store": store.pk, "engine": "mining", "window": "all", "schedule": "off", "max_proposals": number}
    assert DreamForm(fields).is_valid() is is_valid
    assert DreamPolicyForm(fields).is_valid() is is_valid


def test_an_agent_and_a_store_named_new_have_their_pages(client, aude):
    store = make_store("new", [make_agent("new")])
    client.force_login(aude)
    assert client.get(reverse("dreaming:agent_detail", args=["new"])).status_code == 200
    assert client.get(reverse("reviews:store_detail", args=[store.name])).status_code == 200


def test_the_agents_page_counts_sessions_in_one_query(client, aude, django_assert_max_num_queries):
    for number in range(3):
        agent = make_agent(f"a-{number}")
        for outcome in ("success", "failure", "unknown")[: number + 1]:
            make_session(agent, outcome=outcome)
    client.force_login(aude)
    with django_assert_max_num_queries(10):
        rows = client.get("/agents/").context["agents"]
    assert [(row.session_count, row.success_count, row.failure_count) for row in rows] == [
        (1, 1, 0),
        (2, 1, 1),
        (3, 1, 1),
    ]


def test_readers_are_counted_by_their_sessions_of_seven_days(client, aude):
    busy, idle = make_agent("busy"), make_agent("idle")
    proposal = make_proposal(make_store("claims", [busy, idle]), make_session(busy))
    make_session(busy, occurred_at="2020-01-01T00:00:00Z")
    from reviews.presenters import readers_of

    assert [(agent.slug, agent.lately) for agent in readers_of(proposal)] == [("busy", 1), ("idle", 0)]


def test_a_seq_of_19_digits_can_be_paged(client, aude):
    session = make_session(make_agent("teller"))
    client.force_login(aude)
    for at, shown in ((2**63 - 1, 2**63 - 1), (2**63, None)):
        assert client.get(f"/sessions/{session.pk}/?at={at}").context["at"] == shown


def test_dreams_are_listed_newest_first_and_paged(client, aude, monkeypatch):
    monkeypatch.setattr("dreaming.views.PAGE", 2)
    store = make_store("claims")
    made = [Dream.objects.create(store=store, status="completed", requested_by="test") for _ in range(3)]
    client.force_login(aude)
    first = client.get("/dreams/")
    assert list(first.context["dreams"]) == [made[2], made[1]]
    second = client.get(f"/dreams/?before={first.context['next_before']}")
    assert list(second.context["dreams"]) == [made[0]]


@pytest.fixture
def worker(monkeypatch):
    """A worker that is asked for the first time."""
    calls = []
    monkeypatch.setattr(health, "_asked", health.Asked())
    monkeypatch.setattr(health, "_ask_worker", lambda: calls.append(1) or "ok")
    return calls


def test_a_worker_that_was_missing_is_asked_for_again_at_once(client, worker, monkeypatch):
    monkeypatch.setattr(health, "_ask_worker", lambda: "no worker answers")
    assert client.get("/healthz").status_code == 503
    monkeypatch.setattr(health, "_ask_worker", lambda: "ok")
    assert client.get("/healthz").status_code == 200


def test_many_health_checks_ask_the_worker_once(client, worker):
    for _ in range(5):
        assert client.get("/healthz").status_code == 200
    assert len(worker) == 1
    health._asked.at -= health.FRESH_SECONDS
    client.get("/healthz")
    assert len(worker) == 2


def test_while_the_worker_is_asked_others_get_the_last_answer(worker, monkeypatch):
    health._worker()
    health._asked.at -= health.FRESH_SECONDS
    asking, go_on = threading.Event(), threading.Event()

    def slow():
        asking.set()
        go_on.wait(10)
        return "no worker answers"

    monkeypatch.setattr(health, "_ask_worker", slow)
    thread = threading.Thread(target=health._worker)
    thread.start()
    assert asking.wait(10)
    assert health._worker() == "ok"
    go_on.set()
    thread.join(10)
    assert health._worker() == "no worker answers"
