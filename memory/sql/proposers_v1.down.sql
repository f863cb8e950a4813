-- The columns go with the schema; nothing else was changed.
SELECT 1;
