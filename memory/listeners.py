"""New agents are attached to the store that their sessions were imported for."""

from typing import Any

from django.dispatch import receiver

from audit.actors import Actor
from memory.models import MemoryStore
from memory.services import attach_agents, create_store
from sessions.models import Agent
from sessions.signals import agents_seen


@receiver(agents_seen, dispatch_uid="memory.attach_new_agents")
def attach_new_agents(*, store: str, agents: list[Agent], **_: Any) -> list[str]:
    """Attach the agents that have no store yet. Those that read another one stay as they are: returned as warnings.

    What an agent reads is an admin's choice; an import must not widen it, nor let the policy into a store.
    """
    actor = Actor.system("import")
    target = MemoryStore.objects.filter(name=store).first() or create_store(name=store, actor=actor)
    attached = {agent.pk: agent.stores.values_list("name", flat=True) for agent in agents}
    homeless = [agent for agent in agents if not attached[agent.pk] and agent.mode != Agent.Mode.AUTO]
    if homeless:
        attach_agents(store=target, agents=homeless, actor=actor)
    return [
        f"{agent.slug} reads {', '.join(attached[agent.pk]) or 'no store'}, not {store}: dreams over {store} will not see these sessions."
        f" Attach it on its page if that is meant."
        for agent in agents
        if agent not in homeless and store not in attached[agent.pk]
    ]
