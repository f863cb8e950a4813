DROP TRIGGER memoryversion_needs_decision_v1 ON memory_memoryversion;
DROP FUNCTION daylight_version_needs_decision_v1();

-- The record holds the HMAC of a version's hash, no longer the hash. Else as before.
-- Promise 1: at commit, every new version has a decision, on the record, that approved exactly its bytes, at its
-- path, over the version that was live until then. A plain approval publishes what was proposed.
CREATE FUNCTION daylight_version_needs_decision_v2() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    previous bigint := (
        SELECT id FROM memory_memoryversion
        WHERE memory_id = NEW.memory_id AND revision < NEW.revision ORDER BY revision DESC LIMIT 1
    );
BEGIN
    IF NOT EXISTS (
        SELECT FROM reviews_decision d
        JOIN memory_proposal p ON p.id = d.proposal_id
        LEFT JOIN memory_memoryversion base ON base.id = p.base_version_id
        WHERE d.version_id = NEW.id
          AND d.verdict IN ('approve', 'approve_with_edits')
          AND d.digest = p.digest
          AND d.content_sha256 = NEW.sha256
          AND d.path = NEW.path
          AND p.store_id = NEW.store_id
          AND p.status = 'approved'
          AND p.base_version_id IS NOT DISTINCT FROM previous
          AND (p.operation, NEW.operation) IN
              (('create', 'created'), ('update', 'modified'), ('rename', 'modified'), ('delete', 'deleted'))
          AND (d.verdict <> 'approve' OR (
              NEW.path = coalesce(nullif(p.new_path, ''), p.path)
              AND (p.operation <> 'delete' OR NEW.content = '')
              AND (p.operation = 'delete' OR NEW.content = coalesce(nullif(p.content, ''), base.content, ''))
          ))
          AND EXISTS (
              SELECT FROM audit_entry e
              WHERE e.act = d.act
                AND e.action = 'memory.version.published'
                AND convert_from(e.body, 'UTF8')::json #>> '{data,version}' = NEW.id::text
                AND convert_from(e.body, 'UTF8')::json #>> '{data,sha256_hmac}' =
                    (SELECT daylight_hmac_v1(s.value, NEW.sha256) FROM audit_salt s WHERE s.entry_id = e.seq)
          )
    ) THEN
        RAISE EXCEPTION 'memory version % has no decision that published it', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.sha256 <> encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'memory version % does not match its hash', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM memory_memorystore s WHERE s.id = NEW.store_id AND s.revision >= NEW.revision) THEN
        RAISE EXCEPTION 'memory version % is ahead of its store', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER memoryversion_needs_decision_v2 AFTER INSERT ON memory_memoryversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_version_needs_decision_v2();
