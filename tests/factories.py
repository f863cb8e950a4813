"""What tests start from. Versions are made through `decide()`, like everywhere else."""

import itertools
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from audit.actors import Actor
from audit.roles import ADMIN
from dreaming.databases import APP_ROLE
from memory.agents import save_agent_settings
from memory.models import MemoryStore, MemoryVersion, Proposal
from memory.services import Draft, QuoteDraft, submit_proposal
from reviews.ballots import Ballot
from reviews.models import Decision
from reviews.policy_changes import confirm_change
from reviews.services import decide
from sessions.models import Agent, Event, Session

_numbers = itertools.count(1)


def make_agent(slug: str = "", **fields: Any) -> Agent:
    return Agent.objects.create(slug=slug or f"agent-{next(_numbers)}", **fields)


def make_store(name: str = "", agents: list[Agent] | None = None) -> MemoryStore:
    store = MemoryStore.objects.create(name=name or f"store-{next(_numbers)}")
    store.agents.set(agents or [])
    return store


def make_session(agent: Agent, texts: list[str] | None = None, **fields: Any) -> Session:
    """A session whose events are tool results with the given outputs, numbered from 0."""
    texts = texts or ["Error: ledger is locked"]
    fields = {
        "external_id": f"s-{next(_numbers)}",
        "occurred_at": timezone.now(),
        "sha256": "0" * 64,
        **fields,
    }
    session = Session.objects.create(agent=agent, event_count=len(texts), **fields)
    Event.objects.bulk_create(
        Event(session=session, seq=seq, type="tool_result", role="tool", tool="post_entry", output=text)
        for seq, text in enumerate(texts)
    )
    return session


def make_proposal(store: MemoryStore, session: Session | None = None, **fields: Any) -> Proposal:
    """An open proposal, by a dream, with one supporting quote."""
    session = session or make_session(store.agents.first() or attach(store))
    source = fields.pop("source", Proposal.Source.DREAM)
    number = next(_numbers)
    draft: dict[str, Any] = {
        "operation": "create",
        "path": f"/tools/lesson-{number}.md",
        "content": f"When the ledger is locked, wait for the close. Lesson {'abcdefghij'[number % 10] * (number // 10 + 1)}.",
        "kind": "recurring_failure",
        "title": "Posting into a locked ledger fails",
        "rationale": "Seen in many sessions.",
        "evidence": [QuoteDraft(session.pk, 0, session.events.get(seq=0).output[:40], "supports")],
        "support": {"sessions": 12, "agents": 3},
        **fields,
    }
    return submit_proposal(
        store=store, draft=Draft(**draft), source=source, proposer=Actor.system("dream"), source_ref="dream:0"
    )


def loosen(agent: Agent, stores: list[MemoryStore]) -> None:
    """What one admin proposes and another confirms."""
    change = save_agent_settings(agent=agent, stores=stores, actor=Actor("user", "0", "first admin"))
    assert change is not None
    second, _ = User.objects.get_or_create(username="second-admin")
    second.groups.add(Group.objects.get(name=ADMIN))
    confirm_change(change_id=change.pk, by=second)


def attach(store: MemoryStore) -> Agent:
    agent = make_agent()
    store.agents.add(agent)
    return agent


def approve(proposal: Proposal, by: User, reason: str = "It is right.") -> Decision:
    return decide(proposal_id=proposal.pk, decider=by, ballot=Ballot("approve", proposal.digest, reason))


def make_live_memory(store: MemoryStore, by: User, **fields: Any) -> MemoryVersion:
    version = approve(make_proposal(store, **fields), by).version
    assert version is not None
    return version


def grow_old(proposal: Proposal, days: float) -> Proposal:
    """As if it had been filed so many days earlier: as the owner with triggers off, for what was filed is frozen."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE memory_proposal SET created_at = created_at - %s WHERE id = %s", [timedelta(days=days), proposal.pk]
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(f"SET ROLE {APP_ROLE}")
    proposal.refresh_from_db()
    return proposal
