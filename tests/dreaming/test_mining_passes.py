"""A pass over the database: it sees the store, corrects a memory in its place, and forgets what it was served."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User

from dreaming.models import Dream
from dreaming.passes import run_dream
from dreaming.snapshots import memory_views, served_texts
from memory.models import MemoryStore, Proposal
from memory.services import record_read
from reviews.ballots import Ballot
from reviews.services import decide
from sessions.models import Agent, Event
from tests.dreaming.test_mining_preferences import ANCHORS, ROPES
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db(transaction=True)

STALE = "# Harbour\n\n- Give anchor weights in stones, never in quintals.\n- The bell rings at dawn.\n"


@pytest.fixture
def agent() -> Agent:
    return make_agent("bargee")


@pytest.fixture
def store(agent: Agent) -> MemoryStore:
    return make_store("harbour", [agent])


def correct(agent: Agent, count: int, words: Sequence[str] = ANCHORS, prefix: str = "c") -> list[str]:
    names = []
    for ref in range(count):
        name, who = f"{prefix}{ref}", f"guild-{ref % 5}"
        session = make_session(
            agent, ["noted"], external_id=name, principal=who, task_id=f"t-{name}", outcome="success"
        )
        Event.objects.create(session=session, seq=1, type="correction", role="user", text=words[ref % len(words)])
        names.append(session.external_id)
    return names


def reject(proposal: Proposal, by: User) -> None:
    decide(proposal_id=proposal.pk, decider=by, ballot=Ballot("reject", proposal.digest, "It is wrong."))


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


def test_of_two_corrections_of_one_memory_the_second_waits_for_the_next_pass(store, agent, rita):
    make_live_memory(store, rita, path="/style/harbour.md", content=f"{STALE}- Always tar the ropes.\n")
    correct(agent, 24)
    correct(agent, 20, ROPES, "r")

    dream = dreamt(store)

    proposal = dream.findings.get(proposal__isnull=False).proposal
    late = dream.findings.get(discarded_reason__startswith="Another proposal of this pass")
    assert f"changes this memory: {proposal.public_id}, /style/harbour.md" in late.discarded_reason
    approve(proposal, rita)
    second = dreamt(store).findings.get(proposal__isnull=False).proposal
    content = approve(second, rita).version.content
    assert proposal.claim_key != second.claim_key
    assert "Always tar" not in content
    assert "never in quintals" not in content
    assert not Proposal.objects.filter(status="stale").exists()


def test_a_memory_that_an_open_proposal_changes_is_left_alone_until_that_is_decided(store, agent, rita):
    live = make_live_memory(store, rita, path="/style/harbour.md", content=STALE)
    dreamt(store)
    waiting = make_proposal(store, operation="update", path=live.path, base_version=live)
    correct(agent, 20)

    (finding,) = dreamt(store).findings.filter(kind="upkeep")

    assert finding.discarded_reason == (
        f"{waiting.public_id} changes this memory, /style/harbour.md, and waits for a decision. It comes again after that."
    )
    reject(waiting, rita)
    assert dreamt(store).findings.get(kind="upkeep").proposal.base_version == live


def test_a_claim_that_waits_is_told_as_such_though_it_is_in_its_own_way(store, agent, rita):
    make_live_memory(store, rita, path="/style/harbour.md", content=STALE)
    correct(agent, 20)
    dreamt(store)

    (finding,) = dreamt(store).findings.filter(kind="upkeep")

    assert finding.discarded_reason.startswith("The same claim waits for a decision already")


def test_what_sessions_were_served_confirms_nothing(store, agent, rita):
    version = make_live_memory(store, rita, path="/style/other.md", content="\n".join(ANCHORS))
    for name in correct(agent, 20):
        record_read(agent=agent, session_external_id=name, served=[(store.pk, version.revision, None)])

    dream = dreamt(store)

    assert not dream.findings.filter(proposal__isnull=False)
    assert not dream.findings.filter(kind="preference")
    assert set(map(tuple, served_texts(store).values())) == {("\n".join(ANCHORS),)}
    (view,) = memory_views(store)
    assert (view.path, view.served, view.served_success, view.served_known) == ("/style/other.md", 20, 20, 20)


def test_a_session_that_was_served_a_part_counts_for_what_it_held_alone(store, agent, rita):
    outside = make_live_memory(store, rita, path="/outside.md", content="Outside.")
    inside = make_live_memory(store, rita, path="/inside.md", content="Inside.")
    session = make_session(agent)
    part = (store.pk, inside.revision, [inside.revision])
    record_read(agent=agent, session_external_id=session.external_id, served=[part])

    assert served_texts(store) == {session.pk: ["Inside."]}
    counted = {view.version: (view.served, view.offered) for view in memory_views(store)}
    assert counted == {outside.pk: (0, 1), inside.pk: (1, 1)}


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
