-- Who only looks. `audit/grants.py` takes the secrets out afterwards; a way to log in is the deployment's to give.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'daylight_auditor') THEN
        CREATE ROLE daylight_auditor NOLOGIN;
    END IF;
    -- A temporary table stands before one of the same name: entries written to it would be gone with the connection.
    IF pg_has_role(current_user, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'MEMBER') THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO daylight_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO daylight_auditor;
