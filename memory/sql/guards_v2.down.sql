DROP TRIGGER proposal_stays_closed_v1 ON memory_proposal;
DROP FUNCTION daylight_proposal_stays_closed_v1();
DROP TRIGGER memoryversion_store_not_stopped_v1 ON memory_memoryversion;
DROP FUNCTION daylight_store_not_stopped_v1();
