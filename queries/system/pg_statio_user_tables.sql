-- pg_catalog.pg_statio_user_tables: the part of pg_statio_all_tables that is about our tables.
SELECT *
FROM pg_statio_all_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
