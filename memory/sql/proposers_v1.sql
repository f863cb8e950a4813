-- Who filed a proposal stands in the record; from here on it stands beside the proposal as well.
ALTER TABLE memory_proposal DISABLE TRIGGER proposal_frozen_v1;
UPDATE memory_proposal p SET proposer_kind = e.actor_kind, proposer_id = e.actor_id
FROM audit_entry e WHERE e.action = 'proposal.submitted' AND e.subject = 'proposal:' || p.id;
ALTER TABLE memory_proposal ENABLE TRIGGER proposal_frozen_v1;
