"""psycopg 3: sync, async, pipeline, cursors on the server, COPY, binary, every type, arrays."""

import asyncio
import threading

import psycopg
from psycopg import sql
from psycopg.rows import dict_row, namedtuple_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from said import KNOWN, run, said

# An expression of every type that has a place in a table of PostgreSQL's or ours.
TYPES = {
    "bool": "true",
    "int2": "12::int2",
    "int4": "-7::int4",
    "int8": "9223372036854775807::int8",
    "float4": "1.5::float4",
    "float8": "0.1::float8",
    "numeric": "12.340::numeric(10,3)",
    "text": "'grün'::text",
    "varchar": "'v'::varchar(5)",
    "bpchar": "'b'::char(3)",
    "name": "'n'::name",
    "char": "'c'::\"char\"",
    "bytea": "'\\x00ff'::bytea",
    "date": "date '2024-02-29'",
    "time": "time '01:02:03.000004'",
    "timestamp": "timestamp '2024-02-29 01:02:03.000004'",
    "timestamptz": "timestamptz '2024-02-29 01:02:03.000004+00'",
    "interval": "interval '1 day 02:03:04'",
    "oid": "42::oid",
    "inet": "'10.0.0.1'::inet",
    "json": "'{\"a\": [1, null]}'::json",
    "jsonb": "'{\"a\": [1, null]}'::jsonb",
    "uuid": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
    "regtype": "'int8'::regtype",
    "xid": "'7'::xid",
    "unknown": "'u'",
    "null": "NULL",
    "int4[]": "ARRAY[1, NULL, 3]::int4[]",
    "int8[]": "ARRAY[1, 2]::int8[]",
    "text[]": "ARRAY['a', NULL, 'b,\"c']::text[]",
    "bool[]": "ARRAY[true, false]",
    "float8[]": "ARRAY[1.5, 2]::float8[]",
    "timestamptz[]": "ARRAY[timestamptz '2024-02-29 01:02:03+00']",
    "int4[][]": "ARRAY[ARRAY[1, 2], ARRAY[3, 4]]::int4[]",
    "empty[]": "'{}'::int4[]",
    "record": "ROW(1::int4, 'x'::text, NULL)",
}


def types():
    for binary in (False, True):
        with psycopg.connect(autocommit=True) as connection:
            cursor = connection.cursor(binary=binary)
            for name, expression in TYPES.items():
                label = f"{name} in {'binary' if binary else 'text'}"
                try:
                    row = cursor.execute(f"SELECT {expression} AS x").fetchone()
                    said(label, row[0], cursor.description[0].type_code)
                except psycopg.Error as error:
                    said(label, error.sqlstate, str(error).splitlines()[0])


def parameters():
    import datetime
    import decimal
    import ipaddress
    import uuid

    from psycopg.types.json import Json, Jsonb

    values = [
        True, 1, 40000, 3_000_000_000, 1.25, decimal.Decimal("1.0123456789"), "text", b"\x00\xff",
        datetime.date(2024, 2, 29), datetime.time(1, 2, 3), datetime.datetime(2024, 2, 29, 1, 2, 3),
        datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.timezone.utc), datetime.timedelta(days=1, seconds=5),
        uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), ipaddress.ip_address("10.0.0.1"), Json({"a": 1}), Jsonb([1]),
        [1, 2], ["a", None], [1.5], [True], [datetime.date(2024, 2, 29)], None,
    ]
    with psycopg.connect(autocommit=True) as connection:
        for placeholder in ("%s", "%b", "%t"):
            for value in values:
                label = f"parameter {placeholder} {type(value).__name__} {value if not isinstance(value, (Json, Jsonb)) else value.obj}"
                try:
                    row = connection.execute(f"SELECT x, pg_typeof(x)::text FROM (SELECT {placeholder} AS x) AS t", (value,)).fetchone()
                    said(label, *row)
                except psycopg.Error as error:
                    said(label, error.sqlstate, str(error).splitlines()[0])


def lists():
    with psycopg.connect(autocommit=True) as connection:
        known = f"SELECT \"user\" FROM sessions WHERE {KNOWN} AND "
        ids = [row[0] for row in connection.execute(f"SELECT id FROM sessions WHERE {KNOWN} ORDER BY id")]
        for binary in ("%s", "%b", "%t"):
            said(f"any {binary} of ids", connection.execute(f"{known} id = ANY({binary}) ORDER BY 1", (ids[:2],)).fetchall())
            said(f"any {binary} of names", connection.execute(f"{known} \"user\" = ANY({binary}) ORDER BY 1", (["alice", "carol"],)).fetchall())
            said(f"any {binary} of none", connection.execute(f"{known} id = ANY({binary}) ORDER BY 1", ([],)).fetchall())
            said(f"all {binary} of names", connection.execute(f"{known} \"user\" <> ALL({binary}) ORDER BY 1", (["alice"],)).fetchall())


def rows():
    with psycopg.connect(autocommit=True) as connection:
        said("server", connection.info.server_version // 10000, connection.info.dbname, connection.info.user, connection.info.encoding)
        said("parameters of the connection", connection.info.parameter_status("DateStyle"), connection.info.parameter_status("integer_datetimes"),
             connection.info.parameter_status("standard_conforming_strings"), connection.info.parameter_status("IntervalStyle"))
        ask = f'SELECT "user", service, protocol FROM sessions WHERE {KNOWN} ORDER BY "user"'
        said("dict_row", connection.cursor(row_factory=dict_row).execute(ask).fetchall())
        said("namedtuple_row", [row._asdict() for row in connection.cursor(row_factory=namedtuple_row).execute(ask)])
        cursor = connection.execute(ask)
        said("description", [(c.name, c.type_code, c.display_size, c.internal_size, c.null_ok) for c in cursor.description], cursor.rowcount, cursor.statusmessage)
        said("sessions' types", [(c.name, c.type_code, c.internal_size) for c in connection.execute("SELECT * FROM sessions LIMIT 0").description])
        # Prepared from the sixth execution on.
        for i in range(8):
            said(f"execution {i}", connection.execute("SELECT count(*) FROM sessions WHERE application_name = %s AND \"user\" = %s", ("known", "bob")).fetchone())
        said("executemany", connection.cursor().executemany("SELECT %s::int4 + 1", [(1,), (2,)], returning=False))
        cursor = connection.cursor()
        cursor.executemany("SELECT %s::int4 + 1", [(1,), (2,)], returning=True)
        results = [cursor.fetchone()]
        while cursor.nextset():
            results.append(cursor.fetchone())
        said("executemany returning", results)
        client = psycopg.ClientCursor(connection)
        said("client side", client.execute("SELECT %s, %s, %s", (1, "it's", [1, 2])).fetchone())
        many = connection.execute("SELECT 1::int4; SELECT 'two'")
        said("two statements", many.fetchall(), many.nextset(), many.fetchall())
        said("composed", connection.execute(sql.SQL("SELECT count(*) FROM {} WHERE {} = {}").format(
            sql.Identifier("public", "sessions"), sql.Identifier("application_name"), sql.Literal("known"))).fetchone())
        stream = connection.cursor().stream("SELECT g FROM generate_series(1, 5) g")
        said("stream", list(stream))
        with connection.cursor() as cursor:
            said("scroll", cursor.execute("SELECT g FROM generate_series(1, 5) g").scroll(3), cursor.fetchone())


def cursors():
    with psycopg.connect() as connection:
        with connection.cursor("forward") as cursor:
            cursor.itersize = 2
            cursor.execute("SELECT g::int8, 'row ' || g FROM generate_series(1, 5) g")
            said("iterated", list(cursor), cursor.description[1].name)
        for binary in (False, True):
            with connection.cursor("both", scrollable=True, binary=binary) as cursor:
                cursor.execute("SELECT g FROM generate_series(%s, 10) g", (1,))
                said("fetched", cursor.fetchone(), cursor.fetchmany(2))
                cursor.scroll(-2)
                said("scrolled back", cursor.fetchone())
                cursor.scroll(8, mode="absolute")
                said("scrolled on", cursor.fetchall())
                cursor.scroll(0, mode="absolute")
                said("at the start", cursor.fetchone())
        with connection.cursor("held", withhold=True) as cursor:
            cursor.execute("SELECT g FROM generate_series(1, 3) g")
            connection.commit()
            said("held", cursor.fetchall())
        cursor = connection.cursor("none", scrollable=False)
        cursor.execute("SELECT g FROM generate_series(1, 3) g")
        cursor.fetchone()
        try:
            cursor.scroll(-1)
            cursor.fetchone()
            said("backward", "not refused")
        except psycopg.Error as error:
            said("backward", error.sqlstate)


def transactions():
    with psycopg.connect() as connection:
        said("status", connection.info.transaction_status.name)
        connection.execute("SELECT 1")
        said("status", connection.info.transaction_status.name)
        try:
            connection.execute("SELECT 1/0")
        except psycopg.Error as error:
            said("division", error.sqlstate, error.diag.severity, error.diag.message_primary, connection.info.transaction_status.name)
        try:
            connection.execute("SELECT 1")
        except psycopg.Error as error:
            said("aborted", error.sqlstate, error.diag.message_primary)
        connection.rollback()
        with connection.transaction():
            said("outer", connection.execute("SELECT 1::int4").fetchone())
            try:
                with connection.transaction():
                    connection.execute("SELECT * FROM nothing")
            except psycopg.errors.UndefinedTable as error:
                said("inner", error.sqlstate, error.diag.message_primary, error.diag.statement_position)
            said("outer goes on", connection.execute("SELECT 2::int4").fetchone())
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True
        said("isolation", connection.execute("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')").fetchone())
        connection.rollback()
        try:
            connection.execute("DELETE FROM sessions")
        except psycopg.Error as error:
            said("delete", error.sqlstate)


def pipeline():
    with psycopg.connect(autocommit=True) as connection:
        with connection.pipeline() as pipe:
            cursors = [connection.execute("SELECT %s::int8 * 2", (i,)) for i in range(5)]
            pipe.sync()
            said("pipeline", [cursor.fetchone()[0] for cursor in cursors])
        try:
            with connection.pipeline() as pipe:
                first = connection.execute("SELECT 'before'")
                connection.execute("SELECT nothing")
                connection.execute("SELECT 'after'")
                pipe.sync()
        except psycopg.Error as error:
            said("pipeline with a mistake", error.sqlstate, first.fetchone())
        said("after it", connection.execute("SELECT 'goes on'").fetchone())


def copy():
    with psycopg.connect(autocommit=True) as connection:
        rows = "SELECT g::int4, 'row ' || g, NULL::text, timestamptz '2024-02-29 00:00+00' FROM generate_series(1, 3) g"
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY ({rows}) TO STDOUT") as copied:
                said("copied blocks", b"".join(copied))
            with cursor.copy(f"COPY ({rows}) TO STDOUT") as copied:
                said("copied rows", list(copied.rows()))
            with cursor.copy(f"COPY ({rows}) TO STDOUT (FORMAT binary)") as copied:
                copied.set_types(["int4", "text", "text", "timestamptz"])
                said("copied binary", list(copied.rows()))
            with cursor.copy(f"COPY ({rows}) TO STDOUT (FORMAT csv, HEADER)") as copied:
                said("copied csv", b"".join(copied))
            with cursor.copy("COPY (SELECT * FROM generate_series(%s, %s)) TO STDOUT", (1, 2)) as copied:
                said("copied with parameters", list(copied.rows()))
            said("after copies", cursor.execute("SELECT 1::int4").fetchone())


def catalogs():
    with psycopg.connect(autocommit=True) as connection:
        for name in ("int8", "timestamptz", "text", "inet"):
            info = psycopg.types.TypeInfo.fetch(connection, name)
            said(f"TypeInfo {name}", info.name, info.oid, info.array_oid, info.regtype, info.delimiter)
        said("TypeInfo of none", psycopg.types.TypeInfo.fetch(connection, "hstore"))
        said("CompositeInfo", _composite(psycopg.types.composite.CompositeInfo.fetch(connection, "services")))
        said("RangeInfo", psycopg.types.range.RangeInfo.fetch(connection, "int4range").subtype_oid)
        said("MultirangeInfo", psycopg.types.multirange.MultirangeInfo.fetch(connection, "int4multirange").subtype_oid)
        said("EnumInfo", psycopg.types.enum.EnumInfo.fetch(connection, "mood"))


def _composite(info):
    return info.name, list(info.field_names), list(info.field_types)


def notices():
    with psycopg.connect(autocommit=True) as connection:
        heard = []
        connection.add_notice_handler(lambda diag: heard.append((diag.severity, diag.sqlstate)))
        connection.execute("ROLLBACK")
        said("notice", heard)
        connection.execute("LISTEN nobody")
        said("notifies", list(connection.notifies(timeout=0)))


def cancel():
    with psycopg.connect(autocommit=True) as connection:
        connection.execute("SET statement_timeout = '100ms'")
        endless = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c"
        try:
            connection.execute(endless)
        except psycopg.Error as error:
            said("timeout", error.sqlstate)
        connection.execute("RESET statement_timeout")
        over = threading.Event()

        def cancel():
            # Whatever comes before the statement cancels nothing.
            while not over.wait(0.1):
                connection.cancel_safe()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        try:
            connection.execute(endless)
        except psycopg.Error as error:
            said("cancelled", error.sqlstate)
        over.set()
        canceller.join()


def pools():
    with ConnectionPool("", min_size=2, max_size=2, kwargs={"autocommit": True}) as pool:
        pool.wait(30)
        with pool.connection() as connection:
            connection.execute("SET TimeZone = 'Asia/Kathmandu'")
            said("pool", connection.execute("SHOW TimeZone").fetchone())
        pool.check()


async def asynchronous():
    async with await psycopg.AsyncConnection.connect(autocommit=True) as connection:
        cursor = await connection.execute(f'SELECT "user" FROM sessions WHERE {KNOWN} ORDER BY 1')
        said("async", await cursor.fetchall())
        async with connection.pipeline():
            cursors = await asyncio.gather(*(connection.execute("SELECT %s::int4", (i,)) for i in range(3)))
            said("async pipeline", [await cursor.fetchone() for cursor in cursors])
        async with connection.transaction(), connection.cursor("c") as cursor:
            await cursor.execute("SELECT g FROM generate_series(1, 4) g")
            said("async cursor", [row async for row in cursor])
        async with connection.cursor() as cursor, cursor.copy("COPY (SELECT 1::int4) TO STDOUT") as copied:
            said("async copy", [row async for row in copied.rows()])
        task = asyncio.create_task(connection.execute("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"))
        await asyncio.sleep(0.1)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            said("async cancelled", (await (await connection.execute("SELECT 'alive'")).fetchone()))
    async with AsyncConnectionPool("", min_size=1, max_size=2, open=False, kwargs={"autocommit": True}) as pool:
        async def one(i):
            async with pool.connection() as connection:
                cursor = await connection.execute("SELECT %s::int4", (i,))
                return (await cursor.fetchone())[0]

        said("async pool", await asyncio.gather(*(one(i) for i in range(6))))


for part in (types, parameters, lists, rows, cursors, transactions, pipeline, copy, catalogs, notices, cancel, pools):
    part()
run(asynchronous())
