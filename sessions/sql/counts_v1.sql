-- One row a statement and kind, never an update: writers of the same day do not wait for each other.
CREATE FUNCTION daylight_count_sessions_v1() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO agent_sessions_sessioncount (agent_id, day, outcome, number)
        SELECT agent_id, (occurred_at AT TIME ZONE 'UTC')::date, outcome, count(*) FROM added GROUP BY 1, 2, 3;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO agent_sessions_sessioncount (agent_id, day, outcome, number)
        SELECT agent_id, (occurred_at AT TIME ZONE 'UTC')::date, outcome, -count(*) FROM removed GROUP BY 1, 2, 3;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER session_added_counts_v1 AFTER INSERT ON agent_sessions_session REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_count_sessions_v1();
CREATE TRIGGER session_changed_counts_v1 AFTER UPDATE ON agent_sessions_session REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_count_sessions_v1();
CREATE TRIGGER session_removed_counts_v1 AFTER DELETE ON agent_sessions_session REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_count_sessions_v1();

INSERT INTO agent_sessions_sessioncount (agent_id, day, outcome, number)
SELECT agent_id, (occurred_at AT TIME ZONE 'UTC')::date, outcome, count(*) FROM agent_sessions_session GROUP BY 1, 2, 3;
