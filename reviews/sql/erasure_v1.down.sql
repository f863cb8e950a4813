DROP FUNCTION daylight_erase_v1(bigint);
DROP FUNCTION daylight_erasure_subjects_v1(bigint);
DROP FUNCTION daylight_is_served_v1(bigint);
DROP TRIGGER proposal_frozen_v2 ON memory_proposal;
DROP FUNCTION daylight_proposal_frozen_v2();
DROP TRIGGER salt_only_erased_v1 ON audit_salt;
DROP TRIGGER salt_append_only_v1 ON audit_salt;
DROP TRIGGER escalation_only_struck_v1 ON reviews_escalation;
DROP TRIGGER seedanswer_only_struck_v1 ON reviews_seedanswer;
DROP TRIGGER seedanswer_append_only_v2 ON reviews_seedanswer;
DROP TRIGGER seed_only_struck_v1 ON reviews_seed;
DROP TRIGGER seed_append_only_v2 ON reviews_seed;
DROP TRIGGER comment_only_struck_v1 ON reviews_comment;
DROP TRIGGER comment_append_only_v2 ON reviews_comment;
DROP TRIGGER vote_only_struck_v1 ON reviews_vote;
DROP TRIGGER vote_append_only_v2 ON reviews_vote;
DROP TRIGGER decision_only_struck_v1 ON reviews_decision;
DROP TRIGGER decision_append_only_v2 ON reviews_decision;
DROP TRIGGER evidence_only_struck_v1 ON memory_evidence;
DROP TRIGGER evidence_append_only_v2 ON memory_evidence;
DROP TRIGGER memoryversion_only_struck_v1 ON memory_memoryversion;
DROP TRIGGER memoryversion_append_only_v2 ON memory_memoryversion;
DROP FUNCTION daylight_only_erased_v1();
DROP FUNCTION daylight_only_struck_v1();
DROP FUNCTION daylight_append_only_v2();
DROP FUNCTION daylight_strikes_v1(text, jsonb, jsonb);
DROP FUNCTION daylight_is_named_v1(text, bigint, boolean);
DROP FUNCTION daylight_struck_v1(text, bigint, boolean);
CREATE TRIGGER memoryversion_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON memory_memoryversion
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER evidence_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON memory_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER decision_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_decision
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER vote_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_vote
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER comment_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_comment
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER seed_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_seed
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER seedanswer_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_seedanswer
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE FUNCTION daylight_proposal_frozen_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free CONSTANT text[] := ARRAY['status', 'status_reason', 'decided_at'];
BEGIN
    IF (to_jsonb(OLD) - free)::text <> (to_jsonb(NEW) - free)::text THEN
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
