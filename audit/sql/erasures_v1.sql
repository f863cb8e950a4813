-- An erasure says by itself in which transaction and when it was made, and has its entry in the record at commit.
CREATE FUNCTION daylight_erasure_is_now_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.transaction := pg_current_xact_id()::text::bigint;
    NEW.at := statement_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER erasure_is_now_v1 BEFORE INSERT ON audit_erasure
    FOR EACH ROW EXECUTE FUNCTION daylight_erasure_is_now_v1();

CREATE FUNCTION daylight_erasure_is_recorded_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM audit_entry WHERE act = NEW.act AND action = 'content.erased') THEN
        RAISE EXCEPTION 'erasure % is not on the record', NEW.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER erasure_is_recorded_v1 AFTER INSERT ON audit_erasure
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION daylight_erasure_is_recorded_v1();

-- What an erasure takes is named in its own transaction: nothing is added to an old one.
CREATE FUNCTION daylight_erased_row_is_now_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM audit_erasure
        WHERE id = NEW.erasure_id AND transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'erasure % is over', NEW.erasure_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER erasedrow_is_now_v1 BEFORE INSERT ON audit_erasedrow
    FOR EACH ROW EXECUTE FUNCTION daylight_erased_row_is_now_v1();

CREATE TRIGGER erasure_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_erasure
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER erasedrow_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_erasedrow
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();

-- A hold stays as it was set. It is lifted once; after that its words may be struck.
CREATE FUNCTION daylight_hold_stays_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lifting CONSTANT text[] := ARRAY['lifted_at', 'lifted_by_id', 'lifted_by_name', 'lift_reason'];
    struck CONSTANT jsonb :=
        jsonb_build_object('subject', 'erased:' || OLD.id, 'reason', 'Erased', 'lift_reason', 'Erased');
BEGIN
    IF OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL
        AND to_jsonb(OLD) - lifting = to_jsonb(NEW) - lifting THEN
        RETURN NEW;
    END IF;
    IF OLD.lifted_at IS NOT NULL AND to_jsonb(NEW) = to_jsonb(OLD) || struck THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'hold % stays as it was set', OLD.id USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER legalhold_stays_v1 BEFORE UPDATE ON audit_legalhold
    FOR EACH ROW EXECUTE FUNCTION daylight_hold_stays_v1();
CREATE TRIGGER legalhold_append_only_v1 BEFORE DELETE OR TRUNCATE ON audit_legalhold
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
