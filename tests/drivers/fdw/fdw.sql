-- A real PostgreSQL whose foreign tables lead to the database at :port, and dblink to the same.
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = 'warning';
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE EXTENSION IF NOT EXISTS dblink;
DROP SERVER IF EXISTS far CASCADE;
DROP SCHEMA IF EXISTS near CASCADE;
CREATE SCHEMA near;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port :'port', dbname 'rollcall');
CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'rollcall', password :'password');

\echo == import of everything
IMPORT FOREIGN SCHEMA public FROM SERVER far INTO near;
SELECT attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
  WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'near'::regnamespace) AND attnum > 0 ORDER BY attrelid::regclass::text, attnum;
DROP SCHEMA near CASCADE;
CREATE SCHEMA near;
\echo == import of some, with all options on
IMPORT FOREIGN SCHEMA public LIMIT TO (sessions, services) FROM SERVER far INTO near
  OPTIONS (import_default 'true', import_collate 'true', import_generated 'true', import_not_null 'true');
SELECT relname FROM pg_class WHERE relnamespace = 'near'::regnamespace ORDER BY 1;
\echo == import of the others, with all options off
IMPORT FOREIGN SCHEMA public EXCEPT (sessions, services) FROM SERVER far INTO near
  OPTIONS (import_default 'false', import_collate 'false', import_generated 'false', import_not_null 'false');
SELECT attrelid::regclass, attname FROM pg_attribute
  WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'near'::regnamespace) AND attnotnull ORDER BY attrelid::regclass::text, attnum;
\echo == import of the system's
CREATE SCHEMA system;
IMPORT FOREIGN SCHEMA pg_catalog LIMIT TO (pg_database, pg_settings) FROM SERVER far INTO system;
SELECT count(*) > 100 FROM system.pg_settings;
SELECT datname FROM system.pg_database WHERE datname = 'rollcall';
DROP SCHEMA system CASCADE;

\echo == what is pushed down
EXPLAIN (VERBOSE, COSTS OFF) SELECT "user", count(*) FROM near.sessions WHERE application_name = 'known' AND id > 0 GROUP BY 1 ORDER BY 1 LIMIT 2;
SELECT "user", count(*) FROM near.sessions WHERE application_name = 'known' AND id > 0 GROUP BY 1 ORDER BY 1 LIMIT 2;
EXPLAIN (VERBOSE, COSTS OFF) SELECT s."user", v.router FROM near.sessions s JOIN near.services v ON v.name = s.service WHERE s.application_name = 'known' ORDER BY 1;
SELECT s."user", v.router FROM near.sessions s JOIN near.services v ON v.name = s.service WHERE s.application_name = 'known' ORDER BY 1;
SELECT s.service, count(c.server) FROM near.sessions s LEFT JOIN near.connections c ON c.session_id = s.id WHERE s.application_name = 'known' GROUP BY 1;

\echo == by estimates of the far side
ALTER SERVER far OPTIONS (ADD use_remote_estimate 'true', ADD fetch_size '2', ADD async_capable 'true');
SELECT s."user", v.router FROM near.sessions s JOIN near.services v ON v.name = s.service WHERE s.application_name = 'known' AND connected < now() ORDER BY 1;
SELECT "user" FROM near.sessions WHERE "user" IN ('alice', 'bob') AND port BETWEEN 1 AND 100000 AND tls IS NULL AND NOT active AND upper("user") LIKE 'A%' ORDER BY 1;
SELECT "user" FROM near.sessions WHERE "user" = ANY (ARRAY['alice', 'bob']) AND application_name = 'known' ORDER BY 1 DESC;
SELECT count(*), max("user"), min(id) > 0, avg(port) > 0, sum(statements) >= 0, bool_or(active) FROM near.sessions WHERE application_name = 'known';
SELECT "user" FROM near.sessions WHERE application_name = 'known' AND connected BETWEEN now() - interval '1 day' AND now() + interval '1 day' ORDER BY 1;
SELECT "user" FROM near.sessions WHERE application_name = 'known' AND connected > timestamptz '2024-01-01 00:00+00'
  AND (CASE WHEN port > 0 THEN 'tcp' ELSE 'unix' END) = 'tcp' AND coalesce(tls, 'clear') = 'clear' ORDER BY 1 OFFSET 1;
SELECT DISTINCT s.service FROM near.sessions s LEFT JOIN near.connections c ON c.session_id = s.id WHERE c.server IS NULL AND s.application_name = 'known';
SELECT v.name FROM near.services v WHERE EXISTS (SELECT 1 FROM near.sessions s WHERE s.service = v.name);
SELECT "user", row_number() OVER (ORDER BY "user") FROM near.sessions WHERE application_name = 'known' ORDER BY 1;
PREPARE counted (text) AS SELECT count(*) FROM near.sessions WHERE application_name = 'known' AND "user" = $1;
EXECUTE counted ('bob');
EXECUTE counted ('bob');
EXECUTE counted ('bob');
EXECUTE counted ('bob');
EXECUTE counted ('bob');
EXECUTE counted ('alice');
EXECUTE counted ('nobody');
\echo == what only reads
ANALYZE near.services;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT "user" FROM near.sessions WHERE application_name = 'known' ORDER BY 1;
FETCH 1 FROM c;
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
COMMIT;
CREATE TEMP TABLE copied AS SELECT "user" FROM near.sessions WHERE application_name = 'known';
SELECT count(*) FROM copied;
\set ON_ERROR_STOP off
\set VERBOSITY sqlstate
DELETE FROM near.sessions;
\echo :SQLSTATE
\set ON_ERROR_STOP on

\echo == dblink
SELECT format('host=127.0.0.1 port=%s dbname=rollcall user=rollcall password=%s', :'port', :'password') AS far \gset
SELECT * FROM dblink(:'far', 'SELECT "user", service FROM sessions WHERE application_name = ''known'' ORDER BY 1') AS t (u text, s text);
SELECT dblink_connect('c', :'far');
SELECT dblink_open('c', 'cursor', 'SELECT "user" FROM sessions WHERE application_name = ''known'' ORDER BY 1');
SELECT * FROM dblink_fetch('c', 'cursor', 2) AS t (u text);
SELECT * FROM dblink_fetch('c', 'cursor', 5) AS t (u text);
SELECT dblink_close('c', 'cursor');
SELECT dblink_exec('c', 'SET statement_timeout = 1000');
SELECT dblink_send_query('c', 'SELECT 1::int4, now() > timestamptz ''2024-01-01 00:00+00''');
SELECT * FROM dblink_get_result('c') AS t (a int, b bool);
SELECT * FROM dblink_get_result('c') AS t (a int, b bool);
SELECT * FROM dblink('c', 'SELECT * FROM nothing', false) AS t (a int);
SELECT dblink_error_message('c') LIKE '%"nothing" does not exist%', dblink_is_busy('c'), dblink_get_connections();
SELECT dblink_disconnect('c');
