-- Erasing content: the only way in which a row that is only ever appended to is changed. What may be struck, and to
-- what, stands in one function; triggers compare with it, and the door, which alone may write, works by it.
CREATE FUNCTION daylight_struck_v1(kind text, row_id bigint, names boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE kind
        WHEN 'memory_memoryversion' THEN jsonb_build_object('content', '', 'sha256', '')
        WHEN 'memory_proposal' THEN jsonb_build_object(
            'content', '', 'title', 'Erased', 'rationale', '', 'status_reason', '', 'support', '{}'::jsonb,
            'claim_key', 'erased:' || row_id, 'text_key', '', 'digest', '')
        WHEN 'memory_evidence' THEN jsonb_build_object('quote', 'erased:' || row_id)
        WHEN 'reviews_decision' THEN jsonb_build_object('reason', 'Erased', 'digest', '', 'content_sha256', '')
        WHEN 'reviews_vote' THEN jsonb_build_object('reason', 'Erased', 'digest', '')
        WHEN 'reviews_comment' THEN jsonb_build_object('body', 'Erased')
        WHEN 'reviews_escalation' THEN jsonb_build_object('reason', 'Erased')
        WHEN 'reviews_seed' THEN jsonb_build_object('flaw', 'Erased')
        WHEN 'reviews_seedanswer' THEN jsonb_build_object('reason', 'Erased')
    END || CASE WHEN names THEN CASE kind
        WHEN 'memory_memoryversion' THEN jsonb_build_object('path', '/erased/' || row_id)
        WHEN 'memory_proposal' THEN jsonb_build_object('path', '/erased/proposal-' || row_id, 'new_path', '')
        WHEN 'reviews_decision' THEN jsonb_build_object('path', '')
        ELSE '{}' END ELSE '{}' END
$$;

-- Whether an erasure of this transaction names the row.
CREATE FUNCTION daylight_is_named_v1(kind text, row_id bigint, names boolean) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM audit_erasedrow r JOIN audit_erasure e ON e.id = r.erasure_id
        WHERE e.transaction = pg_current_xact_id()::text::bigint
          AND r.kind = daylight_is_named_v1.kind
          AND r.row_id = daylight_is_named_v1.row_id
          AND (r.names OR NOT daylight_is_named_v1.names)
    )
$$;

-- Whether a change of a row is its strike, by an erasure that names it. As text: to jsonb 1 and 1.0 are the same.
CREATE FUNCTION daylight_strikes_v1(kind text, before jsonb, after jsonb) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT bool_or(
        daylight_is_named_v1(kind, (before ->> 'id')::bigint, names)
        AND after::text = (before || daylight_struck_v1(kind, (before ->> 'id')::bigint, names))::text
    ) FROM unnest(ARRAY[false, true]) AS names
$$;

-- Only while an erasure is being made does a statement come as far as the rows, which are checked one by one.
CREATE FUNCTION daylight_append_only_v2() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = TG_ARGV[0]
        AND EXISTS (SELECT FROM audit_erasure WHERE transaction = pg_current_xact_id()::text::bigint) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% on % is refused: it is only ever appended to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION daylight_only_struck_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF daylight_strikes_v1(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: it is only ever appended to, and no erasure names this', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION daylight_only_erased_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF daylight_is_named_v1(TG_TABLE_NAME, OLD.entry_id, false) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% on % is refused: it is only ever appended to, and no erasure names this', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

DROP TRIGGER memoryversion_append_only_v1 ON memory_memoryversion;
CREATE TRIGGER memoryversion_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON memory_memoryversion
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER memoryversion_only_struck_v1 BEFORE UPDATE ON memory_memoryversion
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();

DROP TRIGGER evidence_append_only_v1 ON memory_evidence;
CREATE TRIGGER evidence_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON memory_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER evidence_only_struck_v1 BEFORE UPDATE ON memory_evidence
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();

DROP TRIGGER decision_append_only_v1 ON reviews_decision;
CREATE TRIGGER decision_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_decision
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER decision_only_struck_v1 BEFORE UPDATE ON reviews_decision
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();

DROP TRIGGER vote_append_only_v1 ON reviews_vote;
CREATE TRIGGER vote_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_vote
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER vote_only_struck_v1 BEFORE UPDATE ON reviews_vote
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();

DROP TRIGGER comment_append_only_v1 ON reviews_comment;
CREATE TRIGGER comment_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_comment
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER comment_only_struck_v1 BEFORE UPDATE ON reviews_comment
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();

DROP TRIGGER seed_append_only_v1 ON reviews_seed;
CREATE TRIGGER seed_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_seed
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER seed_only_struck_v1 BEFORE UPDATE ON reviews_seed
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();

DROP TRIGGER seedanswer_append_only_v1 ON reviews_seedanswer;
CREATE TRIGGER seedanswer_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_seedanswer
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER seedanswer_only_struck_v1 BEFORE UPDATE ON reviews_seedanswer
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();

CREATE TRIGGER escalation_only_struck_v1 BEFORE UPDATE ON reviews_escalation
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v1();
CREATE TRIGGER salt_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_salt
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('DELETE');
CREATE TRIGGER salt_only_erased_v1 BEFORE DELETE ON audit_salt
    FOR EACH ROW EXECUTE FUNCTION daylight_only_erased_v1();

-- As the one before, but for a strike.
DROP TRIGGER proposal_frozen_v1 ON memory_proposal;
DROP FUNCTION daylight_proposal_frozen_v1();
CREATE FUNCTION daylight_proposal_frozen_v2() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    free CONSTANT text[] := ARRAY['status', 'status_reason', 'decided_at'];
BEGIN
    IF (to_jsonb(OLD) - free)::text <> (to_jsonb(NEW) - free)::text
        AND NOT daylight_strikes_v1(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW)) THEN
        RAISE EXCEPTION 'proposal % is frozen: what a reviewer may have seen cannot change', OLD.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.status IN ('approved', 'rejected') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'proposal % is decided and stays so', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER proposal_frozen_v2 BEFORE UPDATE ON memory_proposal
    FOR EACH ROW EXECUTE FUNCTION daylight_proposal_frozen_v2();

-- Whether agents get the version: it is live, or of the earlier revision that a stopped store serves.
CREATE FUNCTION daylight_is_served_v1(version bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM memory_memory WHERE head_id = version) OR EXISTS (
        SELECT FROM memory_memoryversion v JOIN memory_memorystore s ON s.id = v.store_id
        WHERE v.id = version AND v.revision <= s.served_revision AND NOT EXISTS (
            SELECT FROM memory_memoryversion newer
            WHERE newer.memory_id = v.memory_id
              AND newer.revision > v.revision AND newer.revision <= s.served_revision
        )
    )
$$;

-- What the rows of an erasure belong to, as holds name it.
CREATE FUNCTION daylight_erasure_subjects_v1(erasure bigint) RETURNS TABLE (kind text, subject text) LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH named AS (SELECT r.kind, r.row_id FROM audit_erasedrow r WHERE r.erasure_id = erasure),
    proposals AS (
        SELECT row_id AS id FROM named WHERE named.kind = 'memory_proposal'
        UNION SELECT proposal_id FROM memory_evidence JOIN named ON named.kind = 'memory_evidence' AND row_id = id
        UNION SELECT proposal_id FROM reviews_decision JOIN named ON named.kind = 'reviews_decision' AND row_id = id
        UNION SELECT proposal_id FROM reviews_vote JOIN named ON named.kind = 'reviews_vote' AND row_id = id
        UNION SELECT proposal_id FROM reviews_comment JOIN named ON named.kind = 'reviews_comment' AND row_id = id
        UNION SELECT proposal_id FROM reviews_escalation JOIN named ON named.kind = 'reviews_escalation' AND row_id = id
        UNION SELECT proposal_id FROM reviews_seed JOIN named ON named.kind = 'reviews_seed' AND row_id = id
        UNION SELECT s.proposal_id FROM reviews_seedanswer a JOIN reviews_seed s ON s.id = a.seed_id
            JOIN named ON named.kind = 'reviews_seedanswer' AND row_id = a.id
    ),
    sessions AS (
        SELECT row_id AS id FROM named WHERE named.kind = 'agent_sessions_session'
        UNION SELECT session_id FROM memory_evidence JOIN named ON named.kind = 'memory_evidence' AND row_id = id
    )
    SELECT 'store', store_id::text FROM memory_memoryversion
        JOIN named ON named.kind = 'memory_memoryversion' AND row_id = id
    UNION SELECT 'store', store_id::text FROM memory_proposal p JOIN proposals USING (id)
    UNION SELECT 'session', id::text FROM sessions
    UNION SELECT 'principal', principal FROM agent_sessions_session JOIN sessions USING (id) WHERE principal <> ''
    UNION SELECT 'store', a.memorystore_id::text FROM agent_sessions_session s JOIN sessions USING (id)
        JOIN memory_memorystore_agents a ON a.agent_id = s.agent_id
$$;

-- The door. The application may not change these rows; this may, for what an erasure of the same transaction names.
-- The lock is the one that holds are set under: a hold that stands when this begins holds.
CREATE FUNCTION daylight_erase_v1(erasure bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kinds CONSTANT text[] := ARRAY['memory_memoryversion', 'memory_proposal', 'memory_evidence', 'reviews_decision',
        'reviews_vote', 'reviews_comment', 'reviews_escalation', 'reviews_seed', 'reviews_seedanswer'];
    struck_kind text;
    columns text;
    hold audit_legalhold;
    served bigint;
BEGIN
    IF NOT EXISTS (
        SELECT FROM audit_erasure WHERE id = erasure AND transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'there is no erasure % in this transaction', erasure USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(228989287);
    SELECT h.* INTO hold FROM audit_legalhold h JOIN daylight_erasure_subjects_v1(erasure) s USING (kind, subject)
        WHERE h.lifted_at IS NULL ORDER BY h.id LIMIT 1;
    IF hold.id IS NOT NULL THEN
        RAISE EXCEPTION 'legal hold % on a % keeps this', hold.id, hold.kind USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM memory_memorystore WHERE id IN (
        SELECT store_id FROM memory_memoryversion JOIN audit_erasedrow r ON r.row_id = memory_memoryversion.id
        WHERE r.erasure_id = erasure AND r.kind = 'memory_memoryversion'
    ) ORDER BY id FOR NO KEY UPDATE;
    SELECT v.id INTO served FROM memory_memoryversion v
        LEFT JOIN reviews_decision d ON d.version_id = v.id
        JOIN audit_erasedrow r ON r.erasure_id = erasure
            AND (r.kind, r.row_id) IN (('memory_memoryversion', v.id), ('memory_proposal', d.proposal_id))
        WHERE daylight_is_served_v1(v.id) LIMIT 1;
    IF served IS NOT NULL THEN
        RAISE EXCEPTION 'memory version % is what agents read: replace or delete it first', served
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOREACH struck_kind IN ARRAY kinds LOOP
        SELECT string_agg(quote_ident(key), ', ') INTO columns
            FROM jsonb_object_keys(daylight_struck_v1(struck_kind, 0, true)) AS key;
        EXECUTE format(
            'UPDATE %1$I t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(t, daylight_struck_v1(%1$L, t.id, r.names)))'
            ' FROM audit_erasedrow r WHERE r.erasure_id = $1 AND r.kind = %1$L AND r.row_id = t.id',
            struck_kind, columns) USING erasure;
    END LOOP;
    UPDATE agent_sessions_event e SET text = '', tool = '', call_id = '', input = '', output = '', extra = '{}'
        FROM audit_erasedrow r
        WHERE r.erasure_id = erasure AND r.kind = 'agent_sessions_session' AND r.row_id = e.session_id;
    UPDATE agent_sessions_session s
        SET task = '', task_id = '', principal = '', outcome_source = '', outcome_detail = '', metadata = '{}',
            extra = '{}', sha256 = '', external_id = CASE WHEN r.names THEN 'erased-' || s.id ELSE s.external_id END
        FROM audit_erasedrow r
        WHERE r.erasure_id = erasure AND r.kind = 'agent_sessions_session' AND r.row_id = s.id;
    DELETE FROM audit_salt s USING audit_erasedrow r
        WHERE r.erasure_id = erasure AND r.kind = 'audit_salt' AND r.row_id = s.entry_id;
END
$$;
REVOKE ALL ON FUNCTION daylight_erase_v1(bigint) FROM PUBLIC;
