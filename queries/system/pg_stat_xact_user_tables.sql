-- pg_catalog.pg_stat_xact_user_tables: the part of pg_stat_xact_all_tables that is about our tables.
SELECT *
FROM pg_stat_xact_all_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
