-- Sessions that were stored before there was an index wait for theirs like new ones.
INSERT INTO agent_sessions_unindexedsession (session_id) SELECT id FROM agent_sessions_session;
