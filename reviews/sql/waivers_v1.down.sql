DROP TRIGGER rereview_by_another_v1 ON reviews_rereview;
DROP FUNCTION daylight_rereview_by_another_v1();
DROP TRIGGER rereview_append_only_v1 ON reviews_rereview;
DROP TRIGGER waiver_append_only_v1 ON reviews_waiver;
DROP TRIGGER memoryversion_has_its_people_v2 ON memory_memoryversion;
DROP FUNCTION daylight_version_has_its_people_v2();
DROP TRIGGER memoryversion_edit_is_proposed_v2 ON memory_memoryversion;
DROP FUNCTION daylight_edit_is_proposed_v2();

-- Promise 5 and the seeded items: at commit, a version that two people were asked for has two (its author, when that
-- is a person, counts; so does each who approved), and one of a seeded known-bad item never exists.
CREATE FUNCTION daylight_version_has_its_people_v1() RETURNS trigger LANGUAGE plpgsql
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
        ) < 2 THEN
            RAISE EXCEPTION 'memory version % needs two people', NEW.id USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER memoryversion_has_its_people_v1 AFTER INSERT ON memory_memoryversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_version_has_its_people_v1();

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
