"""Agents as admins set them: mode, thresholds, and the stores that they read."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from audit.actors import Actor
from audit.acts import one_act
from audit.canonical import digest_of
from audit.services import record
from memory.loosening import SettingsMoved, loosenings, propose_change
from memory.models import MemoryStore, PolicyChange
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


@transaction.atomic
@one_act()
def save_agent_settings(
    *, agent: Agent, stores: Sequence[MemoryStore], actor: Actor, seen: str = "", reason: str = ""
) -> PolicyChange | None:
    """Keep the agent's mode, thresholds and attached stores, with what they were before, and the reason, in the record.

    What would let pass by policy what people decide now is proposed instead, all of it, and returned: another admin
    confirms it. `seen` is `settings_digest()` of what the actor was shown: raises `SettingsMoved` when that is no longer
    so, and `ChangeWaits` when another loosening waits.
    """
    kept = Agent.objects.get(pk=agent.pk)
    lock_stores([*kept.stores.values_list("pk", flat=True), *(store.pk for store in stores)])
    before = agent_settings(Agent.objects.select_for_update(no_key=True).get(pk=agent.pk))
    if seen and seen != digest_of(before):
        raise SettingsMoved(f"The settings of {agent.slug} changed while you had them open. Look at them again.")
    agent.full_clean()
    after = {**agent_settings(agent), "stores": sorted(store.name for store in stores)}
    if before == after:
        return None
    if looser := loosenings(agent, before, after):
        return propose_change(looser=looser, before=before, after=after, actor=actor, agent=agent)
    _apply(agent, stores, before, actor, {"reason": reason} if reason else {})
    return None


def apply_agent_change(*, change: PolicyChange, actor: Actor) -> None:
    """Do what a second person confirmed, in the caller's transaction, which holds the stores. Raises `SettingsMoved`."""
    agent = Agent.objects.select_for_update(no_key=True).get(pk=change.agent_id)
    stores = list(MemoryStore.objects.filter(name__in=change.after["stores"]))
    if agent_settings(agent) != change.before or len(stores) < len(change.after["stores"]):
        raise SettingsMoved(f"The settings of {agent.slug} changed since this was proposed.")
    for name, value in change.after.items():
        if name != "stores":
            setattr(agent, name, value)
    _apply(agent, stores, change.before, actor, {"proposed_by": change.proposed_by_name})


def _apply(
    agent: Agent,
    stores: Sequence[MemoryStore],
    before: dict[str, Any],
    actor: Actor,
    said: dict[str, str],
) -> None:
    agent.save()
    agent.stores.set(stores)
    after = agent_settings(agent)
    change = {"agent": agent.slug, "before": before, "after": after, **said}
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
