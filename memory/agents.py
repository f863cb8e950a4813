"""Agents as admins set them: mode, thresholds, and the stores that they read."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from audit.actors import Actor
from audit.acts import one_act
from audit.canonical import digest_of
from audit.services import record
from memory.models import MemoryStore
from memory.services import attach_agents, lock_stores
from sessions.models import Agent


@transaction.atomic
@one_act()
def create_agent(*, slug: str, stores: Sequence[MemoryStore], actor: Actor) -> Agent:
    """Create a gated agent and attach it. Raises `ValidationError` for a slug that is malformed or taken."""
    lock_stores(store.pk for store in stores)
    agent = Agent(slug=slug)
    agent.full_clean()
    agent.save()
    record(
        action="agent.created",
        actor=actor,
        subject=f"agent:{agent.pk}",
        data={"slug": slug, "mode": agent.mode},
    )
    for store in stores:
        attach_agents(store=store, agents=[agent], actor=actor)
    return agent


class SettingsMoved(Exception):
    """Somebody else changed the settings after they were shown; the message says so."""


@transaction.atomic
@one_act()
def save_agent_settings(
    *, agent: Agent, stores: Sequence[MemoryStore], actor: Actor, seen: str = "", reason: str = ""
) -> None:
    """Keep the agent's mode, thresholds and attached stores, with what they were before, and the reason, in the record.

    `seen` is `settings_digest()` of what the actor was shown: raises `SettingsMoved` when that is no longer so.
    """
    kept = Agent.objects.get(pk=agent.pk)
    lock_stores([*kept.stores.values_list("pk", flat=True), *(store.pk for store in stores)])
    before = agent_settings(Agent.objects.select_for_update(no_key=True).get(pk=agent.pk))
    if seen and seen != digest_of(before):
        raise SettingsMoved(f"The settings of {agent.slug} changed while you had them open. Look at them again.")
    agent.full_clean()
    agent.save()
    agent.stores.set(stores)
    after = agent_settings(agent)
    if before == after:
        return
    change = {"agent": agent.slug, "before": before, "after": after} | ({"reason": reason} if reason else {})
    record(action="agent.changed", actor=actor, subject=f"agent:{agent.pk}", data=change)
    for store in MemoryStore.objects.filter(name__in={*before["stores"], *after["stores"]}):
        subject = f"store:{store.pk}"
        record(action="store.changed", actor=actor, subject=subject, store=store.name, data=change)


def settings_digest(agent: Agent) -> str:
    """What a form shows of an agent, in a word."""
    return digest_of(agent_settings(agent))


def agent_settings(agent: Agent) -> dict[str, Any]:
    """What of an agent is governed, as the record keeps it."""
    return {
        "mode": agent.mode,
        "auto_min_sessions": agent.auto_min_sessions,
        "auto_min_agents": agent.auto_min_agents,
        "auto_own_writes": agent.auto_own_writes,
        "stores": sorted(agent.stores.values_list("name", flat=True)),
    }
