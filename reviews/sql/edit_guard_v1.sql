-- Promise 5: where two people are asked, an edit is a proposal of its own that somebody else approves. It is never
-- published by the decision of the one who made it, also when only the edited text is flagged.
CREATE FUNCTION daylight_edit_is_proposed_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM reviews_decision d
        JOIN reviews_reviewsettings s ON s.store_id = NEW.store_id
        WHERE d.version_id = NEW.id
          AND d.verdict = 'approve_with_edits'
          AND (s.four_eyes = 'always' OR s.four_eyes = 'flagged' AND cardinality(d.risk) > 0)
    ) THEN
        RAISE EXCEPTION 'memory version % needs two people: its text was edited by one', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER memoryversion_edit_is_proposed_v1 AFTER INSERT ON memory_memoryversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_edit_is_proposed_v1();
