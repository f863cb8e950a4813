"""A pass over the database: it sees the store, corrects a memory in its place, and forgets what it was served."""

from __future__ import annotations

import pytest

from dreaming.models import Dream
from dreaming.passes import run_dream
from dreaming.snapshots import memory_views, served_texts
from memory.models import MemoryStore
from memory.services import record_read
from reviews.services import Ballot, decide
from sessions.models import Agent, Event
from tests.dreaming.test_mining_preferences import ANCHORS
from tests.factories import approve, make_agent, make_live_memory, make_session, make_store

pytestmark = pytest.mark.django_db(transaction=True)

STALE = "# Harbour\n\n- Give anchor weights in stones, never in quintals.\n- The bell rings at dawn.\n"


@pytest.fixture
def agent() -> Agent:
    return make_agent("bargee")


@pytest.fixture
def store(agent: Agent) -> MemoryStore:
    return make_store("harbour", [agent])


def correct(agent: Agent, count: int) -> list[str]:
    names = []
    for ref in range(count):
        session = make_session(
            agent, ["noted"], external_id=f"c{ref}", principal=f"guild-{ref % 5}", task_id=f"t{ref}", outcome="success"
        )
        Event.objects.create(session=session, seq=1, type="correction", role="user", text=ANCHORS[ref % len(ANCHORS)])
        names.append(session.external_id)
    return names


def dreamt(store: MemoryStore) -> Dream:
    dream = Dream.objects.create(store=store, requested_by="test")
    assert run_dream(dream.pk)
    dream.refresh_from_db()
    return dream


def test_a_contradicted_memory_is_updated_in_its_place(store, agent, rita):
    live = make_live_memory(store, rita, path="/style/harbour.md", content=STALE)
    correct(agent, 20)

    dream = dreamt(store)

    proposal = dream.findings.get(proposal__isnull=False).proposal
    assert (proposal.kind, proposal.operation, proposal.base_version) == ("upkeep", "update", live)
    assert "- The bell rings at dawn." in proposal.content
    assert "never in quintals" not in proposal.content
    version = approve(proposal, rita).version
    assert version is not None
    assert dreamt(store).findings.filter(proposal__isnull=False).count() == 0


def test_what_sessions_were_served_confirms_nothing(store, agent, rita):
    version = make_live_memory(store, rita, path="/style/other.md", content="\n".join(ANCHORS))
    for name in correct(agent, 20):
        record_read(agent=agent, session_external_id=name, served=[(store.pk, version.revision)])

    dream = dreamt(store)

    assert not dream.findings.filter(proposal__isnull=False)
    assert not dream.findings.filter(kind="preference")
    assert set(map(tuple, served_texts(store).values())) == {("\n".join(ANCHORS),)}
    (view,) = memory_views(store)
    assert (view.path, view.served, view.served_success, view.served_known) == ("/style/other.md", 20, 20, 20)


def test_the_manifest_says_what_the_signal_did_not_allow(store, agent):
    make_session(agent)
    assert any("No session says how it ended" in note for note in dreamt(store).manifest["notes"])


FORMS = (
    ("The plume has no register mark, so it stays where it is.", "Register mark missing on this plume."),
    ("No plume moves without its register mark.", "This plume lacks a register mark."),
)


def haul(agent: Agent, ref: int, refusal: str) -> None:
    """A session in which a plume is refused in these words, and goes through with its mark."""
    session = make_session(
        agent, ["noted"], external_id=f"h{ref}", principal=f"guild-{ref % 5}", task_id=f"t{ref}", outcome="success"
    )
    tries = ((f'{{"plume": "P-{ref}"}}', refusal, True), (f'{{"plume": "P-{ref}", "mark": "M{ref}"}}', "hauled", False))
    for number, (given, answer, failed) in enumerate(tries):
        common = {"session": session, "tool": "haul_plume", "call_id": f"c{number}"}
        Event.objects.create(**common, seq=2 * number + 1, type="tool_call", role="agent", input=given)
        Event.objects.create(
            **common, seq=2 * number + 2, type="tool_result", role="tool", output=answer, is_error=failed
        )


def test_a_rejected_claim_stays_rejected_when_other_wordings_of_it_prevail(store, agent, rita):
    for ref in range(20):
        haul(agent, ref, FORMS[0][ref % 4 == 0])
    first = dreamt(store).findings.get(kind="workaround")
    decide(
        proposal_id=first.proposal.pk,
        decider=rita,
        ballot=Ballot("reject", first.proposal.digest, "Marks are given out by hand."),
    )
    for ref in range(20, 46):
        haul(agent, ref, FORMS[1][ref % 4 == 0])

    second = dreamt(store).findings.get(kind="workaround")

    assert second.claim_key != first.claim_key
    assert second.data["support"]["sessions"] == 46
    assert second.proposal is None
    assert second.discarded_reason == f"Rejected before, as {first.proposal.public_id}: Marks are given out by hand."
