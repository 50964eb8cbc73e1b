//! What a client may ask of a server, two hundred times over: the same in every run, and with an answer that is too.

use crate::support::wire::{bind, bind_text, describe, execute, frame, parse, query, sync};

/// What is sent at once, and how much of an answer it gets.
pub struct Step {
    pub send: Vec<u8>,
    pub until: Until,
}

/// How far an answer goes.
pub enum Until {
    /// So many ReadyForQuery.
    Ready(usize),
    /// The first message of this kind.
    Kind(char),
}

/// Simple statements, one message each.
const STATEMENTS: &[&str] = &[
    // Types, in text.
    "SELECT 1",
    "SELECT NULL",
    "SELECT ''",
    "",
    ";;",
    "SELECT",
    "SELECT 32767::int2, 2147483647::int4, 9223372036854775807::int8",
    "SELECT 1.5::float4, 'NaN'::float8, '-Infinity'::float8, 1e-300::float8",
    "SELECT 123456789012345678901234567890.123456789::numeric, 'NaN'::numeric",
    "SELECT true, false, NULL::bool",
    "SELECT 'a'::char, 'ab'::char(5), 'abc'::varchar(2), 'name'::name, '\"'::\"char\"",
    "SELECT 'ümläut €uro 漢字 🙂'",
    "SELECT '\\x00ff80'::bytea, ''::bytea",
    "SET bytea_output = escape",
    "SELECT '\\x00ff80'::bytea",
    "RESET bytea_output",
    "SELECT date '2024-02-29', time '12:34:56.789', timetz '12:34:56+02'",
    "SELECT timestamp '2024-02-29 12:34:56', timestamptz '2024-02-29 12:34:56+00', 'infinity'::timestamp",
    "SELECT interval '1 year 2 months 3 days 04:05:06', interval '-1 s'",
    "SET intervalstyle = 'iso_8601'; SELECT interval '1 year 2 months 3 days 04:05:06'",
    "SET datestyle = 'German, DMY'; SELECT timestamptz '2024-02-29 12:34:56+00'",
    "RESET intervalstyle; RESET datestyle",
    "SET timezone = 'Asia/Kathmandu'; SELECT timestamptz '2024-02-29 12:34:56+00'",
    "RESET timezone",
    "SET extra_float_digits = 0; SELECT 0.1::float8 + 0.2::float8",
    "SELECT '{\"a\": [1, null]}'::json, '{\"a\": [1, null]}'::jsonb, jsonb_path_query('[1,2]', '$[*]')",
    "SELECT '<a>b</a>'::xml IS DOCUMENT",
    "SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
    "SELECT '10.0.0.1/8'::inet, '10.0.0.0/8'::cidr, '08:00:2b:01:02:03'::macaddr",
    "SELECT point '(1,2)', box '(1,2),(3,4)', circle '<(1,2),3>', path '[(1,2),(3,4)]', polygon '((1,2),(3,4))'",
    "SELECT ARRAY[1,NULL,3], ARRAY[['a','b'],['c','d\"']], '{}'::int[]",
    "SELECT int4range(1, 5), '[a,b)'::text, '{[1,2],[4,5]}'::int4multirange",
    "SELECT ROW(1, 'a', NULL), ROW()",
    "SELECT B'1010'::bit(4), B'1'::varbit, '$12.34'::money",
    "SELECT 'fat & rat'::tsquery, 'a fat cat'::tsvector",
    "SELECT 'pg_class'::regclass, 'int4'::regtype, 'now'::regproc",
    "SELECT '16/B374D848'::pg_lsn, '1:2:'::txid_snapshot",
    "SELECT generate_series(1, 1000)",
    "SELECT repeat('x', 100000)",
    "SELECT repeat('y', 300000), repeat('z', 7) FROM generate_series(1, 5)",
    "SELECT g, repeat(chr(64 + g), g * 1000) FROM generate_series(1, 26) g",
    "SELECT 1 AS a, 2 AS a, 3 AS \"A b\", 4 AS \"\u{fc}\"",
    "VALUES (1, 'x'), (2, NULL)",
    "TABLE pg_catalog.pg_am",
    "SHOW server_version_num",
    "SHOW search_path",
    "EXPLAIN (COSTS off) SELECT * FROM pg_class WHERE oid = 1",
    "SELECT 1; SELECT 2; SELECT 3",
    // Tables and what is done to them.
    "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL CHECK (name <> 'no'), v numeric DEFAULT 7)",
    "INSERT INTO t SELECT g, 'n' || g FROM generate_series(1, 500) g",
    "INSERT INTO t VALUES (501, 'x') RETURNING *",
    "UPDATE t SET v = v + 1 WHERE id < 10",
    "UPDATE t SET v = 0 WHERE id = 3 RETURNING id, v",
    "DELETE FROM t WHERE id > 400",
    "SELECT * FROM t ORDER BY id LIMIT 20",
    "SELECT count(*), sum(v), min(name), avg(id) FROM t",
    "MERGE INTO t USING (VALUES (1)) s(k) ON t.id = s.k WHEN MATCHED THEN UPDATE SET v = 9",
    "CREATE INDEX ON t (name)",
    "CREATE VIEW w AS SELECT id FROM t",
    "CREATE SEQUENCE s; SELECT nextval('s'), currval('s')",
    "CREATE TYPE mood AS ENUM ('sad', 'ok'); SELECT 'ok'::mood",
    "CREATE DOMAIN small AS int CHECK (value < 10); SELECT 5::small",
    "CREATE TYPE pair AS (a int, b text); SELECT (1, 'x')::pair",
    "SELECT 'glad'::mood",
    "SELECT 50::small",
    "CREATE TABLE IF NOT EXISTS t (id int)",
    "DROP TABLE IF EXISTS nothing",
    "CREATE FUNCTION f(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'n is %', n; RETURN n * 2; END $$",
    "SELECT f(21)",
    "SELECT f(g) FROM generate_series(1, 30) g",
    "CREATE PROCEDURE p(INOUT a int) LANGUAGE plpgsql AS $$ BEGIN a := a + 1; COMMIT; END $$",
    "CALL p(1)",
    "VACUUM t",
    "ANALYZE t",
    "CHECKPOINT",
    "COMMENT ON TABLE t IS 'a table'",
    "TRUNCATE nothing",
    "SELECT * FROM t FOR UPDATE",
    "LOCK TABLE t",
    // Errors of all sorts.
    "SELEC 1",
    "SELECT * FROM nothing",
    "SELECT nothing FROM t",
    "SELECT 1/0",
    "SELECT 'x'::int",
    "SELECT '2024-13-01'::date",
    "INSERT INTO t VALUES (1, 'twice')",
    "INSERT INTO t VALUES (1000, 'no')",
    "INSERT INTO t VALUES (1001, NULL)",
    "SELECT nothing(1)",
    "SELECT 'unfinished",
    "SELECT $1",
    "SELECT g / (3 - g) FROM generate_series(1, 5) g",
    "SELECT 1; SELECT 1/0; SELECT 3",
    "SET nothing = 1",
    "SELECT E'\\xff'",
    "SELECT 999999999999::int4",
    "SELECT (SELECT g FROM generate_series(1, 2) g)",
    "DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = 'XX123', DETAIL = 'd', HINT = 'h', TABLE = 't'; END $$",
    // Notices of all levels.
    "DO $$ BEGIN RAISE NOTICE 'note'; RAISE WARNING 'warn %', 1; RAISE INFO 'info'; END $$",
    "SET client_min_messages = debug1",
    "DO $$ BEGIN RAISE DEBUG 'debug'; RAISE LOG 'log'; END $$",
    "RESET client_min_messages",
    "DO $$ BEGIN FOR i IN 1..200 LOOP RAISE NOTICE '% %', i, repeat('n', i); END LOOP; END $$",
    "ROLLBACK",
    // Transactions and cursors.
    "BEGIN",
    "BEGIN",
    "SAVEPOINT a",
    "SELECT 1/0",
    "SELECT 1",
    "ROLLBACK TO a",
    "DECLARE c SCROLL CURSOR FOR SELECT * FROM t ORDER BY id",
    "FETCH 3 FROM c",
    "FETCH BACKWARD 2 FROM c",
    "MOVE LAST FROM c",
    "FETCH PRIOR FROM c",
    "FETCH ABSOLUTE 7 FROM c",
    "UPDATE t SET v = 1 WHERE CURRENT OF c",
    "CLOSE c",
    "FETCH c",
    "COMMIT",
    "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SHOW transaction_isolation",
    "INSERT INTO t VALUES (2000, 'x')",
    "END",
    "BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; ROLLBACK",
    "DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 10)",
    "BEGIN; DECLARE held BINARY CURSOR WITH HOLD FOR SELECT generate_series(1, 10); COMMIT",
    "FETCH 4 FROM held",
    "CLOSE ALL",
    // Two-phase commit.
    "BEGIN; INSERT INTO t VALUES (3000, 'two'); PREPARE TRANSACTION 'first'",
    "SELECT gid, owner, database FROM pg_prepared_xacts",
    "PREPARE TRANSACTION 'nowhere'",
    "COMMIT PREPARED 'first'",
    "BEGIN; INSERT INTO t VALUES (3001, 'two'); PREPARE TRANSACTION 'second'",
    "ROLLBACK PREPARED 'second'",
    "ROLLBACK PREPARED 'second'",
    "SELECT id FROM t WHERE id >= 3000",
    // Statements that are prepared in SQL.
    "PREPARE q (int) AS SELECT $1 + 1",
    "EXECUTE q (41)",
    "EXECUTE q ('x')",
    "DEALLOCATE q",
    "DEALLOCATE q",
    // Large objects.
    "SELECT lo_create(424242)",
    "SELECT lo_put(424242, 0, decode(repeat('00ff', 5000), 'hex'))",
    "SELECT lo_get(424242, 9990, 20)",
    "SELECT length(lo_get(424242)), md5(lo_get(424242))",
    "SELECT lo_from_bytea(424243, '\\x0001')",
    "SELECT lo_unlink(424243)",
    "SELECT lo_unlink(424243)",
    // Client encodings that are not UTF-8.
    "SET client_encoding = 'LATIN1'; SELECT U&'\\00fc\\00df'",
    "SELECT U&'\\6f22'",
    "SET client_encoding = 'SJIS'; SELECT U&'\\6f22\\5b57\\8868'",
    "SET client_encoding = 'EUC_JP'; SELECT U&'\\6f22\\5b57'",
    "SET client_encoding = 'GB18030'; SELECT U&'\\6f22\\5b57\\8868'",
    "SET client_encoding = 'WIN1252'; SELECT U&'\\20ac'",
    "SET client_encoding = 'SQL_ASCII'; SELECT U&'\\20ac'",
    "SET client_encoding = 'nothing'",
    "RESET client_encoding",
    // Parameters that are reported, and roles.
    "SET application_name = 'script'",
    "SET standard_conforming_strings = off; SELECT 'a\\tb'",
    "RESET standard_conforming_strings",
    "SET ROLE ann; SELECT current_user",
    "CREATE TABLE public.mine (a int)",
    "RESET ROLE",
    "SET SESSION AUTHORIZATION bob; SELECT session_user",
    "RESET SESSION AUTHORIZATION",
    "SET LOCAL work_mem = '1MB'",
    "SET statement_timeout = '50ms'; SELECT pg_sleep(10)",
    "RESET statement_timeout",
    "SET lock_timeout = 'x'",
    "SELECT set_config('app.x', 'y', false), current_setting('app.x')",
    "NOTIFY nobody, 'nothing'",
    "LISTEN a; UNLISTEN *",
    "DISCARD ALL",
];

/// A statement with bytes that are no text in UTF-8.
fn raw_text(prefix: &str, bytes: &[u8]) -> Vec<u8> {
    frame(
        'Q',
        &[prefix.as_bytes(), b"SELECT '", bytes, b"'\0"].concat(),
    )
}

/// A FunctionCall with binary arguments and a binary result.
fn function(oid: u32, arguments: &[&[u8]]) -> Vec<u8> {
    let mut body = oid.to_be_bytes().to_vec();
    body.extend([0, 1, 0, 1]);
    body.extend((arguments.len() as u16).to_be_bytes());
    for argument in arguments {
        body.extend((argument.len() as u32).to_be_bytes());
        body.extend(*argument);
    }
    body.extend([0, 1]);
    frame('F', &body)
}

/// A Parse with types of its parameters.
fn parse_typed(name: &str, sql: &str, types: &[u32]) -> Vec<u8> {
    let mut body = [name.as_bytes(), b"\0", sql.as_bytes(), b"\0"].concat();
    body.extend((types.len() as u16).to_be_bytes());
    for oid in types {
        body.extend(oid.to_be_bytes());
    }
    frame('P', &body)
}

/// A Bind of the unnamed portal that asks for everything in binary form.
fn bind_binary(statement: &str) -> Vec<u8> {
    let mut body = [b"\0", statement.as_bytes(), b"\0"].concat();
    body.extend([0, 0, 0, 0, 0, 1, 0, 1]);
    frame('B', &body)
}

fn close(what: char, name: &str) -> Vec<u8> {
    frame('C', &[&[what as u8], name.as_bytes(), b"\0"].concat())
}

fn flush() -> Vec<u8> {
    frame('H', b"")
}

fn copy_data(data: &[u8]) -> Vec<u8> {
    frame('d', data)
}

fn copy_done() -> Vec<u8> {
    frame('c', b"")
}

fn ready(messages: &[Vec<u8>]) -> Step {
    Step {
        send: messages.concat(),
        until: Until::Ready(1),
    }
}

fn kind(kind: char, messages: &[Vec<u8>]) -> Step {
    Step {
        send: messages.concat(),
        until: Until::Kind(kind),
    }
}

/// Everything, in its order.
pub fn steps() -> Vec<Step> {
    let simple = STATEMENTS.iter().map(|sql| ready(&[query(sql)]));
    let mut steps: Vec<Step> = simple.collect();
    steps.extend(encodings());
    steps.extend(extended());
    steps.extend(copies());
    steps.extend(functions());
    steps
}

fn encodings() -> Vec<Step> {
    vec![
        ready(&[raw_text("", b"\xff\xfe")]),
        ready(&[query("SET client_encoding = 'LATIN1'")]),
        ready(&[raw_text("", b"\xe4\xf6\xfc")]),
        ready(&[query("SET client_encoding = 'SJIS'")]),
        ready(&[raw_text("", b"\x95\x5c\x83\x5c")]),
        ready(&[raw_text("", b"\x95")]),
        ready(&[query("RESET client_encoding")]),
    ]
}

fn extended() -> Vec<Step> {
    let many = "SELECT g, 'row ' || g FROM generate_series(1, 100) g";
    vec![
        ready(&[sync()]),
        ready(&[parse("", "SELECT 1"), bind("", ""), execute("", 0), sync()]),
        ready(&[
            parse("a", "SELECT $1::int + $2::int8, $3::text"),
            describe('S', "a"),
            sync(),
        ]),
        ready(&[
            bind_text("", "a", &["1", "2", "three"]),
            describe('P', ""),
            execute("", 0),
            sync(),
        ]),
        ready(&[
            bind_text("", "a", &["1", "x", "three"]),
            execute("", 0),
            sync(),
        ]),
        ready(&[bind_text("", "a", &["1"]), sync()]),
        ready(&[parse("a", "SELECT 2"), sync()]),
        ready(&[
            parse_typed("b", "SELECT $1, $2", &[23, 25]),
            describe('S', "b"),
            sync(),
        ]),
        ready(&[
            parse(
                "c",
                "SELECT 1::int8, 'x'::text, 1.5::numeric, now() < 'infinity'",
            ),
            sync(),
        ]),
        ready(&[bind_binary("c"), describe('P', ""), execute("", 0), sync()]),
        ready(&[
            parse("", "SELECT 1/0"),
            bind("", ""),
            describe('P', ""),
            execute("", 0),
            sync(),
        ]),
        ready(&[parse("", ""), bind("", ""), execute("", 0), sync()]),
        ready(&[close('S', "a"), close('S', "nothing"), sync()]),
        ready(&[bind("", "a"), sync()]),
        // Portals that are read in parts, and Flush in place of Sync.
        ready(&[query("BEGIN")]),
        kind('1', &[parse("m", many), flush()]),
        kind('2', &[bind("pm", "m"), flush()]),
        kind('T', &[describe('P', "pm"), flush()]),
        kind('s', &[execute("pm", 10), flush()]),
        kind('s', &[execute("pm", 50), flush()]),
        kind('C', &[execute("pm", 0), flush()]),
        kind('C', &[execute("pm", 0), flush()]),
        ready(&[close('P', "pm"), sync()]),
        ready(&[query("COMMIT")]),
        // An error, and everything up to Sync is passed over.
        Step {
            send: [
                parse("", "SELECT 1"),
                bind("", ""),
                execute("", 0),
                parse("", "SELECT nothing"),
                bind("", ""),
                execute("", 0),
                parse("", "SELECT 3"),
                sync(),
                parse("", "SELECT 4"),
                bind("", ""),
                execute("", 0),
                sync(),
                query("SELECT 5"),
                query("SELECT 1/0"),
                query("SELECT 6"),
            ]
            .concat(),
            until: Until::Ready(5),
        },
        // Many at once.
        Step {
            send: (0..300)
                .map(|n| query(&format!("SELECT {n}")))
                .collect::<Vec<_>>()
                .concat(),
            until: Until::Ready(300),
        },
        Step {
            send: (0..300)
                .map(|n| [bind_binary("c"), execute("", n % 2), sync()].concat())
                .collect::<Vec<_>>()
                .concat(),
            until: Until::Ready(300),
        },
        // A long message, in and out.
        ready(&[query(&format!("SELECT '{}'", "long ".repeat(100_000)))]),
        ready(&[frame('Q', b"SELECT 1")]),
        ready(&[frame('B', b"\0m\0\0\x05"), sync()]),
        ready(&[describe('P', "nothing"), sync()]),
        ready(&[execute("nothing", 0), sync()]),
    ]
}

fn copies() -> Vec<Step> {
    vec![
        ready(&[query("CREATE TABLE u (a int, b text)")]),
        ready(&[
            query("COPY u FROM STDIN"),
            copy_data(b"1\tone\n2\t\\N\n"),
            copy_data(b"3\tth"),
            copy_data(b"ree\n"),
            copy_done(),
        ]),
        kind('G', &[query("COPY u FROM STDIN CSV")]),
        ready(&[copy_data(b"4,\"fo\nur\"\n"), copy_done()]),
        ready(&[
            query("COPY u FROM STDIN"),
            copy_data(b"5\tfive\n"),
            frame('f', b"no more\0"),
        ]),
        // The server says no while data still comes, which it throws away.
        ready(&[
            query("COPY u FROM STDIN"),
            copy_data(b"six\tsix\n"),
            copy_data(&b"7\tseven\n".repeat(1_000)),
            copy_done(),
        ]),
        ready(&[query("COPY u TO STDOUT")]),
        ready(&[query("COPY u TO STDOUT CSV HEADER")]),
        ready(&[query("COPY u TO STDOUT BINARY")]),
        ready(&[query(
            "COPY (SELECT g, repeat('c', 500) FROM generate_series(1, 2000) g) TO STDOUT",
        )]),
        ready(&[query(
            "COPY (SELECT 1 / (500 - g) FROM generate_series(1, 1000) g) TO STDOUT",
        )]),
        ready(&[query("COPY nothing TO STDOUT")]),
        ready(&[query("SELECT 1; COPY u TO STDOUT; SELECT 2")]),
        // By the extended protocol: Sync inside the data is passed over.
        kind(
            'G',
            &[
                parse("", "COPY u FROM STDIN"),
                bind("", ""),
                execute("", 0),
                flush(),
            ],
        ),
        ready(&[copy_data(b"8\teight\n"), copy_done(), sync()]),
        ready(&[
            parse("", "COPY u TO STDOUT"),
            bind("", ""),
            execute("", 0),
            sync(),
        ]),
        // Messages outside of a copy do nothing.
        ready(&[
            copy_data(b"9\n"),
            copy_done(),
            frame('f', b"\0"),
            query("SELECT count(*) FROM u"),
        ]),
    ]
}

fn functions() -> Vec<Step> {
    let number = |n: i32| n.to_be_bytes();
    vec![
        ready(&[query("BEGIN")]),
        // lo_open(424242, INV_READ | INV_WRITE), lowrite, lo_lseek, loread, lo_close: what libpq does.
        ready(&[function(952, &[&number(424_242), &number(0x60000)])]),
        ready(&[function(955, &[&number(0), &b"written".repeat(1_000)])]),
        ready(&[function(956, &[&number(0), &number(5), &number(0)])]),
        ready(&[function(954, &[&number(0), &number(6_000)])]),
        ready(&[function(953, &[&number(0)])]),
        ready(&[query("COMMIT")]),
        // int4div by zero, and no such function.
        ready(&[function(154, &[&number(1), &number(0)])]),
        ready(&[function(1, &[])]),
        Step {
            send: [function(154, &[&number(9), &number(3)]), query("SELECT 1")].concat(),
            until: Until::Ready(2),
        },
        ready(&[query(
            "SELECT lo_unlink(424242); DROP TABLE t CASCADE; DROP TABLE u",
        )]),
    ]
}
