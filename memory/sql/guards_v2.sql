-- While a store is stopped nothing is published in it.
CREATE FUNCTION daylight_store_not_stopped_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM memory_memorystore WHERE id = NEW.store_id AND stopped_at IS NOT NULL) THEN
        RAISE EXCEPTION 'store % is stopped: nothing is published in it', NEW.store_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER memoryversion_store_not_stopped_v1 BEFORE INSERT ON memory_memoryversion
    FOR EACH ROW EXECUTE FUNCTION daylight_store_not_stopped_v1();

-- What expired, or gave way to a newer wording, does not come back: it would have to be proposed again.
CREATE FUNCTION daylight_proposal_stays_closed_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('expired', 'replaced') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'proposal % is % and stays so', OLD.id, OLD.status USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER proposal_stays_closed_v1 BEFORE UPDATE ON memory_proposal
    FOR EACH ROW EXECUTE FUNCTION daylight_proposal_stays_closed_v1();
