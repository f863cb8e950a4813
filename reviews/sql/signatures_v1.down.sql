DROP TRIGGER vote_is_signed_v1 ON reviews_vote;
DROP FUNCTION daylight_vote_is_signed_v1();
DROP TRIGGER decision_is_signed_v1 ON reviews_decision;
DROP FUNCTION daylight_decision_is_signed_v1();
DROP TRIGGER signature_append_only_v1 ON reviews_signature;
