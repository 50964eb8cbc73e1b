"""psycopg2: named cursors, copy_expert, what its extras do."""

import io

import psycopg2
import psycopg2.extras
import psycopg2.extensions

from said import KNOWN, said

ENDLESS = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c"


def connected():
    return psycopg2.connect("")


def rows():
    with connected() as connection, connection.cursor() as cursor:
        said("encoding", connection.encoding, connection.get_parameter_status("server_encoding"))
        cursor.execute(f'SELECT "user", service, active, port IS NOT NULL FROM sessions WHERE {KNOWN} AND "user" = %s', ("bob",))
        said("row", cursor.fetchone(), cursor.rowcount, cursor.statusmessage)
        said("description", [(c.name, c.type_code, c.internal_size) for c in cursor.description])
        cursor.execute("SELECT %s, %s::float8, %s, %s, %s::int4[]", (1, 1.5, None, "it's 100%", [1, 2]))
        said("adapted", cursor.fetchone())
        cursor.execute(f'SELECT "user" FROM sessions WHERE {KNOWN} AND "user" IN %s ORDER BY 1', (("alice", "carol"),))
        said("in a tuple", cursor.fetchall())
        cursor.execute(f'SELECT "user" FROM sessions WHERE {KNOWN} AND "user" = ANY(%s) ORDER BY 1', (["alice", "carol"],))
        said("any of a list", cursor.fetchall())
        cursor.execute("SELECT '{\"a\": 1}'::json, '[1]'::jsonb, '\\x00ff'::bytea, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid")
        said("converted", cursor.fetchone())
        psycopg2.extras.register_uuid(conn_or_curs=connection)
        psycopg2.extras.register_inet(conn_or_curs=connection)
        cursor.execute("SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, '10.0.0.1'::inet, date '2024-02-29', interval '1 day 2 hours'")
        said("registered", cursor.fetchone())
        cursor.execute("SELECT timestamptz '2024-02-29 01:02:03+00', timestamp '2024-02-29 01:02:03', time '01:02:03', 1.50::numeric(10, 2)")
        said("moments", cursor.fetchone())
        cursor.execute("SELECT ARRAY['a', NULL], ARRAY[1.5, 2]::float8[], ARRAY[date '2024-02-29']")
        said("arrays", cursor.fetchone())
    with connected() as connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(f'SELECT "user", service FROM sessions WHERE {KNOWN} ORDER BY "user"')
        said("dictionaries", [dict(row) for row in cursor.fetchall()])
    with connected() as connection, connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
        cursor.execute("SELECT 1::int4 AS a, 'x' AS b")
        said("named tuples", cursor.fetchone()._asdict())


def cursors():
    with connected() as connection:
        with connection.cursor("forward") as cursor:
            cursor.itersize = 2
            cursor.execute("SELECT g FROM generate_series(1, %s) g", (5,))
            said("iterated", list(cursor))
        with connection.cursor("both", scrollable=True) as cursor:
            cursor.execute("SELECT g FROM generate_series(1, 9) g")
            said("fetched", cursor.fetchmany(3))
            cursor.scroll(-2)
            said("scrolled back", cursor.fetchone())
            cursor.scroll(5, mode="absolute")
            said("scrolled on", cursor.fetchall())
        with connection.cursor("held", withhold=True) as cursor:
            cursor.execute("SELECT g FROM generate_series(1, 3) g")
            connection.commit()
            said("held", cursor.fetchall())
        with connection.cursor("known") as cursor:
            cursor.execute(f'SELECT "user" FROM sessions WHERE {KNOWN} ORDER BY "user"')
            said("known", cursor.fetchall())


def copy():
    rows = "SELECT g::int4, 'row ' || g, NULL::text FROM generate_series(1, 3) g"
    with connected() as connection, connection.cursor() as cursor:
        for form in ("", "WITH (FORMAT csv, HEADER)", "WITH CSV DELIMITER ';' QUOTE ''''", "WITH (FORMAT text, DELIMITER '|', NULL 'none')"):
            out = io.StringIO()
            cursor.copy_expert(f"COPY ({rows}) TO STDOUT {form}", out)
            said(f"copy {form}", out.getvalue())
        out = io.BytesIO()
        cursor.copy_expert(f"COPY ({rows}) TO STDOUT (FORMAT binary)", out)
        said("copy binary", out.getvalue())
        out = io.StringIO()
        cursor.copy_to(out, "services", columns=("name", "router"))
        said("copy_to", out.getvalue())
        try:
            cursor.copy_expert("COPY sessions FROM STDIN", io.StringIO(""))
            said("copy from", "not refused")
        except psycopg2.Error as error:
            said("copy from", error.pgcode)


def transactions():
    connection = connected()
    said("status", connection.status, connection.info.transaction_status)
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT * FROM nothing")
    except psycopg2.Error as error:
        said("mistake", type(error).__name__, error.pgcode, error.diag.message_primary, error.diag.statement_position, error.diag.severity)
    try:
        cursor.execute("SELECT 1")
    except psycopg2.Error as error:
        said("aborted", type(error).__name__, error.pgcode)
    connection.rollback()
    cursor.execute("SAVEPOINT s")
    try:
        cursor.execute("SELECT 1/0")
    except psycopg2.Error as error:
        said("division", type(error).__name__)
    cursor.execute("ROLLBACK TO SAVEPOINT s")
    cursor.execute("SELECT 1::int4")
    said("after savepoint", cursor.fetchone())
    connection.rollback()
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    cursor.execute("SHOW transaction_isolation")
    said("isolation", cursor.fetchone())
    connection.rollback()
    connection.reset()
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET statement_timeout = 100")
    try:
        cursor.execute(ENDLESS)
    except psycopg2.Error as error:
        said("timeout", type(error).__name__, error.pgcode)
    cursor.execute("ROLLBACK")
    said("notices", connection.notices)
    cursor.execute("SELECT 1::int4; SELECT 2::int4")
    said("the last of two", cursor.fetchall())
    connection.close()


def others():
    with connected() as connection, connection.cursor() as cursor:
        psycopg2.extras.execute_batch(cursor, "SELECT %s", [(1,), (2,)])
        said("batch", cursor.statusmessage)
        said("values", psycopg2.extras.execute_values(cursor, "SELECT * FROM (VALUES %s) v (a, b) ORDER BY a", [(2, "two"), (1, "one")], fetch=True))
        try:
            psycopg2.extras.register_hstore(cursor)
        except psycopg2.Error as error:
            said("hstore", str(error).strip())
        said("version", connection.server_version >= 150000, connection.protocol_version)


for part in (rows, cursors, copy, transactions, others):
    part()
