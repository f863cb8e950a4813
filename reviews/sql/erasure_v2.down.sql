DROP FUNCTION daylight_erase_v2(bigint);
DROP FUNCTION daylight_erasure_stores_v2(bigint);
DROP TRIGGER rereview_only_struck_v1 ON reviews_rereview;
DROP TRIGGER rereview_append_only_v2 ON reviews_rereview;
DROP TRIGGER waiver_only_struck_v1 ON reviews_waiver;
DROP TRIGGER waiver_append_only_v2 ON reviews_waiver;
DROP TRIGGER signature_only_struck_v1 ON reviews_signature;
DROP TRIGGER signature_append_only_v2 ON reviews_signature;
DROP FUNCTION daylight_only_struck_v2();
DROP FUNCTION daylight_strikes_v2(text, jsonb, jsonb);
DROP FUNCTION daylight_struck_v2(text, bigint, boolean);
CREATE TRIGGER signature_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_signature
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER waiver_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_waiver
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
CREATE TRIGGER rereview_append_only_v1 BEFORE DELETE OR UPDATE OR TRUNCATE ON reviews_rereview
    FOR EACH STATEMENT EXECUTE FUNCTION daylight_append_only_v1();
