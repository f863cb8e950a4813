"""What of an agent's settings asks less of people than before, and proposing it instead of doing it."""

from typing import Any

from audit.actors import Actor
from audit.services import record
from memory.models import MemoryStore
from memory.policy_changes import PolicyChange
from sessions.models import Agent

# The sessions and agents that the policy asks for, and 1 where it lets no agent's own writes through.
Policy = tuple[int, int, int]


_POLICY = ("mode", "auto_min_sessions", "auto_min_agents", "auto_own_writes")


class SettingsMoved(Exception):
    """Somebody else changed the settings after they were shown; the message says so."""


class ChangeWaits(SettingsMoved):
    """A loosening of the same settings waits for a second person already."""


def loosenings(agent: Agent, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """A sentence for each way in which `after` lets pass by policy what `before` left to people. Stores are locked."""
    found = []
    if (before["mode"], after["mode"]) == (Agent.Mode.GATED, Agent.Mode.AUTO):
        found.append(f"{agent.slug} goes from gated to auto.")
    for name, what in (("auto_min_sessions", "sessions"), ("auto_min_agents", "agents")):
        if after[name] < before[name]:
            found.append(f"Auto needs {after[name]} {what} instead of {before[name]}.")
    if after["auto_own_writes"] and not before["auto_own_writes"]:
        found.append(f"What {agent.slug} itself asks to have remembered may go live by policy.")
    return found + _opened_stores(agent, before, after)


def _opened_stores(agent: Agent, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Stores in which the policy would decide at all, or on less, because of who reads them."""
    found = []
    for store in MemoryStore.objects.filter(name__in={*before["stores"], *after["stores"]}).order_by("name"):
        others = list(store.agents.exclude(pk=agent.pk).values_list(*_POLICY).order_by())
        was, becomes = _policy(others, before, store), _policy(others, after, store)
        if becomes and not was:
            found.append(f"The policy decides in {store.name}, where people did.")
        elif becomes and was and any(new < old for new, old in zip(becomes, was, strict=True)):
            found.append(f"The policy asks for less in {store.name}.")
    return found


def _policy(others: list[tuple[Any, ...]], settings: dict[str, Any], store: MemoryStore) -> Policy | None:
    """What the policy asks for; None where it decides nothing."""
    own = tuple(settings[name] for name in _POLICY)
    readers = [*others, own] if store.name in settings["stores"] else others
    if not readers or any(reader[0] != Agent.Mode.AUTO for reader in readers):
        return None
    _, sessions, agents, own_writes = zip(*readers, strict=True)
    return max(sessions), max(agents), int(not all(own_writes))


def propose_change(
    *,
    looser: list[str],
    before: dict[str, Any],
    after: dict[str, Any],
    actor: Actor,
    agent: Agent | None = None,
    store: MemoryStore | None = None,
) -> PolicyChange:
    """Keep a loosening for a second person, in the caller's transaction. Raises `ChangeWaits`."""
    about = {"agent": agent, "store": store}
    if PolicyChange.objects.filter(**about, state=PolicyChange.State.PENDING).exists():
        raise ChangeWaits("A loosening of these settings waits for a second admin already. Confirm or refuse it first.")
    change = PolicyChange.objects.create(
        **about, before=before, after=after, looser=looser, proposed_by=actor.id, proposed_by_name=actor.name
    )
    record(
        action="policy.change_proposed",
        actor=actor,
        subject=change.subject,
        store=store.name if store else "",
        data={"change": change.pk, "before": before, "after": after},
    )
    return change
