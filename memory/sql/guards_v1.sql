-- The application may not change a version or a quote once written; a proposal's reviewed bytes are frozen.
-- The checks of `check --database` compare what the database holds with this file: write triggers as
-- pg_get_triggerdef() does. Functions that read tables name their search path, or a temporary table could stand in.
CREATE TRIGGER memoryversion_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON memory_memoryversion
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER evidence_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON memory_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();

-- Compared as text: to jsonb 1 and 1.0 are the same, to a digest they need not be.
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

-- A store's revision only grows, and a version is written at the revision that its store has just reached:
-- history is added to at its end.
CREATE FUNCTION daylight_revision_grows_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'store % is at revision % and does not go back', OLD.id, OLD.revision
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER memorystore_revision_grows_v1 BEFORE UPDATE ON memory_memorystore
    FOR EACH ROW EXECUTE FUNCTION daylight_revision_grows_v1();

CREATE FUNCTION daylight_version_is_next_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.revision IS DISTINCT FROM (SELECT revision FROM memory_memorystore WHERE id = NEW.store_id) THEN
        RAISE EXCEPTION 'a version at revision % is not the next one of store %', NEW.revision, NEW.store_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER memoryversion_is_next_v1 BEFORE INSERT ON memory_memoryversion
    FOR EACH ROW EXECUTE FUNCTION daylight_version_is_next_v1();

-- What agents read is the newest version and nothing else: at commit it decides the memory's head and path.
CREATE FUNCTION daylight_memory_shows_newest_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    memory memory_memory;
    newest memory_memoryversion;
BEGIN
    IF TG_TABLE_NAME = 'memory_memoryversion' THEN
        SELECT * INTO memory FROM memory_memory WHERE id = NEW.memory_id;
    ELSE
        IF TG_OP = 'UPDATE' THEN
            IF NEW.store_id <> OLD.store_id OR NEW.id <> OLD.id THEN
                RAISE EXCEPTION 'memory % stays in its store', OLD.id USING ERRCODE = 'insufficient_privilege';
            END IF;
        END IF;
        SELECT * INTO memory FROM memory_memory WHERE id = NEW.id;
    END IF;
    SELECT * INTO newest FROM memory_memoryversion WHERE memory_id = memory.id ORDER BY revision DESC LIMIT 1;
    IF newest.id IS NULL THEN
        IF memory.head_id IS NULL THEN
            RETURN NULL;
        END IF;
    ELSIF newest.store_id = memory.store_id
        AND newest.path = memory.path
        AND (newest.operation = 'deleted') = (memory.head_id IS NULL)
        AND coalesce(memory.head_id, newest.id) = newest.id THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'memory % does not show its newest version', memory.id USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE CONSTRAINT TRIGGER memory_shows_newest_v1 AFTER INSERT OR UPDATE ON memory_memory
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_memory_shows_newest_v1();
CREATE CONSTRAINT TRIGGER memoryversion_shown_v1 AFTER INSERT ON memory_memoryversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_memory_shows_newest_v1();
