"""The auto policy: a decider like any other, who may do very little."""

from dataclasses import dataclass

from memory.models import Proposal
from reviews.four_eyes import needs_two
from sessions.models import Agent


@dataclass(frozen=True, slots=True)
class AutoPolicy:
    """Approves plain, unflagged new memories that enough sessions of enough agents support, and what agents write
    themselves where each agent of the store may. Suspicion beats autonomy.
    """

    name: str = "auto"

    def refusal(self, proposal: Proposal) -> str:
        """Why the policy may not approve the proposal; empty when it may. Asked with the store locked."""
        agents = list(Agent.objects.filter(stores=proposal.store_id))
        if not agents or any(agent.mode != Agent.Mode.AUTO for agent in agents):
            return "A gated agent reads this store."
        if refusal := self._not_of_its_kind(proposal, agents):
            return refusal
        if proposal.risk:
            return f"It is flagged: {', '.join(proposal.risk)}."
        if needs_two(proposal):
            return "Two people are asked for in this store."
        return "" if proposal.source == Proposal.Source.AGENT else self._too_little_support(proposal, agents)

    def reason(self, proposal: Proposal) -> str:
        """What its decision says, where it approves."""
        if proposal.source == Proposal.Source.AGENT:
            return "The agents of this store may write to it themselves, and nothing is flagged."
        sessions, agents = proposal.support.get("sessions"), proposal.support.get("agents")
        return f"{sessions} sessions of {agents} agents support it, and nothing is flagged."

    def _not_of_its_kind(self, proposal: Proposal, agents: list[Agent]) -> str:
        if proposal.source == Proposal.Source.AGENT:
            willing = all(agent.auto_own_writes for agent in agents)
            return "" if willing else "What agents write themselves waits for a person here."
        worded_by_dream = proposal.source == Proposal.Source.DREAM and proposal.proposer_kind != "user"
        if proposal.operation != Proposal.Operation.CREATE or not worded_by_dream:
            return "Only new memories that a dream found go live by policy."
        return ""

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
