"""The main job through the API, on a slice of real sessions: in, dreamt over, decided, read."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from audit.actors import Actor
from audit.verifying import verify_record
from memory.agents import create_agent
from memory.models import MemoryStore, Proposal
from memory.services import create_store
from sessions.models import Event
from sessions.services import issue_key
from tests.flow.real_data import needs_real_data, real_sessions

pytestmark = [pytest.mark.django_db(transaction=True), needs_real_data]

AGENTS = ("retail-gpt-4o-base", "retail-gpt-4.1-base", "retail-gpt-4o-lib1", "retail-gpt-4.1-lib1")


@pytest.fixture
def keys() -> dict[str, str]:
    actor = Actor.system("test")
    store = create_store(name="retail", actor=actor)
    agents = [create_agent(slug=slug, stores=[store], actor=actor) for slug in AGENTS]
    return {agent.slug: issue_key(agent=agent, scopes=["ingest", "read"], issued_by=actor)[1] for agent in agents}


def send(client, key: str, sessions: list[dict]) -> dict:
    body = "\n".join(json.dumps(session) for session in sessions)
    response = client.post(
        "/api/v1/sessions", body, content_type="application/x-ndjson", headers={"Authorization": f"Bearer {key}"}
    )
    assert response.status_code == 200, response.content
    return response.json()


def dream(capsys) -> dict:
    capsys.readouterr()
    call_command("dream", store="retail", json=True)
    return json.loads(capsys.readouterr().out)


def decide(client, proposal: Proposal, verdict: str, **fields: str) -> None:
    data = {"verdict": verdict, "digest": proposal.digest, "reason": "Read the evidence.", **fields}
    response = client.post(reverse("reviews:decide", args=[proposal.pk]), data)
    assert response.status_code == 302, response.content


def test_real_sessions_become_approved_memory(client, rita, keys, capsys):
    sent = {slug: [session for session in real_sessions("retail") if session["agent"] == slug] for slug in AGENTS}
    for slug, sessions in sent.items():
        answer = send(client, keys[slug], sessions)
        assert (answer["accepted"], answer["errors"]) == (len(sessions), [])
        assert send(client, keys[slug], sessions[:5])["duplicates"] == 5

    report = dream(capsys)

    assert report["status"] == "completed"
    assert report["sessions"] == sum(map(len, sent.values()))
    assert 3 <= len(report["proposals"]) <= 12
    check_quotes(report, sent)
    client.force_login(rita)
    first, second, third = Proposal.objects.open().order_by("pk")[:3]
    decide(client, first, "approve")
    decide(client, second, "approve_with_edits", content="Ask for the zip code first.", path="/lookup.md")
    decide(client, third, "reject")

    served = client.get(
        f"/api/v1/agents/{AGENTS[0]}/memory?session=next-run", headers={"Authorization": f"Bearer {keys[AGENTS[0]]}"}
    ).json()["stores"]

    assert [(store["store"], store["revision"]) for store in served] == [("retail", 2)]
    texts = {memory["path"]: memory["content"] for memory in served[0]["memories"]}
    assert texts == {first.path: first.content, "/lookup.md": "Ask for the zip code first."}
    assert MemoryStore.objects.get().reads.get().session_external_id == "next-run"
    check_second_dream(dream(capsys), third)
    assert verify_record().error == ""


def check_quotes(report: dict, sent: dict[str, list[dict]]) -> None:
    """Every quote is an exact substring of the event that it cites, in the file as it was sent."""
    events = {
        (session["id"], session["agent"], event["seq"]): event
        for sessions in sent.values()
        for session in sessions
        for event in session["events"]
    }
    for proposal in report["proposals"]:
        assert any(item["stance"] == "supports" for item in proposal["evidence"])
        for item in proposal["evidence"]:
            event = events[item["session"], item["agent"], item["seq"]]
            texts = [event.get("text", ""), *(as_text(event.get(name)) for name in ("output", "input"))]
            assert any(item["quote"] in text for text in texts)


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def check_second_dream(report: dict, rejected: Proposal) -> None:
    """The same sessions again: nothing new to say, and the rejected claim stays away, with the reason."""
    assert report["proposals"] == []
    reasons = {row["claim_key"]: row["reason"] for row in report["discarded"]}
    assert reasons[rejected.claim_key].startswith(f"Rejected before, as {rejected.public_id}")


def test_no_event_is_lost_on_the_way_in(client, keys):
    sessions = [session for session in real_sessions("retail") if session["agent"] == AGENTS[0]][:50]
    send(client, keys[AGENTS[0]], sessions)
    assert Event.objects.count() == sum(len(session["events"]) for session in sessions)
