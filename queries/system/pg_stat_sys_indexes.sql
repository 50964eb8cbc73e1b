-- pg_catalog.pg_stat_sys_indexes: the part of pg_stat_all_indexes that is about the system's tables.
SELECT *
FROM pg_stat_all_indexes
WHERE schemaname IN ('pg_catalog', 'information_schema')
