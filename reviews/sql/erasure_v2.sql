-- Signatures, waivers and what came of them are struck as well. The functions of erasure_v1.sql stay as they are and are
-- asked first.
CREATE FUNCTION daylight_struck_v2(kind text, row_id bigint, names boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(daylight_struck_v1(kind, row_id, names), CASE kind
        -- A signature's digest stays on the record; without the nonce that it covers it proves nothing of the text.
        WHEN 'reviews_signature' THEN jsonb_build_object('proposal_digest', '', 'content_sha256', '',
            'reason_sha256', '', 'nonce', 'erased:' || row_id)
            || CASE WHEN names THEN jsonb_build_object('path', '') ELSE '{}' END
        WHEN 'reviews_waiver' THEN jsonb_build_object('reason', 'Erased')
        WHEN 'reviews_rereview' THEN jsonb_build_object('note', 'Erased')
    END)
$$;

CREATE FUNCTION daylight_strikes_v2(kind text, before jsonb, after jsonb) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT bool_or(
        daylight_is_named_v1(kind, (before ->> 'id')::bigint, names)
        AND after::text = (before || daylight_struck_v2(kind, (before ->> 'id')::bigint, names))::text
    ) FROM unnest(ARRAY[false, true]) AS names
$$;

CREATE FUNCTION daylight_only_struck_v2() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF daylight_strikes_v2(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: it is only ever appended to, and no erasure names this', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

DROP TRIGGER signature_append_only_v1 ON reviews_signature;
CREATE TRIGGER signature_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_signature
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER signature_only_struck_v1 BEFORE UPDATE ON reviews_signature
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v2();

DROP TRIGGER waiver_append_only_v1 ON reviews_waiver;
CREATE TRIGGER waiver_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_waiver
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER waiver_only_struck_v1 BEFORE UPDATE ON reviews_waiver
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v2();

DROP TRIGGER rereview_append_only_v1 ON reviews_rereview;
CREATE TRIGGER rereview_append_only_v2 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_rereview
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v2('UPDATE');
CREATE TRIGGER rereview_only_struck_v1 BEFORE UPDATE ON reviews_rereview
    FOR EACH ROW EXECUTE FUNCTION daylight_only_struck_v2();

-- The stores of the rows that this file adds.
CREATE FUNCTION daylight_erasure_stores_v2(erasure bigint) RETURNS TABLE (store bigint) LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT p.store_id FROM audit_erasedrow r
        LEFT JOIN reviews_rereview a ON r.kind = 'reviews_rereview' AND a.id = r.row_id
        LEFT JOIN reviews_waiver w ON w.id = CASE r.kind WHEN 'reviews_waiver' THEN r.row_id ELSE a.waiver_id END
        LEFT JOIN reviews_decision d ON d.id = w.decision_id
        LEFT JOIN reviews_signature s ON r.kind = 'reviews_signature' AND s.id = r.row_id
        JOIN memory_proposal p ON p.id = coalesce(s.proposal_id, d.proposal_id)
        WHERE r.erasure_id = erasure
$$;

-- The door: first as before, which checks that the erasure is of this transaction, and locks what holds are set under.
CREATE FUNCTION daylight_erase_v2(erasure bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kinds CONSTANT text[] := ARRAY['reviews_signature', 'reviews_waiver', 'reviews_rereview'];
    struck_kind text;
    columns text;
    hold audit_legalhold;
BEGIN
    PERFORM daylight_erase_v1(erasure);
    SELECT h.* INTO hold FROM audit_legalhold h JOIN daylight_erasure_stores_v2(erasure) s ON h.subject = s.store::text
        WHERE h.kind = 'store' AND h.lifted_at IS NULL ORDER BY h.id LIMIT 1;
    IF hold.id IS NOT NULL THEN
        RAISE EXCEPTION 'legal hold % on a % keeps this', hold.id, hold.kind USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOREACH struck_kind IN ARRAY kinds LOOP
        SELECT string_agg(quote_ident(key), ', ') INTO columns
            FROM jsonb_object_keys(daylight_struck_v2(struck_kind, 0, true)) AS key;
        EXECUTE format(
            'UPDATE %1$I t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(t, daylight_struck_v2(%1$L, t.id, r.names)))'
            ' FROM audit_erasedrow r WHERE r.erasure_id = $1 AND r.kind = %1$L AND r.row_id = t.id',
            struck_kind, columns) USING erasure;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION daylight_erase_v2(bigint) FROM PUBLIC;
