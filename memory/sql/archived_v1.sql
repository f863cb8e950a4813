-- An archived store is only read, for good.
CREATE FUNCTION daylight_store_not_archived_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM memory_memorystore WHERE id = NEW.store_id AND archived_at IS NOT NULL) THEN
        RAISE EXCEPTION 'store % is archived: nothing is published in it', NEW.store_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER memoryversion_store_not_archived_v1 BEFORE INSERT ON memory_memoryversion
    FOR EACH ROW EXECUTE FUNCTION daylight_store_not_archived_v1();

CREATE FUNCTION daylight_archived_stays_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.archived_at IS NOT NULL AND NEW.archived_at IS DISTINCT FROM OLD.archived_at THEN
        RAISE EXCEPTION 'store % is archived and stays so', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER memorystore_archived_stays_v1 BEFORE UPDATE ON memory_memorystore
    FOR EACH ROW EXECUTE FUNCTION daylight_archived_stays_v1();
