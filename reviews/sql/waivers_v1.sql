-- Takes the place of two guards of desk_v1.sql and edit_guard_v1.sql.
DROP TRIGGER memoryversion_has_its_people_v1 ON memory_memoryversion;
DROP FUNCTION daylight_version_has_its_people_v1();
DROP TRIGGER memoryversion_edit_is_proposed_v1 ON memory_memoryversion;
DROP FUNCTION daylight_edit_is_proposed_v1();

CREATE TRIGGER waiver_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_waiver
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER rereview_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_rereview
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();

-- Nobody clears their own waiver.
CREATE FUNCTION daylight_rereview_by_another_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM reviews_waiver WHERE id = NEW.waiver_id AND by_id = NEW.by_id) THEN
        RAISE EXCEPTION 'waiver % is looked at again by somebody else', NEW.waiver_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER rereview_by_another_v1 BEFORE INSERT ON reviews_rereview
    FOR EACH ROW EXECUTE FUNCTION daylight_rereview_by_another_v1();

-- Promise 5 and the seeded items: at commit, a version that two people were asked for has two (its author, when that
-- is a person, counts; so does each who approved), or, where the store allows that, a waiver on the record, made with the
-- decision (it refers to it). One of a seeded known-bad item never exists.
CREATE FUNCTION daylight_version_has_its_people_v2() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    decision reviews_decision;
    proposal memory_proposal;
    four_eyes text;
BEGIN
    SELECT * INTO decision FROM reviews_decision WHERE version_id = NEW.id;
    SELECT * INTO proposal FROM memory_proposal WHERE id = decision.proposal_id;
    IF EXISTS (SELECT FROM reviews_seed WHERE proposal_id = proposal.id) THEN
        RAISE EXCEPTION 'proposal % is a test item and is never published', proposal.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT s.four_eyes INTO four_eyes FROM reviews_reviewsettings s WHERE s.store_id = NEW.store_id;
    IF four_eyes = 'always'
        OR four_eyes = 'flagged' AND (cardinality(proposal.risk) > 0 OR proposal.operation = 'delete')
        OR EXISTS (SELECT FROM reviews_escalation WHERE proposal_id = proposal.id) THEN
        IF (
            SELECT count(DISTINCT person) FROM (
                SELECT decision.decider_id::text AS person WHERE decision.decider_kind = 'user'
                UNION ALL SELECT reader_id::text FROM reviews_vote
                    WHERE proposal_id = proposal.id AND digest = proposal.digest
                UNION ALL SELECT proposal.proposer_id WHERE proposal.proposer_kind = 'user'
            ) AS people
        ) < 2 AND NOT EXISTS (
            SELECT FROM reviews_waiver w
            JOIN reviews_reviewsettings s ON s.store_id = NEW.store_id AND s.waivers_allowed
            JOIN audit_entry e ON e.act = decision.act AND e.action IN ('decision.waived', 'decision.emergency')
            WHERE w.decision_id = decision.id
              AND w.by_id = decision.decider_id
              AND convert_from(e.body, 'UTF8')::json #>> '{data,waiver}' = w.id::text
        ) THEN
            RAISE EXCEPTION 'memory version % needs two people', NEW.id USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER memoryversion_has_its_people_v2 AFTER INSERT ON memory_memoryversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_version_has_its_people_v2();

-- Promise 5: where two people are asked, an edit is a proposal of its own that somebody else approves. It is never
-- published by the decision of the one who made it, also when only the edited text is flagged; but for a waiver that is
-- on the record.
CREATE FUNCTION daylight_edit_is_proposed_v2() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM reviews_decision d
        JOIN reviews_reviewsettings s ON s.store_id = NEW.store_id
        WHERE d.version_id = NEW.id
          AND d.verdict = 'approve_with_edits'
          AND (s.four_eyes = 'always' OR s.four_eyes = 'flagged' AND cardinality(d.risk) > 0)
          AND NOT EXISTS (
              SELECT FROM reviews_waiver w
              WHERE w.decision_id = d.id AND w.by_id = d.decider_id AND s.waivers_allowed AND EXISTS (
                  SELECT FROM audit_entry e
                  WHERE e.act = d.act
                    AND e.action IN ('decision.waived', 'decision.emergency')
                    AND convert_from(e.body, 'UTF8')::json #>> '{data,waiver}' = w.id::text
              )
          )
    ) THEN
        RAISE EXCEPTION 'memory version % needs two people: its text was edited by one', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER memoryversion_edit_is_proposed_v2 AFTER INSERT ON memory_memoryversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_edit_is_proposed_v2();
