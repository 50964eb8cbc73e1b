-- pg_catalog.pg_statio_sys_indexes: the part of pg_statio_all_indexes that is about the system's tables.
SELECT *
FROM pg_statio_all_indexes
WHERE schemaname IN ('pg_catalog', 'information_schema')
