"""The names of governed acts, `subject.verb` in the past tense. An act whose name is not here is refused."""

ACTIONS = {
    "agent.created": "Agent created",
    "agent.changed": "Agent settings changed",
    "api_key.issued": "API key issued",
    "api_key.revoked": "API key revoked",
    "decision.made": "Proposal decided",
    "dream.canceled": "Dream canceled",
    "dream.ended": "Dream ended",
    "dream.started": "Dream started",
    "memory.imported": "Memory files imported",
    "memory.version.published": "Memory version published",
    "proposal.stale": "Proposal went stale",
    "proposal.submitted": "Proposal submitted",
    "sessions.imported": "Sessions imported",
    "store.created": "Memory store created",
    "store.changed": "Memory store settings changed",
    "user.created": "User created",
}
