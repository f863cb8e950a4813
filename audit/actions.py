"""The names of governed acts, `subject.verb` in the past tense. An act whose name is not here is refused."""

ACTIONS = {
    "agent.created": "Agent created",
    "agent.changed": "Agent settings changed",
    "api_key.issued": "API key issued",
    "api_key.revoked": "API key revoked",
    "content.erased": "Content erased",
    "decision.made": "Proposal decided",
    "decision.held": "Decision held back",
    "decision.undone": "Held decision taken back",
    "decision.waived": "Second person waived",
    "decision.emergency": "Published alone in an emergency",
    "decision.re_reviewed": "Waived decision looked at again",
    "dream.canceled": "Dream canceled",
    "dream.ended": "Dream ended",
    "dream.started": "Dream started",
    "memory.imported": "Memory files imported",
    "memory.version.published": "Memory version published",
    "policy.change_proposed": "Loosening of a policy proposed",
    "policy.change_confirmed": "Loosening of a policy confirmed",
    "policy.change_refused": "Loosening of a policy refused",
    "mirror.ended": "Publishing to Anthropic ended",
    "mirror.set": "Mirror at Anthropic set",
    "mirror.started": "Publishing to Anthropic started",
    "proposal.assigned": "Proposal assigned",
    "proposal.changes_asked": "Changes asked for",
    "proposal.changes_withdrawn": "Request for changes withdrawn",
    "proposal.commented": "Proposal commented on",
    "proposal.escalated": "Proposal escalated",
    "proposal.expired": "Proposal expired, not applied",
    "proposal.replaced": "Proposal replaced by a newer wording",
    "proposal.stale": "Proposal went stale",
    "proposal.submitted": "Proposal submitted",
    "proposal.unassigned": "Proposal unassigned",
    "review.bulk_approved": "Several proposals approved at once",
    "review.second_look": "Second look at what a policy let through",
    "review.settings_changed": "Review settings changed",
    "review.test_item_answered": "Test item answered",
    "review.test_items_planted": "Test items planted",
    "review.voted": "First of two approvals given",
    "remote_source.changed": "Sessions at Anthropic followed, or no longer",
    "legal_hold.lifted": "Legal hold lifted",
    "legal_hold.set": "Legal hold set",
    "evidence_review.closed": "Memory re-reviewed after its evidence was withdrawn",
    "session.outcome_corrected": "Outcome of a session corrected",
    "session.poisoned": "Session marked as poisoned",
    "sessions.imported": "Sessions imported",
    "signature.password_set": "Signing password set",
    "signature.refused": "Signature refused",
    "store.resumed": "Publishing resumed",
    "store.stopped": "Publishing stopped",
    "record.exported": "Record exported",
    "record.extract_exported": "Extract of the record exported",
    "signing_key.rotated": "Signing key rotated",
    "store.archived": "Memory store archived",
    "store.deleted": "Empty memory store deleted",
    "store.created": "Memory store created",
    "store.changed": "Memory store settings changed",
    "login.failed_often": "Many failed log-ins to one account",
    "login.locked_out": "Log-in locked for a while after failures",
    "role.granted": "Role granted",
    "role.revoked": "Role revoked",
    "second_factor.added": "Second factor added",
    "second_factor.removed": "Second factor removed",
    "user.activated": "User activated again",
    "user.created": "User created",
    "user.deactivated": "User deactivated",
    "user.named": "User's full name changed",
    "user.password_changed": "Password changed",
    "user.password_reset": "Start password given",
}

# The first part of a name → what its group is called.
GROUPS = {
    "agent": "Agents",
    "api_key": "API keys",
    "decision": "Decisions",
    "dream": "Dreams",
    "memory": "Memory",
    "proposal": "Proposals",
    "record": "The record",
    "review": "Reviewing",
    "sessions": "Sessions",
    "signing_key": "Signing keys",
    "store": "Stores",
    "user": "Users",
}


def grouped() -> dict[str, dict[str, str]]:
    """Prefix of a group → its actions, by the names of the groups. A group that has no name goes by its prefix."""
    groups: dict[str, dict[str, str]] = {}
    for name in sorted(ACTIONS, key=lambda name: (GROUPS.get(_group(name), _group(name)), ACTIONS[name])):
        groups.setdefault(_group(name), {})[name] = ACTIONS[name]
    return groups


def _group(action: str) -> str:
    return action.split(".")[0]
