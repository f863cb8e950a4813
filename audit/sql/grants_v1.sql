DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'daylight_app') THEN
        CREATE ROLE daylight_app NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'daylight_app', 'MEMBER') THEN
        EXECUTE format('GRANT daylight_app TO %I', current_user);
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO daylight_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO daylight_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO daylight_app;
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM daylight_app;
