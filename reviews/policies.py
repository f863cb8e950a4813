"""The auto policy: a decider like any other, who may do very little."""

from dataclasses import dataclass

from memory.models import Proposal
from reviews.four_eyes import needs_two
from sessions.models import Agent


@dataclass(frozen=True, slots=True)
class AutoPolicy:
    """Approves plain, unflagged new memories that enough sessions of enough agents support. Suspicion beats autonomy."""

    name: str = "auto"

    def refusal(self, proposal: Proposal) -> str:
        """Why the policy may not approve the proposal; empty when it may. Asked with the store locked."""
        agents = list(Agent.objects.filter(stores=proposal.store_id))
        if not agents or any(agent.mode != Agent.Mode.AUTO for agent in agents):
            return "A gated agent reads this store."
        worded_by_dream = proposal.source == Proposal.Source.DREAM and proposal.proposer_kind != "user"
        if proposal.operation != Proposal.Operation.CREATE or not worded_by_dream:
            return "Only new memories that a dream found go live by policy."
        if proposal.risk:
            return f"It is flagged: {', '.join(proposal.risk)}."
        if needs_two(proposal):
            return "Two people are asked for in this store."
        return self._too_little_support(proposal, agents)

    def _too_little_support(self, proposal: Proposal, agents: list[Agent]) -> str:
        """The strictest thresholds among the agents that would read it count."""
        sessions, needed = (
            proposal.support.get("sessions", 0),
            max(agent.auto_min_sessions for agent in agents),
        )
        if sessions < needed:
            return f"{sessions} sessions support it; {needed} are needed."
        found_by, wanted = proposal.support.get("agents", 0), max(agent.auto_min_agents for agent in agents)
        if found_by < wanted:
            return f"{found_by} agents found it; {wanted} are needed."
        return ""
