-- A list that is too long for the column is told from others by its hash alone; forwards again it is all of its revision.
UPDATE memory_memoryread SET part = CASE
    WHEN length(array_to_string(versions, ',')) <= 290 THEN 'versions=' || array_to_string(versions, ',')
    ELSE 'md5=' || daylight_versions_key_v1(versions) END
WHERE versions IS NOT NULL;
DROP FUNCTION daylight_versions_key_v1(bigint[]);
