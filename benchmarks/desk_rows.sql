-- A desk of %(proposals)s proposals and %(events)s events, for benchmarks/desk.py. Not a migration: it fills an empty schema,
-- as the owner with triggers off. What is rare (a store, a kind, a flag, an operation, an age) lies at the far end of each order.
SELECT setseed(0.7);

INSERT INTO agent_sessions_agent (slug, mode, auto_min_sessions, auto_min_agents, auto_own_writes)
    SELECT CASE i WHEN 13 THEN 'rare-agent' ELSE 'agent-' || i END, 'gated', 10, 2, false FROM generate_series(1, 13) i;
INSERT INTO memory_memorystore (name, revision, stopped_by, stop_reason, description, metadata)
    SELECT CASE i WHEN 13 THEN 'rare-store' ELSE 'store-' || i END, 1000000, '', '', '', '{}' FROM generate_series(1, 13) i;
INSERT INTO memory_memorystore_agents (memorystore_id, agent_id)
    SELECT s, a FROM generate_series(1, 12) s, generate_series(1, 12) a WHERE a IN (s, 1 + s %% 12)
    UNION ALL SELECT 13, 13;

INSERT INTO agent_sessions_session (agent_id, external_id, task, task_id, principal, outcome, outcome_source, outcome_detail,
        metadata, extra, redactions, event_count, sha256, occurred_at)
    SELECT 1 + i %% 12, 'run-' || i, 'Close the books', 'task-' || i %% 500, 'person-' || i %% 900,
        (ARRAY['success', 'failure', 'unknown'])[1 + i %% 3], '', '', '{}', '{}', '{}', 50, repeat('0', 64),
        now() - interval '30 days' * (i / (%(events)s / 50.0))
    FROM generate_series(1, %(events)s / 50) i;
INSERT INTO agent_sessions_event (session_id, seq, type, role, text, tool, call_id, input, output, output_is_json, extra)
    SELECT s, e, CASE e %% 2 WHEN 0 THEN 'tool_call' ELSE 'tool_result' END, 'tool', '', 'post_entry', 'c' || e / 2,
        '', 'Error: ledger ' || e || ' is locked until the close; it was opened by run ' || s || ' for posting.', false, '{}'
    FROM generate_series(1, %(events)s / 50) s, generate_series(0, 49) e;

-- One memory in twenty proposals, each with one version, so that updates have a base and approvals a result.
INSERT INTO memory_memory (store_id, path)
    SELECT 1 + i %% 12, '/notes/' || i || '.md' FROM generate_series(1, %(proposals)s / 20) i;
INSERT INTO memory_memoryversion (memory_id, store_id, revision, operation, path, content, sha256)
    SELECT id, store_id, id, 'created', path, 'When the ledger is locked, wait for the close.', repeat('0', 64)
    FROM memory_memory;
UPDATE memory_memory m SET head_id = v.id FROM memory_memoryversion v WHERE v.memory_id = m.id;

INSERT INTO memory_proposal (store_id, operation, path, new_path, base_version_id, content, kind, title, rationale, source,
        source_ref, proposer, proposer_kind, proposer_id, claim_key, text_key, support, risk, digest, status, status_reason,
        benefit, created_at, decided_at)
    SELECT CASE WHEN rare THEN 13 ELSE 1 + i %% 12 END,
        CASE WHEN rare THEN 'delete' WHEN i %% 10 = 0 THEN 'update' ELSE 'create' END,
        CASE WHEN NOT rare AND i %% 10 = 0 THEN v.path ELSE '/lessons/' || i || '.md' END, '',
        CASE WHEN rare OR i %% 10 = 0 THEN v.id END,
        CASE WHEN rare THEN '' ELSE 'When the ledger is locked, wait for the close. Lesson ' || i || '. '
            || repeat('Post again after it, with the same date. ', 12) END,
        CASE WHEN rare THEN 'preference' ELSE (ARRAY['recurring_failure', 'workaround', 'workflow', 'upkeep'])[1 + i %% 4] END,
        'Posting into a locked ledger fails, case ' || i, 'Seen in many sessions. ' || repeat('It held in all of them. ', 10),
        'dream', 'dream:1', 'dream', 'system', 'dream', 'claim-' || i, md5(i::text) || md5(i::text),
        '{"sessions": 12, "eligible": 40, "agents": 3, "met_total": 20, "met_success": 5, "other_total": 20, "other_success": 15}',
        CASE WHEN rare THEN '{secret,injection}' WHEN i %% 10 = 3 THEN '{link}' ELSE '{}' END::varchar[],
        repeat('0', 64),
        CASE WHEN rare OR i %% 20 < 12 THEN 'open' WHEN i %% 20 = 12 THEN 'stale' WHEN i %% 20 = 13 THEN 'expired'
            WHEN i %% 20 = 14 THEN 'approved' ELSE 'rejected' END,
        '', CASE WHEN rare THEN 0.0001 ELSE 0.001 + random() * 10 END,
        now() - CASE WHEN rare THEN interval '200 hours' ELSE interval '50 hours' * (1 - i / %(proposals)s.0) END,
        CASE WHEN NOT rare AND i %% 20 >= 13 THEN now() - interval '50 hours' * (1 - i / %(proposals)s.0) END
    FROM generate_series(1, %(proposals)s) i
        CROSS JOIN LATERAL (SELECT i <= 20 AS rare) AS ends
        LEFT JOIN memory_memoryversion v ON v.id = 1 + i %% (%(proposals)s / 20);
INSERT INTO memory_evidence (proposal_id, session_id, seq, quote, stance)
    SELECT i, 1 + (i * 7 + k) %% (%(events)s / 50), 1 + k * 2, 'ledger ' || 1 + k * 2 || ' is locked',
        CASE k WHEN 2 THEN 'contradicts' ELSE 'supports' END
    FROM generate_series(1, %(proposals)s) i, generate_series(0, 2) k;
INSERT INTO audit_entry (seq, at, act, action, actor_kind, actor_id, actor_name, store, subject, body, prev_hash, hash)
    SELECT i, now(), gen_random_uuid(), 'proposal.submitted', 'system', 'dream', 'dream', 'store-' || 1 + i %% 12,
        'proposal:' || i, '\x7b7d', '', encode(sha256(i::text::bytea), 'hex')
    FROM generate_series(1, %(proposals)s) i;

-- Who decided, and what lies beside the queue after years: most of it about proposals that are closed.
INSERT INTO reviews_decision (proposal_id, verdict, decider_kind, decider_id, decider_name, reason, digest, path,
        content_sha256, risk, version_id, act)
    SELECT p.id, CASE status WHEN 'approved' THEN 'approve' ELSE 'reject' END,
        CASE WHEN status = 'approved' AND p.id %% 100 = 14 THEN 'policy' ELSE 'user' END,
        CASE WHEN status = 'approved' AND p.id %% 100 = 14 THEN NULL ELSE 2 END, 'ruth', 'Known.', p.digest, p.path, '',
        '{}', CASE status WHEN 'approved' THEN 1 + p.id / 20 END, gen_random_uuid()
    FROM memory_proposal p WHERE status IN ('approved', 'rejected')
        AND (status = 'rejected' OR 1 + p.id / 20 <= %(proposals)s / 20) ORDER BY p.id;
INSERT INTO reviews_vote (proposal_id, reader_id, reader_name, reason, digest, act)
    SELECT id, 1, 'rita', '', digest, gen_random_uuid() FROM memory_proposal WHERE id %% 40 = 15 OR id %% 20000 = 21;
INSERT INTO reviews_assignment (proposal_id, assignee_id, assignee_name, by_name)
    SELECT id, 2, 'ruth', 'rita' FROM memory_proposal WHERE id %% 40 = 16 OR id %% 5000 = 22;
INSERT INTO reviews_claim (proposal_id, user_id, user_name, expires_at)
    SELECT id, 2, 'ruth', now() + CASE WHEN id %% 20000 = 23 THEN interval '1 day' ELSE interval '-1 day' END
    FROM memory_proposal WHERE id %% 50 = 23;
INSERT INTO reviews_snooze (proposal_id, user_id, until)
    SELECT id, 1 + id %% 2, now() + CASE WHEN id %% 10000 = 24 THEN interval '1 day' ELSE interval '-1 day' END
    FROM memory_proposal WHERE id %% 250 = 24;
INSERT INTO reviews_changerequest (proposal_id, by_id, by_name, note, withdrawn_at)
    SELECT id, 2, 'ruth', 'Say when.', CASE WHEN id %% 10000 <> 25 THEN now() END FROM memory_proposal WHERE id %% 500 = 25;
INSERT INTO reviews_comment (proposal_id, author_id, author_name, body)
    SELECT id, 2, 'ruth', 'Look, @rita.' FROM memory_proposal WHERE id %% 100 = 26;
INSERT INTO reviews_mention (comment_id, user_id, seen_at)
    SELECT id, 1, CASE WHEN id %% 100 <> 7 THEN now() END FROM reviews_comment;
