-- pg_catalog.pg_stat_user_indexes: the part of pg_stat_all_indexes that is about our tables.
SELECT *
FROM pg_stat_all_indexes
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
