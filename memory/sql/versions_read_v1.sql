-- What tells one part from another in an index: a list may be longer than an index holds.
CREATE FUNCTION daylight_versions_key_v1(versions bigint[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(md5(array_to_string(versions, ',')), 'all');

-- A part was known by what had been asked for. What lies below a path is known still; what fitted into `max_bytes` is not,
-- and counts as served: rather one too many than one that nobody looks for.
UPDATE memory_memoryread read SET versions = CASE
    WHEN read.part LIKE 'versions=%' THEN string_to_array(substr(read.part, 10), ',')::bigint[]
    ELSE ARRAY(
        SELECT version.revision FROM memory_memoryversion version
        WHERE version.store_id = read.store_id AND version.revision <= read.revision AND version.operation <> 'deleted'
            AND NOT EXISTS (
                SELECT FROM memory_memoryversion later
                WHERE later.memory_id = version.memory_id AND later.revision > version.revision
                    AND later.revision <= read.revision
            )
            AND CASE
                WHEN read.part LIKE 'path=%' THEN version.path = substr(read.part, 6)
                ELSE starts_with(
                    version.path,
                    coalesce(substring(regexp_replace(read.part, ' ?max_bytes=\d+$', '') FROM '^path_prefix=(.*)$'), '')
                )
            END
        ORDER BY version.revision
    ) END
WHERE read.part <> '';

-- Parts that were asked for differently and held the same are one now, and what held nothing is none.
DELETE FROM memory_memoryread read WHERE read.versions = '{}' OR EXISTS (
    SELECT FROM memory_memoryread same
    WHERE same.agent_id = read.agent_id AND same.session_external_id = read.session_external_id
        AND same.store_id = read.store_id AND same.revision = read.revision AND same.versions = read.versions
        AND same.id < read.id
);
