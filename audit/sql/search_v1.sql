-- What an entry is found by. As marked lexemes: `k:` its action, `o:` its store, `g:` the agents that it is by or about, `a:`
-- the parts of its actor's name and its id; and unmarked the words of all that stands in it but times and ids of acts. An
-- expression and no column: it is true of every entry there is, and the table stays one that is only added to. Signs that
-- PostgreSQL's parser would take for parts of paths, hosts, numbers or tags part words. Without FROM, and of calls that
-- take no regular expression over and over: it is computed with the chain locked.
CREATE FUNCTION daylight_entry_words_v1(
    action text, actor_kind text, actor_id text, actor_name text, store text, subject text, body bytea
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
AS $$
    SELECT array_to_tsvector(array_remove(
        ARRAY[
            'k:' || action,
            'o:' || store,
            'a:' || lower(actor_id COLLATE "C"),
            CASE WHEN actor_kind = 'agent' THEN 'g:' || actor_id END,
            CASE WHEN subject LIKE 'agent:%' THEN 'g:' || subject END,
            'g:' || substring(convert_from(body, 'UTF8') FROM '"agent":"([a-z0-9._-]+)"'),
            'g:' || substring(convert_from(body, 'UTF8') FROM '"slug":"([a-z0-9._-]+)"')
        ]
        || string_to_array('a:' || replace(lower(actor_name COLLATE "C"), ' ', E'\x1fa:'), E'\x1f')
        || string_to_array('g:' || replace(replace(
            substring(convert_from(body, 'UTF8') FROM '"(?:agents|attached)":\[([^\]]+)\]'), '"', ''), ',', ',g:'), ','),
        NULL
    )) || to_tsvector('pg_catalog.simple',
        replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            action || ' ' || actor_name || ' ' || store || ' ' || subject || ' '
            || left(substr(convert_from(body, 'UTF8'), strpos(convert_from(body, 'UTF8'), '"data":') + 7),
                -6 - strpos(reverse(convert_from(body, 'UTF8')), ':"qes",')),
        '\n', ' '), '\t', ' '), '\', ' '), '/', ' '), '.', ' '), '_', ' '), '-', ' '), '@', ' '), '<', ' '), '&', ' '))
$$;
-- A short list of what is not yet sorted in: whoever appends the entry that fills it waits for all of it, chain locked.
CREATE INDEX entry_by_words ON audit_entry
    USING gin (daylight_entry_words_v1(action, actor_kind, actor_id, actor_name, store, subject, body))
    WITH (gin_pending_list_limit = 512);
CREATE INDEX entry_by_action ON audit_entry (action, seq);
CREATE INDEX entry_by_time ON audit_entry (at, seq);
