SELECT 2147483647 + 1
SELECT -2147483648 - 1
SELECT 65536 * 65536
SELECT 9223372036854775807 + 1
SELECT 1 / 0
SELECT 1 % 0
SELECT 1 + 'x'
SELECT 'x' + 1
SELECT 1 = 'x'
SELECT 1::bigint = 'x'
SELECT true = 'x'
SELECT 1 IN ('x')
SELECT 1 BETWEEN 'a' AND 'b'
SELECT 'x'::int
SELECT ''::int
SELECT '99999999999'::int
SELECT 3000000000::int
SELECT 40000::smallint
SELECT 'x'::bigint
SELECT 'x'::float8
SELECT 'x'::boolean
SELECT 'x'::numeric
SELECT 'x'::date
SELECT 'x'::timestamp
SELECT 'x'::timestamptz
SELECT 'x'::time
SELECT 'x'::interval
SELECT '2026-13-01'::date
SELECT '2026-02-30'::date
SELECT '25:00'::time
SELECT 'x'::nosuch
SELECT 1 + true
SELECT true + true
SELECT 1 || 2
SELECT 1 AND true
SELECT true AND 1
SELECT 1 OR true
SELECT NOT 1
SELECT 1 WHERE 1
SELECT 1 WHERE 'x'
SELECT CASE WHEN 1 THEN 2 END
SELECT 1 FROM (VALUES (1)) a(n) JOIN (VALUES (1)) b(m) ON 1
SELECT count(*) FILTER (WHERE 1)
SELECT CASE WHEN true THEN 1 ELSE 'x' END
SELECT nosuch
SELECT nosuch FROM sessions
SELECT s.nosuch FROM sessions s
SELECT x.id FROM sessions s
SELECT * FROM nosuch
SELECT nosuch(1)
SELECT * FROM nosuch(1)
SELECT upper(1)
SELECT id FROM sessions a, sessions b
SELECT k FROM (VALUES (1)) a(k), (VALUES (1)) b(k)
SELECT * FROM (VALUES (1)) a(k) JOIN (VALUES (1)) b(k) USING (z)
SELECT a, count(*) FROM (VALUES (1)) v(a)
SELECT 1 WHERE count(*) > 1
SELECT 1 ORDER BY 2
SELECT 1 GROUP BY 2
SELECT 1 LIMIT -1
SELECT 1 LIMIT 'x'
SELECT 1 OFFSET -1
SELECT (SELECT 1, 2)
SELECT (SELECT n FROM (VALUES (1), (2)) v(n))
SELECT 1 UNION SELECT 1, 2
SELECT 1 UNION SELECT 'x'
SELECT 1 IN (SELECT 1, 2)
SELECT FROM
SELECT 1 FROM
SELECT 1 +
SELECT (1
SELECT 1)
SELEC 1
SELECT 'abc
SELECT "abc
SELECT 1 /* abc
SELECT $$abc
SELECT E'\xff'
SELECT E'\u00'
SELECT 1 AS
SELECT ""
SELECT 1 2
SELECT * FROM sessions WHERE
SELECT * FROM sessions s, sessions s
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a
SELECT DISTINCT ON (n) n FROM (VALUES (1, 2)) v(n, m) ORDER BY m
SELECT array_agg(1) OVER (ORDER BY nosuch)
SELECT row_number()
SELECT interval '1 day' + 1
SELECT date '2026-11-26' + date '2026-11-26'
SELECT now() + 1
SELECT ARRAY[1, 'x']
SELECT '{1,x}'::int[]
SELECT '{1'::int[]
SELECT COALESCE(1, 'x')
SELECT $1
SELECT make_date(2026, 13, 1)
SELECT sqrt(-1::float8)
SELECT ln(0::float8)
SELECT chr(0)
SELECT 1 IS TRUE
SELECT 'a' IS TRUE
SELECT generate_series(1, 3, 0)
SELECT nosuch.* FROM sessions
SELECT current_setting('nosuch')
SELECT 1 ORDER BY nosuch
SELECT CAST(1 AS nosuch)
SELECT lower(1, 2)
SELECT 'a'::date - 1
SELECT 1 IN ()
SELECT CASE END
SELECT *
SELECT 1.5 / 0
SELECT 1.5 % 0.0
SELECT 2147483648.0::int
SELECT 40000.5::smallint
SELECT 'NaN'::numeric::int
SELECT 1.5::boolean
SELECT true::numeric
SELECT 12345.678::numeric(6,2)
SELECT 1.5 + 'x'
SELECT 1.5 = 'x'
SELECT 1.5 + true
SELECT '1.5x'::numeric
SELECT sqrt(-1.0)
SELECT ln(0.0)
SELECT ln(-1.5)
SELECT (-2.0) ^ 0.5
SELECT 0.0 ^ (-1)
SELECT exp(10000.0)
SELECT generate_series(1, 2, 0.0)
SELECT idd FROM sessions
SELECT servce FROM sessions, services
SELECT s.servce FROM sessions s
SELECT sessions.id FROM sessions s
SELECT id FROM sessions WHERE usr = 'a'
SELECT "USER" FROM sessions
SELECT id FROM sessions WHERE EXISTS (SELECT 1 FROM services WHERE name = servce)
WITH t AS (SELECT 1 AS abc) SELECT abd FROM t
SELECT id FROM sessions WHERE service = 1
SELECT id FROM sessions WHERE id = 1 AND service = 1
SELECT id FROM sessions WHERE service > id
SELECT 'a'::text + 1
SELECT 1 IN ('a'::text)
SELECT id FROM sessions WHERE service IN (1,2)
SELECT id FROM sessions WHERE service BETWEEN 1 AND 2
SELECT CASE service WHEN 1 THEN 2 END FROM sessions
SELECT a.id FROM sessions a JOIN services b ON a.id = b.name
SELECT -service FROM sessions
SELECT service LIKE 1 FROM sessions
SELECT id LIKE 'a' FROM sessions
SELECT id ~ 'a' FROM sessions
PREPARE p AS SELECT 1 WHERE $1 IS NULL
PREPARE p AS SELECT $2::int
PREPARE p AS SELECT count($1)
PREPARE p AS SELECT 1 FROM sessions WHERE ($1 IS NULL OR id = $1)
SELECT extract(day FROM time '12:34:56')
SELECT pg_typeof(1) = 'integer'
SELECT '{'::jsonb
SELECT json_array_elements('{"a": 1}')
SELECT jsonb_array_elements('1')
SELECT json_each('[1]')
SELECT json_object_keys('1')
SELECT jsonb_set('1', '{a}', '2')
SELECT jsonb_set('[1]', '{a}', '2')
SELECT '"x"'::jsonb - 'x'
SELECT '{"a": 1}'::jsonb - 1
SELECT json_object('{a,b,c}')
SELECT json_object(ARRAY['a'], ARRAY['1', '2'])
SELECT json_object('{NULL,1}')
SELECT json_object_agg(NULL, 1)
SELECT json_array_length('1')
SELECT '"\u0000"'::jsonb
SELECT nope 'x'
SELECT convert_from('\x61', 'nothing')
SELECT convert_to('€', 'LATIN1')
SELECT pg_wal_lsn_diff('x', '0/1')
SELECT substring('a' FROM 'a#"b#"c#"d' FOR '#')
LOCK TABLE sessions IN ACCESS SHARE MODE
LOCK TABLE sessions IN SOME MODE
SET CONSTRAINTS ALL
SELECT array[1] || 'a'::text
SELECT array[1] = array['a']
SELECT array[1] @> array['a'::text]
SELECT 'x'::nosuch[]
select '10.0.0.5'::inet = 'foo'
select '10.0.0.7/8'::cidr
select percentile_cont(2) within group (order by x) from (values (1)) v(x)
select percentile_cont(2) within group (order by x) from (values (interval '1 day')) v(x)
