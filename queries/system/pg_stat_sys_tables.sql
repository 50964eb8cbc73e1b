-- pg_catalog.pg_stat_sys_tables: the part of pg_stat_all_tables that is about the system's tables.
SELECT *
FROM pg_stat_all_tables
WHERE schemaname IN ('pg_catalog', 'information_schema')
