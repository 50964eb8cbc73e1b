# Numbers
SELECT 1
SELECT 1 AS one, 2 two
SELECT 1 + 1
SELECT 1 / 2
SELECT 7 % 3, -7 % 3, -7 / 2
SELECT 2147483647
SELECT 2147483648
SELECT -2147483648
SELECT -2147483649
SELECT 9223372036854775807
SELECT 1::bigint + 1
SELECT 1::smallint + 1::smallint
SELECT 2147483647::bigint + 1
SELECT pg_typeof(1)::text, pg_typeof(3000000000)::text, pg_typeof(true)::text
SELECT pg_typeof(1 + 1)::text, pg_typeof(1::bigint + 1)::text
SELECT abs(-3), sign(-2)
SELECT greatest(1, 2, 3), least(3, 1, 2)
SELECT coalesce(NULL, 1), nullif(1, 1), nullif(1, 2)
SELECT CASE WHEN 1 > 2 THEN 1 ELSE 2 END
SELECT CASE 1 WHEN 1 THEN 'one' ELSE 'other' END
SELECT sum(n), count(n), min(n), max(n) FROM (VALUES (1), (2), (3)) v(n)
SELECT n FROM (VALUES (1), (2), (3)) v(n) WHERE n BETWEEN 2 AND 3
SELECT n FROM (VALUES (1), (2), (3)) v(n) WHERE n IN (1, 3) ORDER BY 1 DESC
SELECT n FROM (VALUES (1), (2), (3)) v(n) ORDER BY n LIMIT 2 OFFSET 1
SELECT n % 2, count(*) FROM (VALUES (1), (2), (3)) v(n) GROUP BY 1 ORDER BY 1
SELECT * FROM generate_series(1, 3)
SELECT g FROM generate_series(1, 10, 4) g
SELECT g FROM generate_series(3, 1, -1) AS g
SELECT generate_series(1, 3) AS n
SELECT g::text FROM generate_series(9223372036854775806, 9223372036854775807) g
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 16 >> 2
SELECT '5'::int + 1, 5 + '1'
SELECT 1 = '1', '2' > 1, 3 IN ('1', '3')
SELECT 10 BETWEEN '5' AND '15'
SELECT array_agg(n ORDER BY n DESC) FROM (VALUES (1), (2)) v(n)
SELECT ARRAY[1, 2, 3], (ARRAY[1, 2, 3])[2], array_length(ARRAY[1, 2], 1)
SELECT 2 = ANY(ARRAY[1, 2]), 5 = ALL(ARRAY[5, 5])
SELECT unnest(ARRAY[1, 2])
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t
WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 50) SELECT a FROM f
SELECT row_number() OVER (ORDER BY n), n FROM (VALUES (3), (1)) v(n) ORDER BY n
SELECT n, sum(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES (1), (2), (3)) v(n)
SELECT n, lag(n) OVER (ORDER BY n), lead(n, 1, 0) OVER (ORDER BY n) FROM (VALUES (1), (2), (3)) v(n)
SELECT n, nth_value(n, 2) OVER (ORDER BY n) FROM (VALUES (1), (2), (3)) v(n)
SELECT n, rank() OVER w, dense_rank() OVER w FROM (VALUES (1), (1), (3)) v(n) WINDOW w AS (ORDER BY n)
SELECT count(*) FILTER (WHERE n > 1) FROM (VALUES (1), (2), (3)) v(n)
SELECT (SELECT 1), (SELECT 2)
SELECT (SELECT max(n) FROM (VALUES (1), (2)) v(n)) AS m
SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT 1 WHERE false)
SELECT n FROM (VALUES (1), (2)) v(n) WHERE EXISTS (SELECT 1 FROM (VALUES (2)) w(m) WHERE m = n)
SELECT n, (SELECT count(*) FROM (VALUES (1), (2), (3)) w(m) WHERE m <= n) FROM (VALUES (1), (3)) v(n)
SELECT 1 WHERE 1 IN (SELECT n FROM (VALUES (1), (2)) v(n))
SELECT DISTINCT n % 2 AS odd FROM (VALUES (1), (2), (3)) v(n) ORDER BY odd
SELECT DISTINCT ON (a) a, b FROM (VALUES (1, 2), (1, 3), (2, 1)) v(a, b) ORDER BY a, b DESC
SELECT a, sum(b) FROM (VALUES (1, 2), (1, 3), (2, 1)) v(a, b) GROUP BY a HAVING sum(b) > 1 ORDER BY a
SELECT a, b, count(*) FROM (VALUES (1, 2), (1, 3)) v(a, b) GROUP BY ROLLUP (a, b) ORDER BY a, b
SELECT a, grouping(a) FROM (VALUES (1), (2)) v(a) GROUP BY GROUPING SETS ((a), ()) ORDER BY a
VALUES (1, 'a'), (2, 'b')
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(id, name)
SELECT 1 UNION ALL SELECT 2
SELECT 1 UNION SELECT 1
SELECT 1 INTERSECT SELECT 1
SELECT n FROM (VALUES (1), (2)) v(n) EXCEPT SELECT 1
SELECT 1 UNION ALL SELECT 3000000000
SELECT NULL UNION ALL SELECT 1
SELECT 1 AS a UNION ALL SELECT 2 ORDER BY a DESC
SELECT 1::text || 2::text, 'a' || 1, 1 || 'b'
SELECT 1 IS NULL, NULL IS NULL, 1 IS NOT NULL
SELECT 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL
SELECT true AND false, true OR NULL, NOT true
SELECT 'yes'::boolean, 'off'::bool, true = 'on'
SELECT -5, - 5, +5, -(-5)
SELECT 1 AS "Quoted", 2 AS UnQuoted
SELECT id FROM sessions WHERE id = 1 AND id = 2
SELECT count(*) FROM sessions WHERE id < 0
SELECT max(idle) FROM sessions WHERE id < 0
SELECT bit_length('abc'), octet_length('abc'), char_length('abc')
SELECT round(2.5::numeric)
SELECT power(2::float8, 3), sqrt(16::float8)
SELECT 1::numeric / 3::numeric > 0
SELECT random() < 1
# Joins by name
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) l(k, x) FULL JOIN (VALUES (2, 'c'), (3, 'd')) r(k, y) USING (k) ORDER BY k
SELECT k FROM (VALUES (1, 'a'), (2, 'b')) l(k, x) FULL JOIN (VALUES (2, 'c'), (3, 'd')) r(k, y) USING (k) ORDER BY 1
SELECT k, count(*) FROM (VALUES (1, 'a'), (2, 'b')) l(k, x) FULL JOIN (VALUES (2, 'c'), (3, 'd')) r(k, y) USING (k) WHERE k > 0 GROUP BY k HAVING k < 10 ORDER BY k DESC
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) l(k, x) RIGHT JOIN (VALUES (2, 'c'), (3, 'd')) r(k, y) USING (k) ORDER BY k
SELECT k, x FROM (VALUES (1, 'a'), (2, 'b')) l(k, x) RIGHT JOIN (VALUES (2, 'c'), (3, 'd')) r(k, y) USING (k) ORDER BY k
SELECT * FROM (VALUES ('a', 1), ('b', 2)) l(x, k) LEFT JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) USING (k) ORDER BY k
SELECT * FROM (VALUES ('a', 1), ('b', 2)) l(x, k) JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) USING (k) ORDER BY k
SELECT * FROM (VALUES ('a', 1), ('b', 2)) l(x, k) NATURAL JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) ORDER BY k
SELECT * FROM (VALUES ('a', 1), ('b', 2)) l(x, k) NATURAL FULL JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) ORDER BY k
SELECT * FROM (VALUES ('a', 1), ('b', 2)) l(x, k) NATURAL RIGHT JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) ORDER BY k
SELECT * FROM (VALUES ('a', 1), ('b', 2)) l(x, k) NATURAL LEFT JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) ORDER BY k
SELECT * FROM (VALUES (1, 2)) a(k, x) FULL JOIN (VALUES (2, 3)) b(k, y) USING (k) FULL JOIN (VALUES (3, 4)) c(k, z) USING (k) ORDER BY k
SELECT j.k, j.x FROM ((VALUES ('a', 1), ('b', 2)) l(x, k) FULL JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) USING (k)) j ORDER BY 1
SELECT * FROM (SELECT * FROM (VALUES ('a', 1), ('b', 2)) l(x, k) FULL JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) USING (k)) s ORDER BY k
SELECT k + 1 AS z, upper(x) FROM (VALUES ('a', 1), ('b', 2)) l(x, k) FULL JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) USING (k) WHERE k IN (1, 3) ORDER BY z
SELECT * FROM (VALUES (1, 2, 3)) l(a, b, c) FULL JOIN (VALUES (2, 1, 4)) r(b, a, d) USING (b, a) ORDER BY 1
WITH l AS (SELECT 1 AS k, 'a' AS x), r AS (SELECT 2 AS k, 'b' AS y) SELECT * FROM l NATURAL FULL JOIN r ORDER BY k
WITH l AS (SELECT 1 AS k, 'a' AS x), r AS (SELECT 2 AS k, 'b' AS y) SELECT count(k), max(k), array_agg(k ORDER BY k) FROM l FULL JOIN r USING (k)
SELECT DISTINCT ON (k) k, x FROM (VALUES ('a', 1), ('b', 2)) l(x, k) FULL JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) USING (k) ORDER BY k, x
SELECT row_number() OVER (ORDER BY k), k FROM (VALUES ('a', 1), ('b', 2)) l(x, k) FULL JOIN (VALUES ('c', 2), ('d', 3)) r(y, k) USING (k)
SELECT * FROM (VALUES (1, 'a')) l(k, x) NATURAL JOIN (VALUES (2, 'b')) r(m, y)
SELECT * FROM connections FULL JOIN session_filters USING (session_id) WHERE session_id < 0
SELECT * FROM session_filters NATURAL FULL JOIN connections WHERE session_id < 0
SELECT s.id, c.server FROM sessions s LEFT JOIN connections c ON c.session_id = s.id WHERE s.id < 0
# Functions in FROM
SELECT * FROM abs(-3)
SELECT * FROM abs(-3) AS x
SELECT x.* FROM abs(-3) AS x(y)
SELECT y FROM abs(-3) AS x(y)
SELECT current_database::text FROM current_database()
SELECT x::text FROM current_database() AS x
SELECT count(*) FROM now()
SELECT * FROM upper('a') u, lower('B') l
SELECT * FROM (VALUES ('a'), ('b')) v(x), LATERAL upper(x) AS u
SELECT * FROM (VALUES ('a'), ('b')) v(x), upper(x)
SELECT * FROM (VALUES ('a'), ('b')) v(x) LEFT JOIN LATERAL upper(v.x) AS u(y) ON true
SELECT * FROM abs(-3) WITH ORDINALITY
SELECT * FROM abs(-3) WITH ORDINALITY AS t(a, b)
SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY
SELECT * FROM generate_series(5, 7) WITH ORDINALITY AS g(v, n)
SELECT * FROM string_to_table('a,b', ',') WITH ORDINALITY
SELECT * FROM pg_catalog.lower('A')
SELECT * FROM pg_options_to_table(ARRAY['a=b', 'c=d']) WITH ORDINALITY
# Branches in their order
SELECT 'x' AS a UNION ALL SELECT 'y' UNION ALL SELECT 'z'
SELECT * FROM (SELECT 'x' AS a UNION ALL SELECT 'y' UNION ALL SELECT 'z') u WHERE a <> 'y'
SELECT n FROM generate_series(1, 3) n UNION ALL SELECT n FROM generate_series(11, 13) n
SELECT n FROM generate_series(1, 3) n UNION ALL SELECT n FROM generate_series(11, 13) n LIMIT 4
(SELECT n FROM generate_series(3, 1, -1) n) UNION ALL (SELECT n FROM generate_series(13, 11, -1) n) OFFSET 2
SELECT 'a' UNION ALL (SELECT 'b' UNION ALL SELECT 'c') UNION ALL SELECT 'd'
WITH a AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT n FROM a UNION ALL SELECT n + 10 FROM a
# Moments
SELECT date '2026-11-26', time '10:00', timestamp '2026-11-26 10:00', timestamptz '2026-11-26 10:00+02'
SELECT date '2026-11-26' + 1, date '2026-11-26' - date '2026-11-01', date '2026-11-26' - '2026-11-01'
SELECT timestamptz '2026-11-26 10:00+00' - timestamptz '2026-11-25 09:00+00'
SELECT timestamp '2026-11-26 10:00' + interval '1 month 2 days 03:04:05'
SELECT interval '1 day' = interval '24 hours', interval '25 hours' > interval '1 day'
SELECT interval '1 year 2 mons', interval '36 hours', interval '1' day, interval '-1 day'
SELECT extract(year FROM date '2026-11-26'), date_part('hour', timestamp '2026-11-26 10:00')
SELECT date_trunc('month', timestamp '2026-11-26 10:00')
SELECT to_char(timestamp '2026-11-26 10:00', 'YYYY/MM/DD HH24:MI')
SELECT age(timestamp '2026-11-26', timestamp '2025-10-25')
SELECT justify_interval(interval '40 days 30 hours')
SELECT 'now'::timestamptz = now(), 'today'::date = current_date, 'epoch'::timestamptz
SELECT 'infinity'::timestamp, '-infinity'::date, 'infinity'::timestamptz::date
SELECT date '2026-11-26' BETWEEN '2026-11-25' AND '2026-11-27', date '2026-11-26' IN ('2026-11-26')
SELECT timestamptz '2026-11-26 02:00+00' BETWEEN '2026-11-26' AND '2026-11-27'
SELECT make_date(2026, 11, 26), make_time(10, 11, 12), make_interval(days => 3)
SELECT g FROM generate_series(timestamp '2026-11-26', '2026-11-27', '12 hours') g
SELECT '2026-11-26 10:00:00.5678'::timestamp(0)
# Texts
SELECT 'a' || 'b', upper('a'), length('abc'), substring('abcdef' FROM 2 FOR 3)
SELECT position('b' IN 'abc'), trim(both 'x' FROM 'xax'), overlay('abcdef' PLACING 'x' FROM 2 FOR 3)
SELECT 'abc' LIKE 'a%', 'abc' ILIKE 'A_C', 'abc' ~ '^a', 'abc' !~* 'B', 'abc' SIMILAR TO 'a%'
SELECT E'a\tb', E'\x41', U&'\0041', $$it's$$, $t$a$t$
SELECT 'a'::text = 'a', 'a' < 'b'
SELECT left('abc', 2), right('abc', 2), repeat('ab', 2), reverse('abc'), lpad('a', 3, 'x')
SELECT split_part('a,b,c', ',', 2), string_to_array('a,b', ','), array_to_string(ARRAY['a', 'b'], '-')
SELECT string_agg(x, ',' ORDER BY x) FROM (VALUES ('b'), ('a')) v(x)
SELECT format('%s is %L', 'a', 'b'), quote_ident('a b'), quote_literal('a''b')
SELECT concat('a', NULL, 1), concat_ws('-', 'a', NULL, 'b')
SELECT md5('a'), ascii('A'), chr(65)
SELECT regexp_replace('foobar', 'o+', 'x'), regexp_match('foobar', 'o(.)')
SELECT starts_with('abc', 'ab'), strpos('abc', 'c'), translate('abc', 'ab', 'xy')
SELECT 'abc'::varchar(2)::text, 'abc'::name::text
SELECT 'x' IN ('x', 'y'), 'x' NOT IN ('y')
# What else may be asked
SELECT 5 BETWEEN SYMMETRIC 10 AND 1, 5 NOT BETWEEN SYMMETRIC 10 AND 6
SELECT n FROM (VALUES (1), (2), (2), (3)) v(n) ORDER BY n FETCH FIRST 2 ROWS WITH TIES
SELECT n FROM (VALUES (1), (2), (3)) v(n) ORDER BY n FETCH FIRST ROW ONLY
SELECT n FROM (VALUES (1), (2), (3)) v(n) ORDER BY n LIMIT (SELECT 2)
SELECT n FROM (VALUES (1), (2), (3)) v(n) ORDER BY n LIMIT 1 + 1 OFFSET 1
SELECT n FROM (VALUES (1), (2), (3)) v(n) ORDER BY n LIMIT NULL
SELECT n FROM (VALUES (1), (2), (3)) v(n) ORDER BY n LIMIT ALL
SELECT ROW(1, 2) = ROW(1, 2), (1, 2) < (1, 3), (1, 2) IN ((1, 2), (3, 4))
SELECT ARRAY[1] IS DISTINCT FROM ARRAY[2], 'a' IS DISTINCT FROM 'b', interval '1 day' IS DISTINCT FROM interval '24:00'
SELECT current_schema()::text, current_database()::text
SELECT x.a FROM (SELECT 1 AS a) x
SELECT a.n, b.n FROM (VALUES (1)) a(n) CROSS JOIN (VALUES (2)) b(n)
SELECT * FROM (VALUES (1)) a(n) JOIN (VALUES (1)) b(n) ON a.n = b.n
TABLE session_filters
SELECT 'pg_class'::regclass::text UNION ALL SELECT 'pg_type'::regclass::text
SELECT '{1,2}'::int[], '{a,"b c"}'::text[]
SELECT json_build_object('a', 1), '{"a": 1}'::json ->> 'a'
SELECT bool_and(b), bool_or(b), every(b) FROM (VALUES (true), (false)) v(b)
SELECT NULL, NULL::int
SELECT
SELECT WHERE true
SELECT x FROM (VALUES ('127.0.0.1')) v(x) ORDER BY pg_sleep(0)::text, x
# Numerics
SELECT 1.5, 1.50, .5, 5., 1e3, 1.5e-3, -1.5, +1.5, - 1.5, 12345678901234567890, -9223372036854775808
SELECT pg_typeof(1.5)::text, pg_typeof(12345678901234567890)::text, pg_typeof(1.5 * 2)::text, pg_typeof(1.5::float8 * 2.5)::text
SELECT 1.5 + 2.25, 1.50 - 1.5, 1.5 * 2.25, 1.5 + 1, 2 * 1.50, 10.5 % 3, -10.5 % 3
SELECT 1 / 3.0, 2 / 1.0, 1 / 1.0, 10000 / 3.0, 1 / 30000.0, -7 / 2.0, 0 / 5.0, 123456789012 / 7.0
SELECT 1.5 = 1.50, 1.5 < 2, 1.5 IN (1, 1.50), 1 IN (1.0), 5 BETWEEN 4.5 AND 5.5, 1.5 <> 1.50, 1.5 IS DISTINCT FROM 1.50
SELECT 1.5::float8 = 1.5, 1.5::float8 + 2.25, 1.5::real, 2 > 1.5::float8
SELECT 1.5::int, 2.5::int, -2.5::int, 1.5::bigint, 1.5::smallint, 0.1::float8::numeric, 1e20::float8::numeric, 1.1::real::numeric
SELECT 1::numeric(5,2), 1.005::numeric(5,2), 12345.678::numeric(8,1), '1.5'::numeric(4,2), 1.5::numeric(10)
SELECT 1.5::text, 1.50::varchar::text, 1.5 || 'x', 'a' || 1.50
SELECT 'NaN'::numeric, 'Infinity'::numeric, '-inf'::numeric, 'NaN'::numeric = 'NaN'::numeric, 'Infinity'::numeric > 5
SELECT round(2.5), round(-2.5), round(1234.567, 1), round(1234.567, -2), trunc(1.999, 2), trunc(-1.9), ceil(-1.5), ceiling(1.2), floor(-1.5), abs(-1.50), sign(-1.5)
SELECT round(1.5::float8), round(5), ceil(5), sign(-2), sqrt(16), power(2, 3), ln(1), exp(0)
SELECT sqrt(2.0), sqrt(10000.25), sqrt(0.0001), sqrt(123456789.0), exp(1.0), exp(-1.5), exp(10.5)
SELECT ln(1.0001), ln(2.0), ln(10.0), ln(0.00012), log(100.0), log(2.0, 8.0), log(2.0, 0.001)
SELECT 2.0 ^ 3, 2.0 ^ 0.5, 1.5 ^ 10.5, 1.0001 ^ 1000, power(10.0, -0.3), power(2.0, -2)
SELECT scale(1.50), min_scale(1.500), trim_scale(1.500), div(7.5, 2), mod(-7.5, 2), gcd(12.0, 18), lcm(4.0, 6.0)
SELECT width_bucket(5.35, 0.024, 10.06, 5), degrees(1.5), sin(1.5), cos(0.5)
SELECT greatest(1, 2.5), least(1, 2.5), coalesce(NULL, 1, 2.5), nullif(1.5, 1.50), nullif(1.5, 2)
SELECT CASE WHEN true THEN 1 ELSE 2.5 END, CASE WHEN false THEN 1 ELSE 2.5 END, (CASE WHEN true THEN 1 ELSE 2.5 END) / 2
SELECT ARRAY[1, 2.5], 2.50 = ANY(ARRAY[1, 2.5]), '{1.50,2}'::numeric[], (ARRAY[1.5, 2])[1]
SELECT array_agg(x), sum(x), avg(x), min(x), max(x), count(x) FROM (VALUES (1.5), (2.25), (3)) v(x)
SELECT stddev(x), variance(x), var_pop(x), stddev_pop(x), var_samp(x), stddev_samp(x) FROM (VALUES (1.5), (2.25), (3)) v(x)
SELECT sum(x), avg(x), stddev(x), variance(x), var_pop(x), stddev_pop(x) FROM generate_series(1, 10) x
SELECT sum(x), avg(x), stddev(x), variance(x) FROM generate_series(1::bigint, 10) x
SELECT stddev(x), var_samp(x), var_pop(x), avg(x) FROM (VALUES (5)) v(x)
SELECT sum(x), avg(x), stddev(x) FROM generate_series(1::bigint, 10) x WHERE x > 10
SELECT round(sum(x) / count(*), 2), sum(x) / count(*), 100.0 * count(*) / sum(x) FROM generate_series(1::bigint, 10) x
SELECT sum(DISTINCT x), avg(DISTINCT x), count(DISTINCT x) FROM (VALUES (1.5), (1.50), (2)) v(x)
SELECT sum(DISTINCT x), avg(DISTINCT x), sum(x) FROM (VALUES (1), (1), (2)) v(x)
SELECT sum(x) FILTER (WHERE x > 1), avg(x) FILTER (WHERE x > 5) FROM (VALUES (1), (2), (3)) v(x)
SELECT DISTINCT x FROM (VALUES (1.5), (1.50), (2)) v(x) ORDER BY 1
SELECT x, count(*) FROM (VALUES (1.50), (1.50), (2)) v(x) GROUP BY x ORDER BY x
SELECT x, count(*) FROM (VALUES (1.5), (2)) v(x) GROUP BY ROLLUP (x) ORDER BY x
SELECT x, rank() OVER (ORDER BY x), count(*) OVER (PARTITION BY x) FROM (VALUES (1.5), (1.50), (2)) v(x) ORDER BY 2, 1
SELECT sum(x) OVER (ORDER BY x) FROM generate_series(1::bigint, 3) x
SELECT avg(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM generate_series(1, 3) x
SELECT x, lag(x, 1, 0) OVER (ORDER BY x), lead(x, 1, 0.5) OVER (ORDER BY x) FROM (VALUES (1.5), (2)) v(x)
SELECT a.x, b.y FROM (VALUES (1.5), (2)) a(x) JOIN (VALUES (1.50), (3)) b(y) ON a.x = b.y
SELECT a.x, b.y FROM (VALUES (1), (2)) a(x) JOIN (VALUES (1.0), (3)) b(y) ON a.x = b.y
SELECT x FROM (VALUES (1.5), (2)) a(x) WHERE x IN (SELECT y FROM (VALUES (1.50), (3)) b(y))
SELECT x FROM (VALUES (1), (2)) a(x) WHERE x NOT IN (SELECT y FROM (VALUES (1.0), (3)) b(y))
SELECT 1 UNION SELECT 1.0 UNION SELECT 2.5 ORDER BY 1
SELECT 1 UNION ALL SELECT 2.5
SELECT 1.5 UNION ALL SELECT 2.5::float8
SELECT 1.5 INTERSECT SELECT 1.50
SELECT 1.5 UNION ALL SELECT '2'
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x), percentile_disc(0.5) WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY x) FROM (VALUES (1.5), (2.5), (2.5)) v(x)
SELECT to_json(1.50), json_build_object('a', 1.50, 'b', 'NaN'::numeric), json_agg(x) FROM (VALUES (1.5), (2)) v(x)
SELECT to_char(1234.5, '9,999.99'), to_char(-0.5, 'FM990.00'), to_number('1,234.50', '9,999.99')
SELECT extract(epoch FROM interval '1.5 sec'), extract(milliseconds FROM interval '1.5 sec'), extract(julian FROM timestamp '2026-11-26 10:00')
SELECT interval '1 day' * 1.5, interval '1 day' / 2.5, 1.5 * interval '1 hour', make_interval(secs => 1.5), to_timestamp(1.5)
SELECT generate_series(1, 2, 0.5)
SELECT * FROM generate_series(1.0, 2, 0.5)
SELECT x::text FROM unnest(ARRAY[1.5, 2]) x
SELECT n FROM (VALUES (1.5), ('2.50'), (NULL)) v(n) ORDER BY n
SELECT max(x), min(x) FROM (VALUES (1.5), (2.00), (NULL)) v(x)
SELECT -x, +x, abs(-x) FROM (VALUES (1.5)) v(x)
SELECT sum(-x), -sum(x), sum(x) * 1.5, sum(x) > 2 FROM (VALUES (1.5), (2)) v(x)
SELECT x FROM (VALUES (1.5), (10), (9.25)) v(x) ORDER BY x DESC
SELECT x * 2 FROM (VALUES (1.5)) v(x) GROUP BY x * 2 HAVING sum(x) > 1
SELECT avg(n)::numeric(10,2), round(avg(n), 1), avg(n) > 1, avg(n)::float8 FROM (VALUES (1), (2)) v(n)
SELECT (SELECT avg(n) FROM (VALUES (1), (2)) v(n)) * 2
SELECT pg_size_pretty(1.5), pg_size_pretty(123456789.0)
SELECT random() * 1.5 >= 0, pg_sleep(0.0)::text
SELECT count(*) FROM sessions WHERE idle > 1000000.5 AND seconds_alive BETWEEN 1e9 AND 1e10
SELECT sum(bytes_in) / 3, avg(idle), sum(idle), sum(bytes_in) FROM sessions WHERE id < 0
WITH RECURSIVE t(n) AS (VALUES (1.5) UNION ALL SELECT n * 1.5 FROM t WHERE n < 5) SELECT n FROM t
SELECT avg(n), avg(n::bigint), avg(n::smallint), avg(n::float8), avg(n::numeric) FROM generate_series(1, 4) n
SELECT sum(n::smallint), sum(n::float8), sum(n::numeric) FROM generate_series(1, 4) n
SELECT sum(CASE WHEN n > 1 THEN 1.5 ELSE 0 END) / 2, sum(CASE WHEN n > 1 THEN 1 ELSE 0.5 END) / 2 FROM generate_series(1, 3) n
SELECT DISTINCT ON (x) x, y FROM (VALUES (1.5, 1), (1.50, 2), (2, 3)) v(x, y) ORDER BY x, y
SELECT greatest(1.5, 2::float8), coalesce(NULL::float8, 1.5), least(1, 2.5, 3)
SELECT -(-1.5), -(1.5 + 1), - -1.5, +(-1.5), -n, -n::bigint, -(n * 2), -(interval '1 day') FROM generate_series(1, 1) n
SELECT '3.7'::float8::int, 2.5::float8::int, 3.5::float8::bigint, -2.5::real::smallint, 3.0::int / 2, |/ 16.0
SELECT lag(1.5) OVER (), lead(n::float8, 1, 0.5) OVER (ORDER BY n) FROM generate_series(1, 2) n
SELECT power(2, 0.5), power(2.0, 3), power(2, 3.0), exp(1), exp(1.0), ln(2), log(10), log(2, 64), log10(100), sqrt(2)
SELECT 1.5 BETWEEN SYMMETRIC 2 AND 1, '1.5' + 1.5, 3 > '2.5'::numeric, CASE 1.50 WHEN 1.5 THEN 'same' ELSE 'other' END
SELECT * FROM (VALUES (1.5, 'a')) l(k, x) FULL JOIN (VALUES (2.5, 'c')) r(k, y) USING (k) ORDER BY k
SELECT first_value(x) OVER (ORDER BY x), cume_dist() OVER (ORDER BY x) FROM (VALUES (1.5), (2)) v(x)
SELECT x + 1 AS z, count(*) FROM (VALUES (1.5), (2.5)) v(x) GROUP BY z ORDER BY z
SELECT var_pop(DISTINCT x), count(*) FROM (VALUES (1.5), (1.50), (3)) v(x)
SELECT n FROM generate_series(1, 5) n WHERE n = ANY(ARRAY[1.0, 2.5]) OR n IN (2.0, 3)
SELECT 5.0 / 2 = 2.5, 10 % 3.0, 2 ^ 3, 2 ^ 0.5, 0.1 + 0.2 = 0.3, 1.0 / nullif(0, 0.0)
SELECT percentile_cont(ARRAY[0.25, 0.5]) WITHIN GROUP (ORDER BY x) FROM (VALUES (1.5), (2.5), (3)) v(x)
SELECT ARRAY[1.5, 2]::float8[], ARRAY[1, 2]::numeric[], '{1.5,NULL}'::float8[], array_agg(x)::float8[] FROM (VALUES (1.5), (2)) v(x)
SELECT grouping(x), x, sum(y) FROM (VALUES (1.5, 1.5), (2.5, 2)) v(x, y) GROUP BY CUBE (x) ORDER BY 1, 2
SELECT ARRAY[1.5] = ARRAY[1.50], ARRAY[1.5] <> ARRAY[1.50], ARRAY[1.5, 2] < ARRAY[1.50, 3], ARRAY[1.5] IN (ARRAY[1.50])
# Types that the engine does not know.
SELECT 'abc'::varchar(2), 'abc'::varchar, 'b'::char(3), 'abc'::char, 'abc'::bpchar, 'n'::name, 'cd'::"char", '7'::xid, '10.0.0.0/8'::cidr
SELECT 'int8'::regtype, 'pg_class'::regclass, 'boolin'::regproc, 'abs(bigint)'::regprocedure, 'public'::regnamespace, 0::regclass, NULL::regclass, 12345678::regtype
SELECT 'b'::char(3) AS x, 'b'::char(3) || 'x' AS y, length('b'::char(3)) AS l, 'b'::char(3) = 'b' AS e, 'b'::char(3)::text || '|' AS t
SELECT pg_typeof(1), pg_typeof('a'::varchar), pg_typeof('a'::char(3)), pg_typeof('a'::name), pg_typeof('a'::"char"), pg_typeof('1'::xid), pg_typeof('int4'::regtype), pg_typeof('a'::varchar::text)
SELECT x, pg_typeof(x) FROM (SELECT 'a'::varchar(3) AS x) t
SELECT x, pg_typeof(x) FROM (SELECT 'int4'::regtype AS x) t
WITH t AS (SELECT 'a'::varchar(3) AS x) SELECT x FROM t
SELECT 'a'::varchar(3) UNION SELECT 'b'::varchar(3) ORDER BY 1
SELECT 'a'::varchar(3) UNION SELECT 'b' ORDER BY 1
SELECT '{"a":1}'::json::text, 'a'::varchar::text
SELECT CASE WHEN true THEN 'a'::varchar ELSE 'b'::varchar END AS c, CASE WHEN true THEN 'a'::varchar ELSE 'b' END AS d
SELECT coalesce('a'::varchar, 'b') AS c, coalesce('10.0.0.1'::inet, '10.0.0.2') AS d, greatest('a'::varchar(3), 'b') AS e
SELECT (SELECT 'a'::varchar(3)) AS s, max('a'::varchar) AS m
SELECT typinput FROM pg_type WHERE typname = 'bool'
SELECT pg_typeof(1) = 'integer'::regtype AS a, 'int4'::regtype::oid AS b, 'int4'::regtype::int AS c
SELECT 'x' || pg_typeof(1) AS a, 'x' || 'int4'::regtype AS b, format('%s %I', 'int4'::regtype, 'pg_class'::regclass) AS c, concat('int4'::regtype, 1) AS d
SELECT DISTINCT 'int4'::regtype AS a
SELECT 'int4'::regtype AS a, count(*) GROUP BY 1
SELECT ARRAY['int4'::regtype] AS a, '{int4,text}'::regtype[] AS b, ARRAY['a'::varchar] AS c, '{a,b}'::varchar[] AS d, '{a,b}'::name[] AS e
SELECT '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid[] AS a, ARRAY['{}'::json] AS b, '{1.2.3.4}'::inet[] AS c
SELECT cast('a' AS varchar(10)) AS a, varchar 'abc' AS b, varchar(2) 'abc' AS c, name 'abc' AS d, regtype 'int4' AS e, inet '10.0.0.1' AS f
SELECT service::varchar(4), count(*) FROM sessions WHERE false GROUP BY 1
SELECT relname, relname::text, relname::varchar FROM pg_class WHERE relname = 'pg_class'
SELECT oid::regclass, oid::regclass::text FROM pg_class WHERE relname = 'pg_class'
SELECT x FROM (VALUES ('a'::varchar), ('b')) v(x)
SELECT x FROM (VALUES ('a'::varchar(3)), ('b'::varchar(3))) v(x)
SELECT x FROM (VALUES ('a'::text), ('b'), (NULL), (lower('C'))) v(x)
SELECT x FROM (VALUES (timestamptz '2024-01-01 00:00+00'), ('2024-01-02 00:00+00')) v(x)
SELECT to_json('int4'::regtype) AS a, array_to_string(ARRAY['a'::name], ',') AS b
WITH RECURSIVE t(x) AS (SELECT 'a'::text UNION ALL SELECT x || 'a' FROM t WHERE length(x) < 3) SELECT x FROM t
# Rows of tables, and functions side by side.
SELECT row_to_json(t) FROM (SELECT 1 AS a, 'x' AS b) t
SELECT to_json(t), t, count(t) OVER () FROM (SELECT 1 AS a, 'x' AS b) t
SELECT json_agg(t) FROM (SELECT 1 AS a, 'x' AS b) t
SELECT row_to_json(s) FROM sessions s WHERE false
WITH c AS (SELECT 1 AS a) SELECT row_to_json(c) FROM c
SELECT row(1,'a'), row_to_json(row(1,'a',NULL)), json_build_object('r', row(1,2))
SELECT * FROM ROWS FROM (generate_series(1,3), generate_series(1,2)) AS t(a,b)
SELECT * FROM ROWS FROM (generate_series(1,2)) WITH ORDINALITY
SELECT * FROM ROWS FROM (unnest(ARRAY['a','b']), generate_series(5,7)) WITH ORDINALITY AS x(a,b,n)
# Numbers, arrays and times.
SELECT sum(x), pg_typeof(sum(x)) FROM (VALUES (1.5::real), (2.25::real)) v(x)
SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES (1.5::real), (2.25::real), (3::real)) v(x)
SELECT ntile(2) OVER (ORDER BY g), g FROM generate_series(1,4) g
SELECT ARRAY[1.5] || 2.5 AS a, 2.5 || ARRAY[1.5] AS b, ARRAY[1] || NULL AS c, ARRAY[1,2] || 3.5 AS d, ARRAY[1.5] || ARRAY[2.5, 3] AS e
SELECT g, sum(g) OVER (ORDER BY g RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM (VALUES (1.0),(2.0),(2.5),(4.0)) v(g)
SELECT sum(g) OVER (ORDER BY g::numeric RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM generate_series(1,4) g
SELECT array_agg(DISTINCT x) FROM (VALUES (3),(1),(2),(1),(NULL)) v(x)
SELECT array_agg(DISTINCT x), string_agg(DISTINCT x, ',') FROM (VALUES ('b'),('a'),('c'),('a')) v(x)
SELECT array_agg(DISTINCT x) FROM (VALUES (3.5),(1.5),(2),(1.5)) v(x)
SELECT count(DISTINCT x), array_agg(DISTINCT x), string_agg(DISTINCT y, '-') FROM (VALUES (3,'z'),(1,'y'),(2,'z'),(1,'x')) v(x,y)
SELECT extract(hour FROM time '12:34:56.789'), extract(second FROM time '12:34:56.789'), extract(epoch FROM time '12:34:56.789'), date_part('minute', time '12:34:56.789')
SELECT make_time(1,2,3.5)
SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01')
SELECT json_agg(row_to_json(t)) FROM (SELECT 1 AS a, 'x' AS b) t
SELECT array_agg(x), array_agg(DISTINCT x) FROM (SELECT 'a'::varchar(3) AS x) t
SELECT pg_typeof(1) IN ('integer', 'text') AS a, 'int4'::regtype IN ('bigint', 'text') AS b
SELECT count(*) OVER (ORDER BY t RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW) FROM generate_series(timestamp '2024-01-01', '2024-01-03', '12 hours') t
SELECT count(*) OVER (ORDER BY t RANGE BETWEEN interval '1 day 02:00' PRECEDING AND interval '1 hour' FOLLOWING) FROM generate_series(timestamptz '2024-01-01', '2024-01-03', '12 hours') t
SELECT * FROM json_array_elements_text('[1,2]')
SELECT format_type(1042, -1), format_type(1042, NULL), format_type(1042, 7)
SELECT 'a' AS x UNION SELECT 'b'::varchar(3) ORDER BY 1
SELECT 'a'::text AS x UNION SELECT 'b'::varchar(3) ORDER BY 1
SELECT NULL AS x UNION SELECT 'b'::varchar(3) ORDER BY 1
# JSON
SELECT json_agg(json_build_object('id', n) ORDER BY n), jsonb_agg(jsonb_build_object('bb', n, 'a', 1.50) ORDER BY n DESC) FROM generate_series(1, 2) n
SELECT json_agg(x), json_agg(ARRAY[x, 2]), json_agg(x::text), jsonb_agg(x) FROM (VALUES (1), (NULL)) v(x)
SELECT json_agg(j ORDER BY k) FROM (SELECT n k, json_build_array(n, 'x') j FROM generate_series(1, 2) n) q
SELECT json_object_agg(k, j ORDER BY k), jsonb_object_agg(k, j) FROM (VALUES ('bb', 1.50), ('a', NULL)) v(k, j)
SELECT json_object_agg(n, json_build_object('n', n) ORDER BY n), jsonb_object_agg(n, jsonb_build_array(n, n)) FROM generate_series(1, 2) n
SELECT jsonb_agg(DISTINCT n) FROM (VALUES (1), (1)) v(n)
SELECT json_agg(n), jsonb_object_agg(n, n) FROM (VALUES (1)) v(n) WHERE n > 1
SELECT '{"b": 1.50, "a": [1,  2]}'::json -> 'a', '{"b": 1.50, "a": [1,  2]}'::json ->> 'b', '{"b": 1.50, "a": [1,  2]}'::jsonb -> 'a', '{"a": 1, "a": 2}'::json -> 'a'
SELECT '[1, "x", null]'::json -> -2, '[1, "x", null]'::json ->> 1, '[1, "x", null]'::json ->> 2, '[1]'::json -> 5, '{"a": 1}'::json -> 0, '[1]'::json -> '0'
SELECT '{"a": {"b": [1, {"c": "x"}]}}'::jsonb #> '{a,b,1}', '{"a": {"b": [1, {"c": "x"}]}}'::json #>> '{a,b,1,c}', '{"a": {"b": [1, {"c": "x"}]}}'::jsonb #>> ARRAY['a', 'b', '-2'], '{"a": 1}'::jsonb #> '{}'
SELECT json_extract_path('{"a": {"b": 2}}', 'a', 'b'), jsonb_extract_path_text('{"a": {"b": "2"}}', 'a', 'b'), '{"a": {"b": 2}}'::jsonb -> 'a' ->> 'b'
SELECT * FROM json_each('{"b": 1, "a": "x", "c": null}')
SELECT * FROM json_each_text('{"b": 1, "a": "x", "c": null}')
SELECT key, value FROM jsonb_each('{"bb": 1, "a": {"z": 1, "y": 2}}') WHERE key <> 'x'
SELECT e.key, v FROM jsonb_each_text('{"bb": 1, "a": {"z": 1, "y": 2}}') AS e(key, v)
SELECT * FROM json_object_keys('{"b": 1, "a": 2}')
SELECT json_object_keys('{"b": 1, "a": 2}'), jsonb_object_keys('{"bb": 1, "a": 2}')
SELECT * FROM json_array_elements('[1, {"b": 1,  "a": 2}, null]')
SELECT x.value -> 'a' FROM jsonb_array_elements('[1, {"bb": 1,  "a": 2}, null]') x
SELECT value || '!' FROM jsonb_array_elements_text('["a", null, 1.50]')
SELECT json_array_elements('[{"a":1}]') -> 'a', jsonb_array_elements('[3, 4]'), json_array_elements_text('["x", "y"]')
SELECT n, v FROM json_array_elements('["x", "y"]') WITH ORDINALITY AS t(v, n)
SELECT json_typeof('[1]'), jsonb_typeof('1.5'), json_typeof('"x"'), json_typeof('null'), jsonb_typeof('true'), jsonb_typeof('{}')
SELECT json_array_length('[1, [2, 3], "a,b"]'), jsonb_array_length('[]')
SELECT '{"bb": 1, "a": [1.0, 1e2, -0, "\u00e9"], "bb": 2}'::jsonb, '{"b" : 1 }'::json, '12345678901234567890.10'::jsonb, '"\/"'::jsonb
SELECT jsonb_pretty('{"b": [1, {}], "a": {"c": null}}'), json_strip_nulls('{"b": [1, null, {"x": null}], "a": null}'), jsonb_strip_nulls('{"b": [1, null, {"x": null}], "a": null}')
SELECT '{"a": 1}'::jsonb || '{"b": 2, "a": 3}', '[1]'::jsonb || '[2]', '1'::jsonb || '[2]'::jsonb, '{"a": 1}'::jsonb || '[2]'::jsonb, '{"a": 1}'::jsonb || '5'::jsonb
SELECT '{"a": 1, "b": 2}'::jsonb - 'a', '["a", "b", "a"]'::jsonb - 'a', '[1, 2, 3]'::jsonb - 1, '[1, 2, 3]'::jsonb - -1, '{"a": 1, "b": 2, "c": 3}'::jsonb - ARRAY['a', 'c']
SELECT '{"a": {"b": [1, 2]}}'::jsonb #- '{a,b,0}', '{"a": 1}'::jsonb #- '{b}'
SELECT jsonb_set('{"a": [1, 2]}', '{a,0}', '9'), jsonb_set('{"a": 1}', '{b}', '{"c": 1}'), jsonb_set('{"a": 1}', '{b}', '2', false), jsonb_set('[1, 2]', '{-9}', '0'), jsonb_set('{"a": 1}', ARRAY['a'], to_jsonb('x'::text)), jsonb_set('{"a": 1}', '{b,c}', '2')
SELECT '{"a": 1, "b": {"c": [1, 2, 3]}}'::jsonb @> '{"b": {"c": [3]}}', '[1, 2]'::jsonb @> '1', '[[1]]'::jsonb @> '[1]', '[1, 2]'::jsonb <@ '[2, 1, 1]'::jsonb, '{"a": 1}'::jsonb @> '{"a": 2}', '1'::jsonb @> '[1]'
SELECT '{"a": 1}'::jsonb ? 'a', '["a", 1]'::jsonb ? 'a', '"a"'::jsonb ? 'a', '{"a": 1}'::jsonb ?| ARRAY['b', 'a'], '{"a": 1}'::jsonb ?& ARRAY['b', 'a'], '{"a": 1}'::jsonb ?& '{a}'
SELECT json_object('{a,1,b,2}'), json_object(ARRAY['a', 'b'], ARRAY['1', NULL]), jsonb_object('{bb,x,a,y}'), json_object('{}')
SELECT to_jsonb(1.50), to_jsonb('x'::text), to_jsonb(ARRAY[1, 2]), to_json(NULL::int), to_json('{"a": 1}'::json), json_build_object('j', '{"b":1,"a":2}'::jsonb, 't', '{"a":1}')
SELECT json_build_object(), jsonb_build_array(), json_build_array(NULL, 1.5, true, 'x', ARRAY['a'], '2026-01-02'::date)
SELECT round(2.5::float8), round(-2.5::float8), round(3.5::float8), round(0.5::real), round(2.5), round(7), round(2.567::numeric, 1), round('2.5'::float8)
SELECT substr('abc', 2), substr('abc', 1, 2), substring('abc', 2), substring('abc' FROM 2)
SELECT inet '10.0.0.1', host(inet '10.0.0.1/8'), length(name 'abc'), inet '10.1.2.3' << inet '10.0.0.0/8', oid '5', float8 '1.5', int8 '3' + 1, json '{"a": 1}' -> 'a'
SELECT row(1, 'a'), (1, 2 + 3), (1, 2) IS NULL, (NULL, NULL) IS NULL, row(1, NULL) IS NOT NULL, row(NULL, NULL) IS NOT NULL, NOT (1, NULL) IS NULL
SELECT ('a', 'b') < ('a', 'c'), (1, 2 + 1) = (1, 3), (SELECT (1, 2)) = (1, 2), (row(1, 2)).f1
SELECT (array_agg(n ORDER BY n DESC))[1], (array_agg(n))[2] IS NULL, (array_agg(n ORDER BY n))[1:2] FROM generate_series(1, 3) n WHERE n > 1
SELECT coalesce((SELECT service FROM sessions WHERE id = -1), 'none'), (SELECT service FROM sessions WHERE id = -1) IS NULL, (SELECT 1 WHERE false) IS NULL, coalesce((SELECT count(*) FROM sessions WHERE id = -1), 5)
SELECT coalesce((SELECT count(*) FROM sessions WHERE id = -1 HAVING count(*) > 0), 5), (SELECT id FROM sessions WHERE id = -1) + 1 IS NULL
SELECT n, coalesce((SELECT s.service FROM sessions s WHERE s.id = -n), 'none'), (SELECT count(*) FROM sessions s WHERE s.id = -n) FROM generate_series(1, 2) n
SELECT n FROM generate_series(1, 2) n WHERE (SELECT s.service FROM sessions s WHERE s.id = -n) IS NULL
SELECT 'a' NOT LIKE ALL (ARRAY['b%', 'c%']), 'a' LIKE ALL (ARRAY['a%', '%a']), 'a' NOT LIKE ANY (ARRAY['a', 'b']), 'x' NOT ILIKE ALL ('{X}')
SELECT greatest(CASE WHEN n > 1 THEN n ELSE n::bigint END, NULL) + n, CASE WHEN n > 1 THEN n ELSE n::bigint END, CASE WHEN n > 1 THEN 1 ELSE 1.5::float8 END / 2, coalesce(CASE WHEN n > 5 THEN 1 ELSE 2.5 END) * n FROM generate_series(1, 2) n
SELECT g, sum(v), max(v) FROM (SELECT CASE WHEN n > 2 THEN n ELSE n::bigint END g, n v FROM generate_series(1, 3) n) x GROUP BY g HAVING max(v) > 1 ORDER BY g
SELECT n, first_value(n) OVER (PARTITION BY (n = 2 OR n > 3) ORDER BY n) FROM generate_series(1, 4) n ORDER BY n
SELECT n, rank() OVER (PARTITION BY abs(n) > 1 ORDER BY n + 1 > 2 DESC), sum(n) OVER (ORDER BY CASE WHEN abs(n) > 2 THEN 0 ELSE 1 END, n), count(*) OVER w FROM generate_series(1, 4) n WINDOW w AS (PARTITION BY length(n::text) > 0) ORDER BY n
SELECT * FROM (SELECT n, row_number() OVER (PARTITION BY upper(n::text) > '2' ORDER BY n) r FROM generate_series(1, 4) n) x WHERE r = 1 ORDER BY n
SELECT n % 2, count(*), sum(count(*)) OVER (ORDER BY n % 2), rank() OVER (ORDER BY count(*) > 1) FROM generate_series(1, 5) n GROUP BY 1 ORDER BY 1
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT array_agg(n), string_agg(n::text, ','), json_agg(n * 2) FROM t WHERE n > 0
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n * 2 FROM t WHERE n > 1
SELECT array_agg(n), (array_agg(n))[1] FROM (SELECT 3 n UNION ALL SELECT 1 UNION ALL SELECT 2) x
SELECT max(x), max(x::text), count(DISTINCT x::text) FROM (VALUES (1), (10), (9)) v(x) HAVING max(x::text) > '0'
SELECT x, x::text, x::bigint, count(*) FROM (VALUES (1), (1)) v(x) GROUP BY x, x::text, 3
SELECT sum(x) OVER (), sum(x::bigint) OVER (), lag(x) OVER (ORDER BY x), lag(x::text) OVER (ORDER BY x) FROM (VALUES (1)) v(x)
SELECT x, y, count(*) FROM (VALUES (1, 'a'), (1, 'a')) v(x, y) GROUP BY (x, y)
SELECT s.service, (SELECT q.service FROM sessions q WHERE q.id = -1), 1 AS service FROM sessions s WHERE s.id = -2
SELECT a.id, b.id FROM (VALUES (1), (2)) a(id) RIGHT JOIN (VALUES (1), (2)) b(id) ON a.id + 1 = b.id WHERE a.id IS NULL AND b.id < 17
SELECT a.id, b.id FROM (VALUES (1), (2)) b(id) LEFT JOIN (VALUES (1), (2)) a(id) ON a.id + 1 = b.id WHERE a.id IS NULL AND b.id < 17
SELECT count(*) FROM (VALUES (1), (2)) v(x) WHERE NULL::int NOT IN (SELECT n FROM generate_series(1, 2) n)
SELECT count(*) FROM (VALUES (1), (2)) v(x) WHERE NULL::int NOT IN (SELECT n FROM generate_series(1, 2) n WHERE n > 2)
SELECT x NOT IN (SELECT NULL::int), x NOT IN (SELECT 5), 7 NOT IN (SELECT n FROM generate_series(1, 2) n), (SELECT sum(n) FROM generate_series(1, 2) n) NOT IN (SELECT n FROM generate_series(1, 3) n), (SELECT sum(n) FROM generate_series(1, 2) n) IN (SELECT n::float8 FROM generate_series(1, 3) n) FROM (VALUES (1)) v(x)
SELECT count(*) FROM (VALUES (1), (2)) v(x) WHERE x NOT IN (SELECT NULL::int)
# Joins whose conditions reach over several tables, and NULLs that are equal
SELECT a.y, b.y, c.z FROM (VALUES (1, 5), (2, 6)) a(x, y) JOIN (VALUES (1, 7), (3, 8)) b(x, y) ON true JOIN (VALUES (1, 12), (2, 13)) c(x, z) ON c.x = a.x AND c.z = a.y + b.y ORDER BY 1, 2
SELECT k.i, n.v FROM (VALUES ('{10,20}'::int[]), ('{20,30}'::int[])) a(l) JOIN generate_series(1, 2) k(i) ON k.i <= array_upper(a.l, 1) JOIN (VALUES (10, 'ten'), (20, 'twenty')) n(k, v) ON n.k = a.l[k.i] ORDER BY 1, 2
SELECT count(*) FROM (VALUES (1, NULL::int), (2, NULL)) a(x, y) JOIN (VALUES (1, NULL::int), (3, 4)) b(x, y) ON a.y IS NOT DISTINCT FROM b.y JOIN (VALUES (1), (2)) c(x) ON c.x = a.x
SELECT count(*) FROM (VALUES (1, NULL::int), (2, NULL)) a(x, y) JOIN (VALUES (1, NULL::int), (1, 4)) b(x, y) ON a.x = b.x JOIN (VALUES (1, NULL::int), (2, 3)) c(x, z) ON c.z IS NOT DISTINCT FROM a.y
SELECT count(*) FROM (VALUES (NULL::int), (1)) a(x), (VALUES (NULL::int), (1)) b(x), (VALUES (1)) c(x) WHERE a.x IS NOT DISTINCT FROM b.x AND a.x = c.x
SELECT conname, a.attname FROM pg_constraint o JOIN generate_series(1, current_setting('max_index_keys')::int) g(i) ON g.i <= array_upper(o.conkey, 1) JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = o.conkey[g.i] WHERE o.contype IN ('p', 'f') AND o.connamespace = 'public'::regnamespace ORDER BY 1, g.i
# Columns beside wildcards
SELECT array_agg(x ORDER BY y) FROM (SELECT a.*, b.x FROM (SELECT 1 AS y) a, (SELECT 2 AS x) b) s
SELECT s.z, s.y FROM (SELECT b.*, a.y, z FROM (SELECT 1 AS y) a, (SELECT 2 AS x) b, (SELECT 3 AS z) c) s
SELECT a.*, 5 AS y, y + 1 AS y FROM (SELECT 1 AS y) a
SELECT *, lower('A'), y AS y FROM (SELECT 1 AS y, 2 AS lower) a
SELECT a.*, y * 10 AS z FROM (VALUES (1), (3), (2)) a(y) ORDER BY z DESC
SELECT count(*) FROM (SELECT *, y FROM (SELECT 1 AS y) a) s
SELECT schemata.* FROM information_schema.schemata WHERE schema_name = 'public'
SELECT pg_enum.*, 1 AS oid FROM pg_catalog.pg_enum
SELECT o.conname, pg_namespace.nspname FROM pg_catalog.pg_namespace JOIN pg_constraint o ON o.connamespace = pg_namespace.oid WHERE pg_namespace.nspname = 'public' AND o.conname = 'sessions_pkey'
SELECT s.a, s.p FROM (SELECT unnest(ARRAY[7, 8]) AS p, k.a + 1 AS a FROM (SELECT 1 AS a) k) s
SELECT unnest(ARRAY[7, 8]) AS p, k.a + 1 AS a, k.a AS b FROM (SELECT 1 AS a) k
# The catalog's vectors begin at 0
SELECT array_lower(indkey, 1), array_upper(indkey, 1), array_dims(indkey), array_length(indkey, 1) FROM pg_index WHERE indrelid = 'queries'::regclass
SELECT i.i, a.attname FROM (SELECT indrelid, indkey, generate_subscripts(indkey, 1) AS i FROM pg_index WHERE indrelid = 'queries'::regclass AND indisprimary) i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[i.i] ORDER BY 1
SELECT ARRAY(SELECT pg_get_indexdef(indexrelid, k + 1, true) FROM generate_subscripts(indkey, 1) k ORDER BY k) FROM pg_index WHERE indrelid = 'queries'::regclass
SELECT array_position(indkey, 2::int2), array_positions(indkey, 2::int2) FROM pg_index WHERE indrelid = 'queries'::regclass
# What monitors and consoles ask
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 2
SELECT acldefault('r', oid), acldefault('d', oid), acldefault('f', oid), acldefault('c', oid) FROM pg_roles WHERE rolname = 'rollcall'
SELECT acldefault(CASE WHEN relkind = 'S' THEN 's'::"char" ELSE 'r'::"char" END, relowner) FROM pg_class WHERE relname = 'sessions'
SELECT acldefault('n', 99999)
SELECT convert_from('\x61e4'::bytea, 'LATIN1'), convert_to('ä', 'latin1'), convert('\xe4'::bytea, 'LATIN1', 'UTF8')
SELECT pg_wal_lsn_diff('1/10', '0/FFFFFFFF'), pg_wal_lsn_diff('0/0', '0/10')
SELECT count(*) FROM pg_ls_tmpdir(1663)
SELECT ts.spcname, count(tmp.name) FROM pg_tablespace ts LEFT JOIN LATERAL pg_catalog.pg_ls_tmpdir(ts.oid) tmp ON true WHERE spcname = 'pg_default' GROUP BY 1
SELECT substring('foobar' FROM '%#"o_b#"%' FOR '#'), substring('8.15.2' FROM '#"[0-9]+.[0-9]+#"%' FOR '#'), substring('foobar' FROM '#"x#"%' FOR '#'), substring('abc' FROM 'a%' FOR '#')
SELECT 1 WHERE 'r' OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'm'])
SELECT 1 WHERE 'abc' OPERATOR(pg_catalog.~) ALL (ARRAY['^a', 'c$']) AND NOT 2 OPERATOR(pg_catalog.<) SOME (SELECT 1)
SELECT bool('t'), uuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), json('{"a": 1}'), xid('7')::text
SELECT pg_stat_get_numscans('sessions'::regclass) >= 0, pg_stat_get_last_autovacuum_time('sessions'::regclass), pg_stat_get_db_deadlocks(1)
SELECT current_setting('wal_block_size'), current_setting('archive_command')
# Conditions above totals
SELECT * FROM (SELECT count(*) AS n, 0 AS z FROM (VALUES (1)) v(x)) s WHERE z <> 0
SELECT n FROM (SELECT 'a' AS k, 1 AS n UNION ALL SELECT 'b', count(*)::int FROM (VALUES (1)) v(x)) s WHERE k = 'a'
SELECT round(1.0 / z, 2) FROM (SELECT count(*) AS n, 0 AS z FROM (VALUES (1)) v(x)) s WHERE z + 0 <> 0
SELECT n FROM (SELECT count(*) AS n FROM (VALUES (1)) v(x)) s WHERE n > 0
SELECT d.datname, round(1.0 / s.x, 2) FROM (SELECT 0 AS x, 'rollcall' AS datname UNION ALL SELECT 0, min(t.b) FROM (VALUES (1, 'rollcall')) t(a, b)) s JOIN pg_database d ON s.datname = d.datname WHERE s.x <> 0
SELECT count(*) FROM (VALUES (1)) a(x) JOIN (SELECT count(*) AS n, 0 AS z FROM (VALUES (1)) v(x)) s ON s.z <> 0
# Whole rows
SELECT row_to_json(t) FROM (SELECT 1 AS a, 'x' AS b) t
SELECT json_agg(t ORDER BY t.a), count(t) FROM (VALUES (1, 'x'), (2, NULL)) t(a, b)
SELECT to_jsonb(n), row_to_json(n) FROM (SELECT nspname::text FROM pg_namespace WHERE nspname = 'public') n
SELECT to_json(t) FROM (SELECT 5 AS t) t
SELECT 'a' AS k, row_to_json(t) FROM (SELECT 1 AS "A b") t UNION ALL SELECT 'b', row_to_json(t) FROM (SELECT 2 AS x, (SELECT count(*) FROM (VALUES (1)) v) AS n) t
# Columns that every row has
SELECT c.relname, c.xmin IS NULL, c.tableoid FROM pg_class c WHERE relname = 'sessions'
SELECT 1 IS DISTINCT FROM 2 AND true, NULL IS NOT DISTINCT FROM NULL OR false, 1 + 1 IS NOT DISTINCT FROM 1 + 1 AND 2 > 1
# Subqueries without a row
SELECT count(*) FROM (VALUES (1), (2)) o(y) WHERE (SELECT count(*) FROM (VALUES (1)) v(x) WHERE v.x = o.y GROUP BY v.x) IS NULL
SELECT y FROM (VALUES (1), (2)) o(y) WHERE (SELECT 1 FROM (VALUES (1)) v(x) WHERE v.x = o.y) IS NULL
SELECT y, coalesce((SELECT 'there' FROM (VALUES (1)) v(x) WHERE v.x = o.y), 'not there') FROM (VALUES (1), (2)) o(y) ORDER BY 1
SELECT (SELECT 1 WHERE false) IS NULL, coalesce((SELECT 2 WHERE false), 3), (SELECT 4) IS NULL
SELECT y FROM (VALUES (1), (2)) o(y) WHERE (SELECT count(*) FROM (VALUES (1)) v(x) WHERE v.x = o.y) = 0
# A parameter in several places
PREPARE of_two_columns AS SELECT count(*) FROM sessions WHERE service = $1 OR "user" = $1
EXECUTE of_two_columns('nobody')
PREPARE of_two_types AS SELECT count(*) FROM (VALUES (1, 2::bigint, 3.5::float8)) v(a, b, c) WHERE a = $1 OR b = $1 OR c > $1
EXECUTE of_two_types(3)
PREPARE or_null AS SELECT count(*) FROM (VALUES (10), (9)) v(a) WHERE a > $1 OR $1 IS NULL
EXECUTE or_null(9)
EXECUTE or_null(NULL)
PREPARE of_names AS SELECT relname FROM pg_class WHERE relname = $1 AND EXISTS (SELECT 1 FROM pg_type WHERE typname = $1)
EXECUTE of_names('pg_class')
# Arrays of names
SELECT array_agg(relname), array_agg(relname ORDER BY oid), array_agg(DISTINCT relkind) FROM pg_class WHERE relname = 'pg_class'
# A name is an array of its characters
SELECT typname[0] = '_', typname[1] = 'i' FROM pg_type WHERE typname = '_int4'
SELECT count(*) OVER (ORDER BY t RANGE '1 month'::interval PRECEDING) FROM generate_series(timestamp '2024-01-01', '2024-03-03', '12 days') t
SELECT CASE WHEN relkind = 'r' THEN oid::regclass END AS c FROM pg_class WHERE relname = 'pg_class'
SELECT substr('abc'::varchar(3), 2), substring('abc', 2), current_database(), current_schema, current_schema(), version() IS NULL AS v
SELECT atttypid::regtype AS t, count(*) FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attnum > 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3
SELECT oid::regclass FROM pg_class WHERE relname = 'pg_class' UNION ALL SELECT 'pg_type'::regclass
SELECT castsource::regtype, casttarget::regtype, castfunc::regprocedure FROM pg_cast WHERE castsource = 23 ORDER BY 2
SELECT pg_typeof(relname), pg_typeof(relkind), pg_typeof(relacl), pg_typeof(oid), pg_typeof(relfrozenxid) FROM pg_class WHERE relname = 'pg_class'
SELECT n IS DISTINCT FROM 1.5, n IS NOT DISTINCT FROM 2.0, NULL IS DISTINCT FROM n, n::numeric IS NOT DISTINCT FROM 2.00, 1.5 IS DISTINCT FROM n::float8, n IS DISTINCT FROM '2', (SELECT sum(n) FROM generate_series(1, 1) n) IS NOT DISTINCT FROM 1, (n, 1) IS DISTINCT FROM (2, 1) FROM generate_series(1, 2) n
# Aggregates of intervals, addresses, and aggregates that are each sorted their own way
select array_agg(u order by u), array_agg(s order by s) from (values ('a','x'),('b',null),('a','y')) v(u,s)
select string_agg(u,',' order by u), string_agg(s,',' order by s) from (values ('a','x'),('b',null),('a','y')) v(u,s)
select string_agg(distinct u,',' order by u), string_agg(distinct s,',' order by s) from (values ('a','x'),('b',null),('a','y')) v(u,s)
select string_agg(distinct u,','), string_agg(distinct s,','), count(*) from (values ('a','x'),('b',null),('a','y')) v(u,s)
select u, string_agg(s,',' order by s desc) from (values ('a','x'),('b',null),('a','y')) v(u,s) group by u order by u
select u, string_agg(s,',' order by s desc) from (values ('a','x'),('b',null),('a','y')) v(u,s) group by u having string_agg(s,',' order by s desc) = 'y,x'
select string_agg(u, n::text order by n) from (values ('a',1),('b',2),('c',3)) v(u,n)
select string_agg(u, case when n > 2 then null else n::text end order by n) from (values ('a',1),('b',2),('c',3)) v(u,n)
select string_agg(u::bytea, '\x2c'::bytea order by n) from (values ('a',1),('b',2),('c',3)) v(u,n)
select string_agg(u, ',' order by u) filter (where n > 5) from (values ('a',1),('b',2),('c',3)) v(u,n)
select string_agg(u::varchar, ',' order by u), upper(string_agg(u, ',' order by n desc)) from (values ('a',1),('b',2),('c',3)) v(u,n)
select avg(x), sum(x), max(x), count(x) from (values (interval '1 day'),(interval '2 hours'),(null)) v(x)
select avg(x) from (values (interval '1 month'),(interval '2 days'),(interval '3 hours')) v(x)
select g, avg(x) from (values (1,interval '1 month'),(1,interval '2 days'),(2,interval '3 hours'),(2,null)) v(g,x) group by g order by g
select g, avg(x) over (order by g rows between 1 preceding and current row) from (values (1,interval '1 month'),(2,interval '2 days'),(3,interval '3 hours')) v(g,x)
select avg(x) from (select interval '1 h' x where false) y
select avg(x) > interval '1 hour' from (values (interval '1 day'),(interval '2 hours')) v(x)
select '9.0.0.1'::inet < '10.0.0.1', '9.0.0.1'::inet < '10.0.0.1'::inet, '10.0.0.1/32'::inet = '10.0.0.1'
select x::inet from (values ('9.0.0.1'),('10.0.0.1'),('::1')) v(x) order by x::inet
select x::inet from (values ('9.0.0.1'),('10.0.0.1'),('::1'),(null)) v(x) order by 1 desc
select max(x::inet), min(x::inet), count(distinct x::inet) from (values ('9.0.0.1'),('10.0.0.1'),(null)) v(x)
select g, max(x::inet) from (values (1,'9.0.0.1'),(1,'10.0.0.1'),(2,null)) v(g,x) group by g order by g
select '10.0.0.5'::inet between '9.0.0.0' and '10.0.0.255', '10.0.0.5'::inet not between '10.0.0.0' and '10.0.0.255'
select '10.0.0.5'::inet in ('10.0.0.5/32','1.1.1.1'), '10.0.0.5'::inet = any(array['10.0.0.5'::inet])
select x::inet from (values ('9.0.0.1'),('10.0.0.1'),('::1')) v(x) where x::inet > '9.5.0.0' order by x::inet
select x::inet, row_number() over (order by x::inet) from (values ('9.0.0.1'),('10.0.0.1'),('::1')) v(x) order by 2
select string_agg(x, ' ' order by x::inet), array_agg(x::inet order by x::inet desc) from (values ('9.0.0.1'),('10.0.0.1'),('::1')) v(x)
select distinct x::inet from (values ('9.0.0.1'),('10.0.0.1'),('9.0.0.1')) v(x) order by 1
select a.x from (values ('9.0.0.1'::inet)) a(x) join (values ('9.0.0.1/32'::inet)) b(x) on a.x = b.x
select (array[10,20,30])[2:3], (array[10,20,30])[:2], (array[10,20,30])[2:], (array[10,20,30])[:], (array[10,20,30])[5:]
select (date '2026-11-26', date '2026-11-28') overlaps (date '2026-11-27', interval '10 days'), (timestamp '2026-01-01', interval '1 h') overlaps (timestamp '2026-01-01 00:30', '1 h'::interval), (timestamp '2026-01-01', make_interval(hours => 1)) overlaps (timestamp '2026-01-01 01:00', '1 h'::interval)
select x, pg_typeof(x) from (values (1),(2.5)) v(x)
select x, pg_typeof(x) from (values (1.5),(2::float8)) v(x)
select x, pg_typeof(x) from (values (2::float8),(1.5)) v(x)
select x, pg_typeof(x) from (values (1::real),(2.5)) v(x)
select x, pg_typeof(x) from (values (1::bigint),(2.5)) v(x)
select x, pg_typeof(x) from (values (null),(1)) v(x)
select pg_typeof(x) from (values (now()),('2026-01-01')) v(x)
select pg_typeof(x) from (values (date '2026-01-01'),(now())) v(x)
select x, y from (values (1+1,'a'),(2.5,upper('b')),(null,null)) v(x,y)
values (1, now() is null), (2.5, true) order by 1 desc
values (1::bigint), (2) order by 1 desc limit 1
(values (1::bigint), (2.5)) union all select 3
select * from (values (1),(2::bigint)) v
select column1 from (values (1),(2::bigint)) v order by column1 desc
select s.id, v.k, v.x from (values (1,2.5)) s(id,y) cross join lateral (values ('id', s.id::text), ('y', s.y::text)) v(k,x)
select s.id, v.k, v.x from (values (1,2)) s(id,y) cross join lateral (values ('id', s.id), ('y', s.y)) v(k,x)
select (select max(x) from (values (s.id),(s.y)) v(x)) from (values (1,2),(5,4)) s(id,y)
select row_to_json(r, true) from (select 1 a, array[1,2] b, row(1,2) c) r
select row_to_json(r, false), row_to_json(r) from (select 1 a, array[1,2] b, row(1,2) c) r
select percentile_cont(0.5) within group (order by x) from (values (interval '1 day'),(interval '2 hours'),(interval '3 days 1 hour'),(null)) v(x)
select percentile_cont(0.25) within group (order by x desc), percentile_cont(1) within group (order by x), percentile_cont(0) within group (order by x) from (values (interval '1 day'),(interval '2 hours'),(interval '3 days 1 hour'),(interval '1 month')) v(x)
select g, percentile_cont(0.9) within group (order by x) from (values (1,interval '1 day'),(1,interval '2 hours'),(2,interval '3 days 1 hour'),(3,null)) v(g,x) group by g order by g
select percentile_cont(0.5) within group (order by timestamptz '2026-01-03' - x) from (values (timestamptz '2026-01-01'),(timestamptz '2026-01-02 12:00')) v(x)
select percentile_cont(0.5) within group (order by x), percentile_cont(0.3) within group (order by x desc) from (values (1.5),(2.5),(7)) v(x)
select g, percentile_cont(0.5) within group (order by x) from (values (1,1.5),(1,2.5),(2,7)) v(g,x) group by g order by g
select percentile_cont(0.5) within group (order by x) from (values (1),(2),(7)) v(x)
select percentile_cont(0.5) within group (order by x) from (values (1::bigint),(2),(7)) v(x)
select percentile_cont(0.5) within group (order by x), percentile_cont(0.95) within group (order by x) from (values (1::float8),(2),(7)) v(x)
select percentile_cont(0.5) within group (order by x) from (values (1::real),(2),(7)) v(x)
select percentile_cont(0.5) within group (order by x) filter (where x > 1) from (values (1),(2),(7)) v(x)
select percentile_cont(null) within group (order by x) from (values (1)) v(x)
select percentile_cont(0.5) within group (order by x) from (select 1 x where false) v
select percentile_cont(array[0.5,0.9]) within group (order by x) from (values (1),(2)) v(x)
select percentile_cont(0.5) within group (order by x) > interval '1 hour' from (values (interval '1 day'),(interval '2 hours')) v(x)
select round(percentile_cont(0.5) within group (order by x)::numeric, 1) from (values (1),(2)) v(x)
select avg(timestamptz '2026-01-03' - x), sum(timestamptz '2026-01-03' - x), max(timestamptz '2026-01-03' - x) from (values (timestamptz '2026-01-01'),(timestamptz '2026-01-02 12:00')) v(x)
select sum(x - timestamptz '2026-01-01'), avg(x - timestamptz '2026-01-01') from (values (timestamptz '2026-01-01 23:00'),(timestamptz '2026-01-01 23:30')) v(x)
select g, avg(timestamptz '2026-01-03' - x) a from (values (1,timestamptz '2026-01-01'),(2,timestamptz '2026-01-02 12:00')) v(g,x) group by g having avg(timestamptz '2026-01-03' - x) > interval '1 day' order by a
select g, avg(timestamptz '2026-01-03' - x) over (order by g) from (values (1,timestamptz '2026-01-01'),(2,timestamptz '2026-01-02 12:00')) v(g,x) order by 1
select extract(epoch from avg(timestamptz '2026-01-03' - x)) from (values (timestamptz '2026-01-01'),(timestamptz '2026-01-02 12:00')) v(x)
select count(*) from (select avg(timestamptz '2026-01-03' - x) as a from (values (timestamptz '2026-01-01')) v(x)) y where a > '1 hour'
select avg(distinct x) from (values (interval '1 h')) v(x)
select set_masklen('10.0.0.7'::inet, 8)::cidr
select 1::float/3, 1::float8/3, cast(1 as float) / 3, 1::float(53)/3, pg_typeof(1::float), pg_typeof(1::float(20)), pg_typeof(1::float(30)), array[1,2]::float[]
select to_char(0,'FM9D0'), to_char(0.1,'FM9D0'), to_char(0,'9.9'), to_char(0,'FM99'), to_char(0,'FM9.99'), to_char(0,'FM9.90'), to_char(0,'FM9.09'), to_char(0::float8,'FM9G990D0'), to_char(0.05, 'FM9.99'), to_char(0,'FM9')
select regexp_matches(x, '(.)') from (values ('ab',1),('cd',0)) v(x,id) order by id
select unnest(array[x,'z']) from (values ('ab',1),('cd',0)) v(x,id) order by id
select generate_series(1,id) from (values ('ab',1),('cd',2)) v(x,id) order by id desc
select generate_series(1,2) from (values ('ab',1),('cd',2)) v(x,id) order by v.id desc
with v(x,id) as (values ('ab',1),('cd',2)) select generate_series(1,2) from v order by id desc
with v(x,id) as (values ('ab',1),('cd',2)) select unnest(array[x]), x from v order by id desc
with v(x,id) as (values ('ab',1),('cd',2)) select unnest(array[x]) u, x from v order by u desc, id desc limit 1
with v(x,id) as (values ('ab',1),('cd',2)) select generate_series(1,3) u, x from v order by 2 desc, id desc
with v(x,id) as (values ('ab',1),('cd',2)) select generate_series(1,3) u, x from v order by length(x), id + 1 desc offset 1 limit 3
select e from json_array_elements('[1,2]') e
select e.* from json_array_elements('[1,2]') e
select e->>'a' from jsonb_array_elements('[{"a":1}]') e
select e.value->>'a', value->>'a', e from jsonb_array_elements('[{"a":1}]') e
select e->>'a' from (select 1) x, jsonb_array_elements('[{"a":1}]') e
select e->>'a' from (values ('[{"a":1}]'::jsonb)) x(j) cross join lateral jsonb_array_elements(x.j) e
select e->>'a' from (values ('[{"a":1}]'::jsonb)) x(j), jsonb_array_elements(j) as e
select (e->>'a')::int + 1 as n from json_array_elements('[{"a":1},{"a":5}]') e where (e->>'a')::int > 1 order by n
select e from json_array_elements_text('["x","y"]') e where e <> 'x'
select count(e), max(e) from json_array_elements_text('["x","y"]') e
select key, value from (values (1,2)) s(a,b), jsonb_each_text(to_jsonb(s)) order by key
select s.a, j.key from (values (1,2)) s(a,b) cross join lateral json_each(row_to_json(s)) j order by 2
select t from (values (1,'x')) t(value, b)
select value from (values ('x')) t(value)
select t from (values ('x')) t(value)
select x from (values ('127.0.0.1'::inet),('10.1.1.1'),('::1')) v(x) where x <<= '10.0.0.0/8'
select x from (values ('127.0.0.1'::inet),('10.1.1.1'),('::1')) v(x) where x << '10.0.0.0/8' or '::/0' >>= x order by 1
select '10.0.0.1' ^@ '10', 1 << 2, 8 >> 1, array[1] && array[1,2]
select * from json_to_record('{"a":1,"b":"x"}') as x(a int, b text)
select * from jsonb_to_recordset('[{"a":1,"b":"x"},{"a":2}]') as x(a int, b text)
select x.b, x.a + 1 from jsonb_to_recordset('[{"a":1,"b":"x"},{"a":2}]') as x(a int, b text) where x.a > 1
select t.id, r.* from (values (1, '{"a":"2026-11-26","j":{"k":[1]}}'::json)) t(id, doc), json_to_record(t.doc) as r(a date, j json, missing float8)
select t.id, r.n from (values (1, '[{"n":1},{"n":2}]'::jsonb), (2, '[]')) t(id, doc) left join lateral jsonb_to_recordset(t.doc) as r(n bigint) on true order by 1, 2
select * from json_to_record('{"A":1,"a":2}') as x("A" int, a int)
select sum(n) from json_to_recordset('[{"n":1.5},{"n":2}]') as x(n numeric)
select width_bucket(5, array[1,3,10]), width_bucket(0.5, array[1.0,3,10]), width_bucket(10::float8, array[1,3,10]::float8[])
