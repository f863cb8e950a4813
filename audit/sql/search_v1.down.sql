DROP INDEX entry_by_time;
DROP INDEX entry_by_action;
DROP INDEX entry_by_words;
DROP FUNCTION daylight_entry_words_v1(text, text, text, text, text, text, bytea);
