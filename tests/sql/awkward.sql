;
%%
;;;
%%
   
%%
-- only a comment
%%
/* only a comment */
%%
/* a /* nested */ comment */
%%
/* without end
%%
--
%%
*/
%%
'
%%
"
%%
$$
%%
$a$ text
%%
$a$ text $b$
%%
E'\
%%
E'\u'
%%
SELECT 'a
%%
SELECT "a
%%
SELECT $$a
%%
SELECT (
%%
SELECT )
%%
SELECT [
%%
SELECT ]
%%
SELECT {
%%
SELECT }
%%
SELECT ,
%%
SELECT .
%%
SELECT *
%%
SELECT **
%%
SELECT @
%%
SELECT #
%%
SELECT ?
%%
SELECT ??
%%
SELECT \
%%
SELECT ` `
%%
SELECT %
%%
SELECT !
%%
SELECT ~
%%
SELECT ^
%%
SELECT &
%%
SELECT |
%%
SELECT =
%%
SELECT :
%%
SELECT ::
%%
SELECT :a
%%
SELECT 1::
%%
SELECT ::int
%%
SELECT $
%%
SELECT $0
%%
SELECT $1
%%
SELECT $1 + $2 || $3
%%
SELECT $1::int, $1::text
%%
SELECT $99999999999999999999
%%
SELECT $65536
%%
SELECT $-1
%%
SELECT ""
%%
SELECT "" AS a
%%
SELECT 1 AS ""
%%
SELECT 1 AS "a""b"
%%
SELECT 1 AS "Ünïcödé 漢字 🙂"
%%
SELECT U&'\0061'
%%
SELECT U&'\+01F642'
%%
SELECT U&'\D83D\DE42'
%%
SELECT U&'\D83D'
%%
SELECT U&'\0000'
%%
SELECT U&'!0061' UESCAPE '!'
%%
SELECT U&"\0061" FROM sessions
%%
SELECT E'\u0061\U0001F642\x41\101'
%%
SELECT E'\u0000'
%%
SELECT E'\x00'
%%
SELECT E'\000'
%%
SELECT E'\xff'
%%
SELECT E'\ud800'
%%
SELECT E'\U00110000'
%%
SELECT 'a' 'b'
%%
SELECT 'a'
  'b'
%%
SELECT N'a'
%%
SELECT B'101', X'1F'
%%
SELECT B'2'
%%
SELECT X'G'
%%
SELECT chr(0)
%%
SELECT chr(-1)
%%
SELECT chr(1114112)
%%
SELECT chr(55296)
%%
SELECT ascii('')
%%
SELECT repeat('x', 2147483647)
%%
SELECT repeat('x', -1)
%%
SELECT repeat(repeat('x', 100000), 100000)
%%
SELECT length(repeat('xyz', 100000000))
%%
SELECT lpad('x', 2147483647, 'y')
%%
SELECT rpad('x', 1000000000)
%%
SELECT substr('abc', -2147483648, 2147483647)
%%
SELECT substring('abc' FROM 0 FOR -1)
%%
SELECT substring('abc' FROM '(')
%%
SELECT left('abc', -9223372036854775808)
%%
SELECT right('abc', 2147483647)
%%
SELECT split_part('a,b', ',', 0)
%%
SELECT split_part('a,b', ',', -2147483648)
%%
SELECT split_part('a,b', '', 1)
%%
SELECT overlay('abc' PLACING 'x' FROM -5)
%%
SELECT position('' IN '')
%%
SELECT strpos('', 'a')
%%
SELECT translate('abc', 'abc', '')
%%
SELECT replace('aaa', '', 'b')
%%
SELECT replace('aaa', 'a', repeat('b', 1000000))
%%
SELECT reverse('🙂é')
%%
SELECT initcap('ßß ss')
%%
SELECT upper('ß'), lower('İ')
%%
SELECT format('%s %I %L', 'a', 'b', NULL)
%%
SELECT format('%', 'a')
%%
SELECT format('%99999999s', 'a')
%%
SELECT format('%1$s %3$s', 'a')
%%
SELECT concat()
%%
SELECT concat(NULL, NULL)
%%
SELECT concat_ws(NULL, 'a', 'b')
%%
SELECT string_to_array('', '')
%%
SELECT string_to_array('abc', NULL)
%%
SELECT array_to_string(ARRAY[1, NULL, 3], ',', '*')
%%
SELECT regexp_replace('abc', '(', 'x')
%%
SELECT regexp_replace('abc', 'b', '\9', 'g')
%%
SELECT regexp_match('abc', '[')
%%
SELECT 'abc' ~ '*'
%%
SELECT 'abc' ~ '(?<a>b)'
%%
SELECT 'abc' ~ '\1'
%%
SELECT 'abc' SIMILAR TO '%(b|d)%'
%%
SELECT 'abc' LIKE 'a\'
%%
SELECT 'abc' LIKE 'a%' ESCAPE 'xx'
%%
SELECT 'abc' LIKE NULL
%%
SELECT to_hex(-1), to_hex(-9223372036854775808)
%%
SELECT md5(''), sha256('')
%%
SELECT encode('abc', 'nothing')
%%
SELECT decode('zz', 'hex')
%%
SELECT decode('a', 'base64')
%%
SELECT quote_ident(''), quote_literal(NULL), quote_nullable(NULL)
%%
SELECT to_char(1234567.891, 'FM999,999.99')
%%
SELECT to_char(1e300, '9')
%%
SELECT to_char(now(), 'nothing at all')
%%
SELECT to_char(interval '100 years', 'HH24:MI:SS')
%%
SELECT to_char(now(), repeat('YYYY', 10000))
%%
SELECT to_number('x', '9')
%%
SELECT to_date('32', 'DD')
%%
SELECT to_timestamp('x', 'YYYY')
%%
SELECT to_timestamp(1e300)
%%
SELECT to_timestamp('NaN'::float8)
%%
SELECT to_timestamp('Infinity'::float8)
%%
SELECT 1/0
%%
SELECT 1%0
%%
SELECT 1.0/0
%%
SELECT 1/0.0
%%
SELECT 1::float8/0
%%
SELECT 0/0::float8
%%
SELECT -9223372036854775808 / -1
%%
SELECT (-9223372036854775807 - 1) / -1
%%
SELECT (-9223372036854775807 - 1) % -1
%%
SELECT 9223372036854775807 + 1
%%
SELECT -9223372036854775807 - 2
%%
SELECT 9223372036854775807 * 2
%%
SELECT abs(-9223372036854775808)
%%
SELECT 2147483647::int4 + 1::int4
%%
SELECT 32767::int2 + 1::int2
%%
SELECT 32768::int2
%%
SELECT 1e400
%%
SELECT 1e400::float8
%%
SELECT 1e39::float4
%%
SELECT 'NaN'::int
%%
SELECT 'Infinity'::float8::int
%%
SELECT 1e300::int
%%
SELECT 1e19::bigint
%%
SELECT power(10, 400)
%%
SELECT power(0, -1)
%%
SELECT power(-1, 0.5)
%%
SELECT sqrt(-1)
%%
SELECT ln(0)
%%
SELECT ln(-1)
%%
SELECT log(0)
%%
SELECT log(1, 2)
%%
SELECT log(2.0, -1)
%%
SELECT exp(1000)
%%
SELECT exp(-1000)
%%
SELECT factorial(-1)
%%
SELECT factorial(100000)
%%
SELECT 5 !
%%
SELECT gcd(-9223372036854775808, -9223372036854775808)
%%
SELECT lcm(9223372036854775807, 9223372036854775806)
%%
SELECT mod(5, 0)
%%
SELECT div(5, 0)
%%
SELECT round(1.5, 2147483647)
%%
SELECT round(1.5, -2147483648)
%%
SELECT trunc(1e300, 300)
%%
SELECT width_bucket(5, 1, 1, 0)
%%
SELECT acos(2), asin(-2), atanh(2)
%%
SELECT random() < 0
%%
SELECT setseed(5)
%%
SELECT 1 << 100, 1 << -1, 1 >> 64
%%
SELECT 1 # 2, ~1, 1 & 2, 1 | 2
%%
SELECT @ -5
%%
SELECT |/ 4, ||/ 27
%%
SELECT 2 ^ 0.5 ^ 2
%%
SELECT 5 = 5 = true
%%
SELECT 1 < 2 < 3
%%
SELECT NOT NULL
%%
SELECT NULL = NULL, NULL <> NULL, NULL IS DISTINCT FROM NULL
%%
SELECT NULL + NULL
%%
SELECT NULL::int[] || NULL
%%
SELECT 1 IN (NULL)
%%
SELECT 1 IN ()
%%
SELECT NULL IN (SELECT 1 WHERE false)
%%
SELECT 1 = ANY (NULL)
%%
SELECT 1 = ALL ('{}')
%%
SELECT 1 = ANY ('{')
%%
SELECT 1 = ANY ('{a}')
%%
SELECT 1 = ANY (1)
%%
SELECT (SELECT 1, 2)
%%
SELECT (SELECT 1 UNION SELECT 2)
%%
SELECT (SELECT 1 WHERE false)
%%
SELECT ARRAY[]
%%
SELECT ARRAY[]::int[]
%%
SELECT ARRAY[1, 'a']
%%
SELECT ARRAY[[1], [2, 3]]
%%
SELECT (ARRAY[1, 2])[0], (ARRAY[1, 2])[-1], (ARRAY[1, 2])[9223372036854775807]
%%
SELECT (ARRAY[1, 2])[1:9223372036854775807]
%%
SELECT (ARRAY[1, 2])['a']
%%
SELECT '{1,2,3'::int[]
%%
SELECT '{{1,2},{3}}'::int[]
%%
SELECT '[5:6]={1,2}'::int[]
%%
SELECT '[2147483647:2147483648]={1,2}'::int[]
%%
SELECT array_fill(0, ARRAY[1000000, 1000000])
%%
SELECT unnest(ARRAY[1, 2]), unnest(ARRAY[1, 2, 3])
%%
SELECT unnest(NULL)
%%
SELECT ROW(), ROW(1, 2), ROW(ROW(1))
%%
SELECT (1, 2) = (1, 2), (1, 2) < (1, 3)
%%
SELECT (1, 2) = (1)
%%
SELECT 'a'::nothing
%%
SELECT 'a'::varchar(0)
%%
SELECT 'a'::varchar(10485761)
%%
SELECT 'abc'::char(2), 'abc'::varchar(2)
%%
SELECT 1::numeric(1001, 0)
%%
SELECT 1::numeric(5, 10)
%%
SELECT 123456::numeric(3, 1)
%%
SELECT 't'::bool, 'of'::bool, 'o'::bool
%%
SELECT 'maybe'::bool
%%
SELECT 2::bool, true::int
%%
SELECT true + true
%%
SELECT '2024-02-30'::date
%%
SELECT '0000-01-01'::date
%%
SELECT '294277-01-01'::timestamptz
%%
SELECT '4714-11-24 BC'::timestamp
%%
SELECT 'infinity'::timestamptz - now()
%%
SELECT 'epoch'::timestamptz, 'now'::timestamptz, 'tomorrow'::date
%%
SELECT '24:00:01'::time
%%
SELECT '23:59:60.5'::time
%%
SELECT '2024-01-01 00:00:00+99'::timestamptz
%%
SELECT now() + interval '1000000000 years'
%%
SELECT now() - interval '178000000 years'
%%
SELECT interval '1' YEAR TO MONTH
%%
SELECT interval 'nothing'
%%
SELECT interval '9223372036854775807 microseconds' * 2
%%
SELECT interval '1 day' / 0
%%
SELECT date_trunc('nothing', now())
%%
SELECT date_trunc('century', '0001-01-01'::timestamp)
%%
SELECT date_part('nothing', now())
%%
SELECT extract(epoch FROM interval '1 month')
%%
SELECT extract(nothing FROM now())
%%
SELECT age('infinity'), age(now(), NULL)
%%
SELECT now() AT TIME ZONE 'Nowhere/Nothing'
%%
SELECT now() AT TIME ZONE interval '1000 hours'
%%
SELECT make_date(2024, 2, 30)
%%
SELECT make_timestamp(0, 1, 1, 0, 0, 0)
%%
SELECT make_interval(years => 2147483647)
%%
SELECT justify_interval(interval '-2147483648 months')
%%
SELECT date_bin('0 seconds', now(), now())
%%
SELECT '{"a": }'::json
%%
SELECT '{"a": [1]}'::jsonb -> 'a' -> 5
%%
SELECT '<a>'::xml
%%
SELECT '300.1.1.1'::inet
%%
SELECT '10.0.0.1/33'::inet
%%
SELECT host('nothing')
%%
SELECT 'zz'::uuid
%%
SELECT 'a'::regclass
%%
SELECT '"'::regclass
%%
SELECT ''::regclass
%%
SELECT 'a.b.c.d'::regclass
%%
SELECT 4294967295::oid, (-1)::oid
%%
SELECT 4294967296::oid
%%
SELECT 0::regclass, 0::regtype, 0::regproc
%%
SELECT 'int4'::regtype, 'integer[]'::regtype, 'numeric(5'::regtype
%%
SELECT format_type(0, 0), format_type(4294967295, -1), format_type(1700, 2147483647)
%%
SELECT format_type(23, NULL), format_type(NULL, NULL)
%%
SELECT pg_get_viewdef(0), pg_get_constraintdef(0), pg_get_indexdef(0), pg_get_functiondef(0)
%%
SELECT pg_get_expr('nothing', 0), pg_get_userbyid(0), pg_get_ruledef(0)
%%
SELECT col_description(0, 0), obj_description(0, 'nothing'), shobj_description(0, 'pg_database')
%%
SELECT pg_size_pretty(-9223372036854775808), pg_size_pretty(9223372036854775807)
%%
SELECT pg_table_is_visible(0), pg_function_is_visible(4294967295), pg_type_is_visible(NULL)
%%
SELECT has_table_privilege('nothing', 'nothing', 'nothing')
%%
SELECT has_schema_privilege('public', 'EAT')
%%
SELECT pg_relation_size('nothing'), pg_total_relation_size(0)
%%
SELECT current_setting('nothing'), current_setting('nothing', true), current_setting(NULL)
%%
SELECT set_config('nothing', 'x', false)
%%
SELECT set_config('statement_timeout', 'nothing', false)
%%
SELECT set_config(NULL, NULL, NULL)
%%
SELECT pg_cancel_backend(0), pg_cancel_backend(-1), pg_terminate_backend(2147483647)
%%
SELECT kill_session(-1), kill_session(9223372036854775807)
%%
SELECT kill_session('x')
%%
SELECT kill_session(NULL)
%%
SELECT id FROM sessions WHERE kill_session(id)
%%
SELECT rdns('not an address'), rdns(''), rdns(NULL)
%%
SELECT pg_sleep(100)
%%
SELECT pg_sleep(-1), pg_sleep('NaN')
%%
SELECT lo_import('/etc/passwd')
%%
SELECT pg_read_file('/etc/passwd')
%%
SELECT dblink('x', 'y')
%%
SELECT generate_series(1, 9223372036854775807)
%%
SELECT count(*) FROM generate_series(1, 9223372036854775807)
%%
SELECT count(*) FROM generate_series(1, 10, 0)
%%
SELECT count(*) FROM generate_series(10, 1)
%%
SELECT count(*) FROM generate_series(9223372036854775800, 9223372036854775807)
%%
SELECT count(*) FROM generate_series(-9223372036854775808, 9223372036854775807, 9223372036854775807)
%%
SELECT count(*) FROM generate_series(now(), now() + interval '1 day', interval '0')
%%
SELECT count(*) FROM generate_series(now(), 'infinity', interval '1 microsecond')
%%
SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS t(a, b)
%%
SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b
%%
SELECT max(a.value * b.value) FROM generate_series(1, 100000) a(value), generate_series(1, 100000) b(value)
%%
SELECT a.value FROM generate_series(1, 100000) a(value), generate_series(1, 100000) b(value) ORDER BY b.value DESC
%%
SELECT string_agg(a::text, ',') FROM generate_series(1, 100000000) a
%%
SELECT array_agg(a) FROM generate_series(1, 100000000) a
%%
SELECT DISTINCT a FROM generate_series(1, 1000000000) a
%%
SELECT sum(a) OVER (ORDER BY a) FROM generate_series(1, 100000000) a
%%
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r
%%
WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n FROM r) SELECT * FROM r
%%
WITH RECURSIVE r AS (SELECT 1::bigint AS n UNION ALL SELECT n * 2 FROM r) SELECT * FROM r
%%
WITH RECURSIVE r AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM r) SELECT length(s) FROM r
%%
WITH RECURSIVE r AS (SELECT n FROM r) SELECT * FROM r
%%
WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a
%%
WITH a AS (SELECT * FROM a) SELECT * FROM a
%%
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a
%%
WITH a(x, y) AS (SELECT 1) SELECT * FROM a
%%
WITH a AS (DELETE FROM sessions RETURNING *) SELECT * FROM a
%%
SELECT * FROM sessions LIMIT 9223372036854775807 OFFSET 9223372036854775807
%%
SELECT * FROM sessions LIMIT -1
%%
SELECT * FROM sessions OFFSET -1
%%
SELECT * FROM sessions LIMIT 99999999999999999999
%%
SELECT * FROM sessions LIMIT 'x'
%%
SELECT * FROM sessions LIMIT NULL OFFSET NULL
%%
SELECT * FROM sessions LIMIT 1/0
%%
SELECT * FROM sessions LIMIT id
%%
SELECT * FROM sessions LIMIT (SELECT 1)
%%
SELECT * FROM sessions FETCH FIRST 1 ROWS WITH TIES
%%
SELECT * FROM sessions FETCH FIRST 50 PERCENT ROWS ONLY
%%
SELECT * FROM sessions FOR UPDATE
%%
SELECT * FROM sessions FOR SHARE NOWAIT
%%
SELECT * FROM sessions TABLESAMPLE BERNOULLI (1000)
%%
SELECT * FROM ONLY sessions
%%
SELECT * FROM sessions AS s(a, b, c)
%%
SELECT * FROM sessions AS s(a, a, a)
%%
SELECT sessions FROM sessions
%%
SELECT sessions.* FROM sessions AS s
%%
SELECT (sessions).id FROM sessions
%%
SELECT public.sessions.id FROM sessions
%%
SELECT rollcall.public.sessions.id FROM rollcall.public.sessions
%%
SELECT * FROM other.public.sessions
%%
SELECT * FROM public.other
%%
SELECT * FROM "public.sessions"
%%
SELECT * FROM '/etc/passwd'
%%
SELECT * FROM "/etc/passwd"
%%
SELECT * FROM read_csv('/etc/passwd')
%%
SELECT * FROM 'https://localhost/x.parquet'
%%
SELECT xmin, ctid, tableoid FROM sessions
%%
SELECT user, current_user, session_user, "user" FROM sessions
%%
SELECT count(*), id FROM sessions
%%
SELECT count(DISTINCT *) FROM sessions
%%
SELECT count() FROM sessions
%%
SELECT sum(service) FROM sessions
%%
SELECT sum(count(*)) FROM sessions
%%
SELECT avg(NULL), sum(NULL), max(NULL)
%%
SELECT id FROM sessions HAVING true
%%
SELECT id FROM sessions WHERE count(*) > 1
%%
SELECT id FROM sessions WHERE row_number() OVER () = 1
%%
SELECT id FROM sessions GROUP BY 5
%%
SELECT id FROM sessions GROUP BY service
%%
SELECT id FROM sessions ORDER BY 5
%%
SELECT id FROM sessions ORDER BY -1
%%
SELECT id FROM sessions ORDER BY 'x'
%%
SELECT id FROM sessions ORDER BY nothing
%%
SELECT DISTINCT ON (service) id FROM sessions ORDER BY id
%%
SELECT DISTINCT id FROM sessions ORDER BY service
%%
SELECT percentile_cont(2) WITHIN GROUP (ORDER BY idle) FROM sessions
%%
SELECT percentile_cont(NULL) WITHIN GROUP (ORDER BY idle) FROM sessions
%%
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY service) FROM sessions
%%
SELECT count(*) FILTER (WHERE 1) FROM sessions
%%
SELECT ntile(0) OVER () FROM sessions
%%
SELECT lag(id, 9223372036854775807) OVER () FROM sessions
%%
SELECT lag(id, -9223372036854775808) OVER (ORDER BY id) FROM sessions
%%
SELECT nth_value(id, 0) OVER () FROM sessions
%%
SELECT sum(id) OVER (ROWS BETWEEN 9223372036854775807 FOLLOWING AND UNBOUNDED FOLLOWING) FROM sessions
%%
SELECT sum(id) OVER (ROWS BETWEEN -1 PRECEDING AND CURRENT ROW) FROM sessions
%%
SELECT sum(id) OVER (RANGE BETWEEN 'x' PRECEDING AND CURRENT ROW) FROM sessions
%%
SELECT sum(id) OVER w FROM sessions
%%
SELECT sum(id) OVER w FROM sessions WINDOW w AS (PARTITION BY w)
%%
SELECT * FROM sessions NATURAL JOIN connections
%%
SELECT * FROM sessions JOIN connections USING (nothing)
%%
SELECT * FROM sessions JOIN connections ON 1
%%
SELECT * FROM sessions a FULL JOIN sessions b ON a.id < b.id
%%
SELECT * FROM sessions CROSS JOIN LATERAL (SELECT sessions.id + 1) AS l
%%
SELECT * FROM sessions, LATERAL generate_series(1, sessions.id) AS g
%%
SELECT * FROM sessions s WHERE id = (SELECT max(id) FROM sessions t WHERE t.service = s.service)
%%
SELECT (SELECT s.id FROM connections LIMIT 1) FROM sessions s
%%
SELECT (SELECT count(*) FROM sessions t WHERE t.id < s.id) FROM sessions s
%%
SELECT EXISTS (SELECT nothing FROM sessions)
%%
SELECT CASE WHEN 1 THEN 2 END
%%
SELECT CASE 1 WHEN 'x' THEN 2 END
%%
SELECT CASE WHEN true THEN 1 ELSE 'x' END
%%
SELECT CASE WHEN false THEN 1/0 ELSE 2 END
%%
SELECT coalesce()
%%
SELECT coalesce(1, 1/0)
%%
SELECT coalesce('x', 1)
%%
SELECT nullif(1, 'x'), greatest(NULL, 1), least()
%%
SELECT CAST(1 AS)
%%
SELECT CAST(AS int)
%%
SELECT 1 UNION SELECT 'x'
%%
SELECT 1 UNION SELECT 1, 2
%%
SELECT 1 INTERSECT ALL SELECT 1 EXCEPT SELECT 2 ORDER BY 1
%%
SELECT 1 INTO t
%%
CREATE TABLE t (a int)
%%
CREATE TABLE t AS SELECT 1
%%
CREATE TEMP TABLE t (a int)
%%
CREATE VIEW v AS SELECT 1
%%
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
%%
CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'
%%
CREATE DATABASE d
%%
CREATE ROLE r
%%
CREATE INDEX ON sessions (id)
%%
DROP TABLE sessions
%%
DROP VIEW pg_catalog.pg_stat_activity
%%
DROP DATABASE rollcall
%%
ALTER TABLE sessions ADD COLUMN a int
%%
ALTER SYSTEM SET work_mem = '1GB'
%%
TRUNCATE sessions
%%
INSERT INTO sessions (id) VALUES (1)
%%
INSERT INTO sessions SELECT * FROM sessions
%%
UPDATE sessions SET id = 1
%%
DELETE FROM sessions
%%
MERGE INTO sessions USING connections ON true WHEN MATCHED THEN DELETE
%%
GRANT ALL ON sessions TO PUBLIC
%%
REVOKE ALL ON sessions FROM PUBLIC
%%
COMMENT ON TABLE sessions IS 'x'
%%
COPY sessions FROM STDIN
%%
COPY sessions FROM '/etc/passwd'
%%
COPY sessions TO '/tmp/x'
%%
COPY sessions TO PROGRAM 'cat'
%%
COPY (SELECT 1) TO STDOUT (FORMAT nothing)
%%
COPY (SELECT 1) TO STDOUT (DELIMITER 'ab')
%%
COPY (SELECT 1/0) TO STDOUT
%%
COPY (DELETE FROM sessions) TO STDOUT
%%
COPY nothing TO STDOUT
%%
COPY sessions (nothing) TO STDOUT
%%
COPY sessions (id, id) TO STDOUT
%%
COPY (SELECT generate_series(1, 10)) TO STDOUT BINARY
%%
CALL p()
%%
DO $$ BEGIN END $$
%%
DO $$ BEGIN LOOP END LOOP; END $$
%%
LOAD 'x'
%%
REFRESH MATERIALIZED VIEW m
%%
REINDEX TABLE sessions
%%
CLUSTER
%%
ANALYZE sessions
%%
VACUUM FULL sessions
%%
LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE
%%
PREPARE TRANSACTION 'x'
%%
COMMIT PREPARED 'x'
%%
SECURITY LABEL ON TABLE sessions IS 'x'
%%
NOTIFY a, 'b'
%%
LISTEN ""
%%
UNLISTEN nothing
%%
SHOW
%%
SHOW ALL
%%
SHOW nothing
%%
SHOW TABLES
%%
SHOW datafusion.execution.batch_size
%%
SET
%%
SET nothing = 1
%%
SET nothing.nothing = 1
%%
SET a.b TO 'x', 'y'
%%
SET datafusion.execution.batch_size = 0
%%
SET statement_timeout = -1
%%
SET statement_timeout = 'nothing'
%%
SET statement_timeout = 99999999999999
%%
SET TimeZone = 'Nowhere'
%%
SET TimeZone = ''
%%
SET TimeZone TO 1e300
%%
SET client_encoding = 'EBCDIC'
%%
SET DateStyle = 'nothing'
%%
SET extra_float_digits = 100
%%
SET search_path = ''
%%
SET search_path = nothing, "with "" quote"
%%
SET LOCAL TimeZone = 'UTC'
%%
SET SESSION AUTHORIZATION nobody
%%
SET ROLE nobody
%%
SET TRANSACTION ISOLATION LEVEL NOTHING
%%
SET CONSTRAINTS ALL DEFERRED
%%
SET NAMES 'latin1'
%%
RESET nothing
%%
RESET ALL
%%
DISCARD nothing
%%
BEGIN ISOLATION LEVEL NOTHING
%%
BEGIN; BEGIN; COMMIT; COMMIT
%%
BEGIN; SELECT 1/0; SELECT 1; COMMIT
%%
COMMIT
%%
ROLLBACK TO nothing
%%
RELEASE nothing
%%
SAVEPOINT a
%%
BEGIN; SAVEPOINT a; SAVEPOINT a; RELEASE a; RELEASE a; RELEASE a
%%
DECLARE c CURSOR FOR SELECT 1
%%
BEGIN; DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 1
%%
BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH 9223372036854775807 FROM c; FETCH -9223372036854775808 FROM c
%%
BEGIN; DECLARE c SCROLL CURSOR FOR SELECT a FROM generate_series(1, 100000000) a; FETCH LAST FROM c
%%
BEGIN; DECLARE c CURSOR FOR DELETE FROM sessions
%%
FETCH nothing
%%
MOVE 5 IN nothing
%%
CLOSE nothing
%%
CLOSE ALL
%%
PREPARE p AS PREPARE q AS SELECT 1
%%
PREPARE p AS SELECT $1; EXECUTE p
%%
PREPARE p AS SELECT $1; EXECUTE p(1, 2)
%%
PREPARE p (nothing) AS SELECT $1
%%
PREPARE p AS SELECT 1; PREPARE p AS SELECT 1
%%
PREPARE p AS EXECUTE p
%%
EXECUTE nothing
%%
EXECUTE nothing(1/0)
%%
DEALLOCATE nothing
%%
EXPLAIN
%%
EXPLAIN SELECT 1/0
%%
EXPLAIN ANALYZE SELECT count(*) FROM generate_series(1, 10000000000)
%%
EXPLAIN (FORMAT NOTHING) SELECT 1
%%
EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT JSON) SELECT 1
%%
EXPLAIN (NOTHING) SELECT 1
%%
EXPLAIN EXPLAIN SELECT 1
%%
EXPLAIN SET TimeZone = 'UTC'
%%
EXPLAIN SELECT kill_session(1)
%%
DESCRIBE sessions
%%
USE rollcall
%%
PRAGMA table_info(sessions)
%%
SHOW PROCESSLIST
%%
KILL 1
%%
SELECT 1; SELECT 1/0; SELECT 2
%%
SELECT 1; nonsense; SELECT 2
%%
SELECT 1;;; SELECT 2;
%%
SELECT 1 SELECT 2
%%
SELECT FROM
%%
SELECT 1 FROM
%%
SELECT FROM WHERE
%%
FROM sessions
%%
FROM sessions SELECT id
%%
SELECT * EXCEPT (id) FROM sessions
%%
SELECT * EXCLUDE (id) FROM sessions
%%
SELECT * REPLACE (1 AS id) FROM sessions
%%
SELECT id FROM sessions QUALIFY row_number() OVER () = 1
%%
SELECT TOP 5 * FROM sessions
%%
SELECT * FROM sessions PIVOT (count(id) FOR service IN ('a'))
%%
SELECT a -> a + 1
%%
SELECT array_transform(ARRAY[1], x -> x + 1)
%%
SELECT struct(1, 2), named_struct('a', 1), map('a', 1), make_array(1)
%%
SELECT arrow_cast(1, 'nothing'), arrow_typeof(1)
%%
SELECT arrow_cast('x', 'FixedSizeBinary(2147483647)')
%%
SELECT arrow_cast(1, 'Timestamp(Nanosecond, Some("Nowhere"))')
%%
SELECT interval '1 day' = '24:00:00'
%%
SELECT DATE '2024-01-01' + 2147483647
%%
SELECT DATE '2024-01-01' - DATE '0001-01-01'
%%
SELECT TIME '10:00' + TIME '10:00'
%%
SELECT OVERLAPS
%%
SELECT (now(), now()) OVERLAPS (now(), interval '1 day')
%%
SELECT 'a' COLLATE nothing
%%
SELECT 1 OPERATOR(pg_catalog.+) 2
%%
SELECT 1 OPERATOR(nothing.+) 2
%%
SELECT 1 OPERATOR(pg_catalog.nothing) 2
%%
SELECT 1 <> ANY (SELECT 1), 1 >= ALL (SELECT 2)
%%
SELECT pg_catalog.count(*) FROM sessions
%%
SELECT nothing.count(*) FROM sessions
%%
SELECT count(*) AS "count", count(*) AS "count" FROM sessions
%%
SELECT * FROM (SELECT 1 AS a, 2 AS a) AS s
%%
SELECT a FROM (SELECT 1 AS a, 2 AS a) AS s
%%
SELECT * FROM (VALUES (1), (2, 3)) AS v
%%
SELECT * FROM (VALUES ()) AS v
%%
VALUES
%%
VALUES (DEFAULT)
%%
TABLE nothing
%%
TABLE sessions, connections
%%
SELECT "id" "a" "b" FROM sessions
%%
SELECT id AS select FROM sessions
%%
SELECT 1 AS from
%%
SELECT 1 a.b
%%
SELECT 0x1F, 0b11, 0o17, 1_000
%%
SELECT 0xZZ
%%
SELECT 1.e5, .5e-3, 5., 1.2.3
%%
SELECT 1a
%%
SELECT 'a'::text::int::bool::text
%%
SELECT (((SELECT 1)))
%%
SELECT ((1, 2), 3)
%%
SELECT * FROM pg_catalog.pg_class c, pg_catalog.pg_class d, pg_catalog.pg_attribute a, pg_catalog.pg_attribute b
%%
SELECT count(*) FROM pg_catalog.pg_proc a, pg_catalog.pg_proc b, pg_catalog.pg_proc c
%%
SELECT * FROM pg_stat_activity WHERE pid = 'x'
%%
SELECT * FROM pg_stat_activity WHERE pid = -1 OR pid = 9223372036854775807
%%
SELECT * FROM information_schema."PROCESSLIST"
%%
SELECT * FROM pg_catalog.nothing
%%
DELETE FROM pg_catalog.pg_class
%%
SELECT * FROM pg_shadow, pg_authid, pg_user_mapping
%%
SELECT relname FROM pg_class WHERE oid = 'sessions'::regclass AND relname ~ '^(sessions)$' COLLATE pg_catalog.default
%%
