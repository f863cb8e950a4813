DROP TRIGGER proposal_frozen_v1 ON memory_proposal;
DROP FUNCTION daylight_proposal_frozen_v1();
DROP TRIGGER evidence_append_only_v1 ON memory_evidence;
DROP TRIGGER memoryversion_append_only_v1 ON memory_memoryversion;
