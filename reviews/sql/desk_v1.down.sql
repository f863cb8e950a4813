DROP TRIGGER memoryversion_has_its_people_v1 ON memory_memoryversion;
DROP FUNCTION daylight_version_has_its_people_v1();
DROP TRIGGER seedanswer_append_only_v1 ON reviews_seedanswer;
DROP TRIGGER seed_append_only_v1 ON reviews_seed;
DROP TRIGGER comment_append_only_v1 ON reviews_comment;
DROP TRIGGER vote_append_only_v1 ON reviews_vote;
