DROP FUNCTION daylight_hmac_v1(bytea, text);
