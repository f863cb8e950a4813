CREATE TRIGGER decision_append_only_v1 BEFORE UPDATE OR DELETE OR TRUNCATE ON reviews_decision
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();

-- Promise 1: at commit, every new version has a decision that approved exactly its bytes, at its path.
CREATE FUNCTION daylight_version_needs_decision_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM reviews_decision d
        JOIN memory_proposal p ON p.id = d.proposal_id
        WHERE d.version_id = NEW.id
          AND d.verdict IN ('approve', 'approve_with_edits')
          AND d.content_sha256 = NEW.sha256
          AND d.path = NEW.path
          AND p.store_id = NEW.store_id
          AND p.status = 'approved'
    ) THEN
        RAISE EXCEPTION 'memory version % has no decision that published it', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.sha256 <> encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'memory version % does not match its hash', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER memoryversion_needs_decision_v1 AFTER INSERT ON memory_memoryversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_version_needs_decision_v1();
