CREATE TRIGGER signature_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_signature
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();

-- At commit, a person's decision in a store that asks for signatures has one: theirs, over exactly what was decided,
-- used for nothing else, and on the record.
CREATE FUNCTION daylight_decision_is_signed_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.signature_id IS NULL THEN
        IF NEW.decider_kind = 'user' AND EXISTS (
            SELECT FROM reviews_reviewsettings s JOIN memory_proposal p ON p.store_id = s.store_id
            WHERE p.id = NEW.proposal_id AND s.signatures
        ) THEN
            RAISE EXCEPTION 'decision % is not signed', NEW.id USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT FROM reviews_signature s
        WHERE s.id = NEW.signature_id
          AND s.proposal_id = NEW.proposal_id
          AND s.signer_id = NEW.decider_id
          AND s.verdict = NEW.verdict
          AND s.proposal_digest = NEW.digest
          AND s.path = NEW.path
          AND s.content_sha256 = NEW.content_sha256
          AND s.reason_sha256 = encode(sha256(convert_to(NEW.reason, 'UTF8')), 'hex')
          AND s.signer_name <> '' AND s.nonce <> '' AND cardinality(s.components) > 0
          AND NOT EXISTS (SELECT FROM reviews_vote v WHERE v.signature_id = s.id)
          AND EXISTS (
              SELECT FROM audit_entry e
              WHERE e.act = NEW.act
                AND e.action = 'decision.made'
                AND convert_from(e.body, 'UTF8')::json #>> '{data,signature}' = s.digest
          )
    ) THEN
        RAISE EXCEPTION 'decision % is not what its signature stands for', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER decision_is_signed_v1 AFTER INSERT ON reviews_decision
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_decision_is_signed_v1();

-- The same for the first of two approvals.
CREATE FUNCTION daylight_vote_is_signed_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.signature_id IS NULL THEN
        IF EXISTS (
            SELECT FROM reviews_reviewsettings s JOIN memory_proposal p ON p.store_id = s.store_id
            WHERE p.id = NEW.proposal_id AND s.signatures
        ) THEN
            RAISE EXCEPTION 'vote % is not signed', NEW.id USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT FROM reviews_signature s
        WHERE s.id = NEW.signature_id
          AND s.proposal_id = NEW.proposal_id
          AND s.signer_id = NEW.reader_id
          AND s.verdict = 'approve'
          AND s.proposal_digest = NEW.digest
          AND s.reason_sha256 = encode(sha256(convert_to(NEW.reason, 'UTF8')), 'hex')
          AND s.signer_name <> '' AND s.nonce <> '' AND cardinality(s.components) > 0
          AND NOT EXISTS (SELECT FROM reviews_decision d WHERE d.signature_id = s.id)
          AND EXISTS (
              SELECT FROM audit_entry e
              WHERE e.act = NEW.act
                AND e.action = 'review.voted'
                AND convert_from(e.body, 'UTF8')::json #>> '{data,signature}' = s.digest
          )
    ) THEN
        RAISE EXCEPTION 'vote % is not what its signature stands for', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER vote_is_signed_v1 AFTER INSERT ON reviews_vote
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_vote_is_signed_v1();
