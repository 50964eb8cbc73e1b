-- What Grafana's data source asks for its query builder.
SELECT current_setting('server_version_num')::int / 10000 AS version;
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';
SELECT schema_name AS "name" FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'pg_catalog', 'pg_toast', '_timescaledb_cache') ORDER BY schema_name;
SELECT quote_ident(table_name) AS "table" FROM information_schema.tables WHERE quote_ident(table_schema) = 'public' ORDER BY 1;
-- All tables, those of the search path first and without their schema.
SELECT CASE WHEN quote_ident(table_schema) IN (
        SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
        FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
            array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS i,
            string_to_array(current_setting('search_path'), ',') s)
    THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
FROM information_schema.tables
WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache')
ORDER BY 1;
-- The columns of one table, with its schema and without.
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE CASE WHEN array_length(parse_ident('public.sessions'), 1) = 2
    THEN quote_ident(table_schema) = (parse_ident('public.sessions'))[1] AND quote_ident(table_name) = (parse_ident('public.sessions'))[2]
    ELSE quote_ident(table_name) = 'public.sessions' END ORDER BY ordinal_position;
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE CASE WHEN array_length(parse_ident('services'), 1) = 2
    THEN quote_ident(table_schema) = (parse_ident('services'))[1] AND quote_ident(table_name) = (parse_ident('services'))[2]
    ELSE quote_ident(table_name) = 'services' AND quote_ident(table_schema) IN (
        SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
        FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
            array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS i,
            string_to_array(current_setting('search_path'), ',') s) END ORDER BY ordinal_position;
SELECT DISTINCT quote_literal("user") FROM sessions WHERE application_name = 'known' ORDER BY 1;
-- Macros written out: a time group, a time filter, an epoch, and a series with gaps filled.
SELECT floor(extract(epoch FROM connected) / 86400) * 86400 > 0 AS "time", count(*) AS value FROM sessions
WHERE application_name = 'known' AND connected BETWEEN '2024-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z' GROUP BY 1 ORDER BY 1;
SELECT extract(epoch FROM connected) > 1700000000 AS "time", "user" AS metric, port > 0 AS value FROM sessions
WHERE application_name = 'known' AND extract(epoch FROM connected) >= 1700000000 ORDER BY 2;
SELECT date_trunc('hour', t) AS "time", t::date::text, extract(epoch FROM t)::bigint FROM
    generate_series(timestamptz '2024-02-29 00:00+00', timestamptz '2024-02-29 03:00+00', interval '1 hour') AS t ORDER BY 1;
