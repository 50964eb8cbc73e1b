-- pg_catalog.pg_statio_user_indexes: the part of pg_statio_all_indexes that is about our tables.
SELECT *
FROM pg_statio_all_indexes
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
