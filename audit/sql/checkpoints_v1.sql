CREATE TRIGGER checkpoint_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER signingkey_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_signingkey
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
