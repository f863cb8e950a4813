-- The application may not change a version or a quote once written; a proposal's reviewed bytes are frozen.
CREATE TRIGGER memoryversion_append_only_v1 BEFORE UPDATE OR DELETE OR TRUNCATE ON memory_memoryversion
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER evidence_append_only_v1 BEFORE UPDATE OR DELETE OR TRUNCATE ON memory_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();

CREATE FUNCTION daylight_proposal_frozen_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.store_id, OLD.operation, OLD.path, OLD.new_path, OLD.base_version_id, OLD.content, OLD.digest,
        OLD.title, OLD.rationale, OLD.claim_key, OLD.source, OLD.proposer)
       IS DISTINCT FROM
       (NEW.store_id, NEW.operation, NEW.path, NEW.new_path, NEW.base_version_id, NEW.content, NEW.digest,
        NEW.title, NEW.rationale, NEW.claim_key, NEW.source, NEW.proposer) THEN
        RAISE EXCEPTION 'proposal % is frozen: what a reviewer may have seen cannot change', OLD.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.status IN ('approved', 'rejected') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'proposal % is decided and stays so', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER proposal_frozen_v1 BEFORE UPDATE ON memory_proposal
    FOR EACH ROW EXECUTE FUNCTION daylight_proposal_frozen_v1();
