DROP TRIGGER audit_entry_append_only_v1 ON audit_entry;
DROP FUNCTION daylight_append_only_v1();
