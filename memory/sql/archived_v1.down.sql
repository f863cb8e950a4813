DROP TRIGGER memorystore_archived_stays_v1 ON memory_memorystore;
DROP TRIGGER memoryversion_store_not_archived_v1 ON memory_memoryversion;
DROP FUNCTION daylight_archived_stays_v1();
DROP FUNCTION daylight_store_not_archived_v1();
