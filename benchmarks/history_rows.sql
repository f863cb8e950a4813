-- A record of %(entries)s entries over three years, for benchmarks/history.py. Not a migration: it fills an empty schema, as the
-- owner with triggers off. The hashes are no chain. Rare things lie at the old end, far from where looking begins.
INSERT INTO agent_sessions_agent (slug, mode, auto_min_sessions, auto_min_agents)
    SELECT 'agent-' || i, 'gated', 10, 2 FROM generate_series(1, 13) i;
INSERT INTO memory_memorystore (name, revision, stopped_by, stop_reason)
    SELECT CASE i WHEN 13 THEN 'rare-store' ELSE 'store-' || i END, 1000000, '', '' FROM generate_series(1, 13) i;
INSERT INTO audit_entry (seq, at, act, action, actor_kind, actor_id, actor_name, store, subject, body, prev_hash, hash)
    SELECT i, at, act, action, kind, id, name, store, subject,
        convert_to(format('{"act":"%%s","action":"%%s","actor":{"id":"%%s","kind":"%%s","name":"%%s"},"at":"%%s","data":%%s,"seq":%%s,"store":"%%s","subject":"%%s","v":1}',
            act, action, id, kind, name, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'), data, i, store, subject), 'UTF8'),
        encode(sha256((i - 1)::text::bytea), 'hex'), encode(sha256(i::text::bytea), 'hex')
    FROM generate_series(1, %(entries)s) i
    CROSS JOIN LATERAL (SELECT now() - interval '3 years' * (1 - i / (%(entries)s + 1.0)) AS at,
        md5((i / 2)::text)::uuid AS act, i <= 40 AS rare) one
    CROSS JOIN LATERAL (SELECT
        CASE WHEN rare AND i %% 4 = 0 THEN 'signing_key.rotated' ELSE (ARRAY['proposal.submitted', 'proposal.submitted',
            'proposal.submitted', 'decision.made', 'memory.version.published', 'proposal.stale', 'dream.started',
            'dream.ended', 'proposal.submitted', 'review.second_look'])[1 + i %% 10] END AS action,
        CASE WHEN rare THEN 'user' WHEN i %% 10 IN (3, 4) THEN 'user' ELSE 'system' END AS kind,
        CASE WHEN rare THEN '9999' WHEN i %% 10 IN (3, 4) THEN (10 + i %% 53)::text ELSE 'dream' END AS id,
        CASE WHEN rare THEN 'Rare Visitor' WHEN i %% 10 IN (3, 4) THEN 'Person ' || i %% 53 || ' Reviewer' ELSE 'dream' END AS name,
        CASE WHEN rare AND i %% 4 = 1 THEN 'rare-store' ELSE 'store-' || 1 + i %% 12 END AS store,
        CASE i %% 10 WHEN 4 THEN 'memory:' || i / 40 WHEN 6 THEN 'dream:' || i / 10 ELSE 'proposal:' || i / 4 END AS subject
    ) two
    CROSS JOIN LATERAL (SELECT CASE i %% 10
        WHEN 4 THEN format('{"operation":"%%s","path":"/lessons/%%s/ledger-%%s.md","proposal":%%s,"revision":%%s,"sha256":"%%s","version":%%s}',
            CASE WHEN i %% 3 = 0 THEN 'created' ELSE 'modified' END, CASE WHEN rare THEN 'zebra' ELSE 'common' END, i %% 5000,
            i / 4, i / 120, encode(sha256(act::text::bytea), 'hex'), i)
        WHEN 3 THEN format('{"decision":%%s,"digest":"%%s","reason_sha256":"%%s","verdict":"approve"}', i,
            encode(sha256(act::text::bytea), 'hex'), encode(sha256((i %% 9)::text::bytea), 'hex'))
        ELSE format('{"agent":"agent-%%s","digest":"%%s","flags":["%%s"],"operation":"create","path":"/tools/%%s/lesson-%%s.md"}',
            1 + i %% 13, encode(sha256(act::text::bytea), 'hex'), CASE WHEN i %% 50 = 7 THEN 'injection' ELSE 'link' END,
            CASE WHEN rare THEN 'zebra' ELSE 'common' END, i %% 7000)
        END AS data) three
