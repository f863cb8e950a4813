DROP TRIGGER memoryversion_edit_is_proposed_v1 ON memory_memoryversion;
DROP FUNCTION daylight_edit_is_proposed_v1();
