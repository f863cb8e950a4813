-- What an entry is found by. As marked lexemes: `k:` its action, `o:` its store, `g:` the agents that it is by or about, `a:`
-- the parts of its actor's name and its id; and unmarked the words of all that stands in it but times and ids of acts. An
-- expression and no column: it is true of every entry there is, and the table stays one that is only added to. Signs that
-- PostgreSQL's parser would take for parts of paths, hosts, numbers or tags part words.
CREATE FUNCTION daylight_entry_words_v1(
    action text, actor_kind text, actor_id text, actor_name text, store text, subject text, body bytea
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
AS $$
    SELECT array_to_tsvector(
        ARRAY['k:' || action, 'o:' || store, 'a:' || lower(actor_id COLLATE "C")]
        || string_to_array('a:' || replace(lower(actor_name COLLATE "C"), ' ', E'\x1fa:'), E'\x1f')
        || CASE WHEN actor_kind = 'agent' THEN ARRAY['g:' || actor_id] END
        || CASE WHEN subject LIKE 'agent:%' THEN ARRAY['g:' || subject] END
        || CASE WHEN strpos(said.data, '"agent') + strpos(said.data, '"slug"') + strpos(said.data, '"attached"') > 0 THEN
            ARRAY(SELECT 'g:' || slug[1] FROM regexp_matches(said.data, '"(?:agent|slug)":"([a-z0-9._-]{1,100})"', 'g') slug)
            || ARRAY(SELECT 'g:' || slug[1] FROM regexp_matches(
                substring(said.data FROM '"(?:agents|attached)":\[([^\]]*)\]'), '"([a-z0-9._-]{1,100})"', 'g') slug) END
    ) || to_tsvector('pg_catalog.simple',
        replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            action || ' ' || actor_name || ' ' || store || ' ' || subject || ' ' || said.data,
        '\n', ' '), '\t', ' '), '\', ' '), '/', ' '), '.', ' '), '_', ' '), '-', ' '), '@', ' '), '<', ' '), '&', ' '))
    FROM (SELECT substr(json, strpos(json, '"data":') + 7, greatest(0, length(json) - strpos(json, '"data":')
        - strpos(reverse(json), ':"qes",') - 12)) AS data FROM (SELECT convert_from(body, 'UTF8') AS json) body) said
$$;
CREATE INDEX entry_by_words ON audit_entry
    USING gin (daylight_entry_words_v1(action, actor_kind, actor_id, actor_name, store, subject, body));
CREATE INDEX entry_by_action ON audit_entry (action, seq);
CREATE INDEX entry_by_time ON audit_entry (at, seq);
