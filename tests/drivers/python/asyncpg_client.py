"""asyncpg: pool with reset, prepared statements, cursors, introspection of types."""

import asyncio
import datetime
import decimal
import ipaddress
import uuid

import asyncpg

from said import DATABASE, HOST, KNOWN, PASSWORD, PORT, USER, run, said

ENDLESS = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c"


def connected(**more):
    return asyncpg.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, database=DATABASE, **more)


async def fetches(connection):
    said("version", connection.get_server_version()[:1], connection.get_settings().server_encoding)
    rows = await connection.fetch(f'SELECT "user", service, port > 0 AS tcp FROM sessions WHERE {KNOWN} ORDER BY "user"')
    said("rows", [dict(row) for row in rows])
    said("value", await connection.fetchval(f'SELECT count(*) FROM sessions WHERE {KNOWN} AND "user" = $1', "bob"))
    ids = [row["id"] for row in await connection.fetch(f"SELECT id FROM sessions WHERE {KNOWN} ORDER BY id")]
    said("by id", await connection.fetchval('SELECT "user" FROM sessions WHERE id = $1', ids[1]))
    said("any of ids", [row[0] for row in await connection.fetch('SELECT "user" FROM sessions WHERE id = ANY($1) ORDER BY 1', ids[:2])])
    said("any of typed ids", [row[0] for row in await connection.fetch('SELECT "user" FROM sessions WHERE id = ANY($1::bigint[]) ORDER BY 1', ids[:2])])
    said("any of names", [row[0] for row in await connection.fetch(f'SELECT "user" FROM sessions WHERE {KNOWN} AND "user" = ANY($1::text[]) ORDER BY 1', ["alice"])])
    said("status", await connection.execute("SELECT 1"), await connection.execute("SET application_name = 'a'"))
    said("row", await connection.fetchrow("SELECT 1::int4 AS a, 'x' AS b"))
    said("many", await connection.fetchmany("SELECT $1::int4 * 2 AS x", [(1,), (2,)]))
    said("executemany", await connection.executemany("SELECT $1::int4", [(1,), (2,)]))


async def types(connection):
    for cast, value in (
        ("bool", True), ("int2", 7), ("int4", 7), ("int8", 7), ("float4", 1.5), ("float8", 1.5), ("text", "grün"), ("varchar", "v"),
        ("bytea", b"\x00\xff"), ("date", datetime.date(2024, 2, 29)), ("time", datetime.time(1, 2, 3, 4)),
        ("timestamp", datetime.datetime(2024, 2, 29, 1, 2, 3, 4)),
        ("timestamptz", datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)),
        ("interval", datetime.timedelta(days=1, seconds=5)), ("numeric", decimal.Decimal("12.0123456789")),
        ("uuid", uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")), ("inet", ipaddress.ip_interface("10.0.0.1/8")),
        ("json", '{"a":1}'), ("jsonb", '{"a": 1}'), ("oid", 42), ("name", "n"),
        ("int4[]", [1, None, 3]), ("int8[]", [1, 2]), ("text[]", ["a", None]), ("bool[]", [True]), ("float8[]", [1.5]),
        ("timestamptz[]", [datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)]),
    ):
        said(f"type {cast}", await connection.fetchval(f"SELECT $1::{cast}", value), await connection.fetchval(f"SELECT $1::{cast}", None))
    statement = await connection.prepare("SELECT $1::int8, $2::text, $3::timestamptz[], NULL::uuid, '1'::numeric(4, 1)")
    said("parameters", [(p.name, p.oid, p.kind, p.schema) for p in statement.get_parameters()])
    said("attributes", [(a.name, a.type.name, a.type.oid, a.type.kind, a.type.schema) for a in statement.get_attributes()])
    statement = await connection.prepare("SELECT * FROM sessions WHERE id = $1 AND \"user\" = $2 AND connected > $3")
    said("parameters of sessions", [p.name for p in statement.get_parameters()])
    said("attributes of sessions", [(a.name, a.type.name) for a in statement.get_attributes()])
    # Types that asyncpg does not know by itself: it asks the catalog for them.
    said("introspected", await connection.fetchval("SELECT relacl FROM pg_class WHERE relname = 'sessions'"))
    said("vectors", await connection.fetchval("SELECT indkey FROM pg_index WHERE indrelid = 'sessions'::regclass"))
    said("record", await connection.fetchval("SELECT ROW(1::int4, 'x'::text)"))
    await connection.set_type_codec("json", encoder=str, decoder=len, schema="pg_catalog")
    said("codec", await connection.fetchval("SELECT '{\"a\":1}'::json"))
    await connection.reset_type_codec("json", schema="pg_catalog")
    await connection.reload_schema_state()


async def cursors(connection):
    async with connection.transaction():
        said("cursor", [row[0] async for row in connection.cursor("SELECT g FROM generate_series(1, $1::int4) g", 7, prefetch=2)])
        cursor = await connection.cursor("SELECT g FROM generate_series(1, 9) g")
        said("fetched", await cursor.fetch(2), await cursor.forward(3), await cursor.fetchrow())
        statement = await connection.prepare("SELECT g, 'row ' || g AS text FROM generate_series(1, 3) g")
        said("of a statement", [tuple(row) async for row in statement.cursor()])


async def transactions(connection):
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        said("isolation", await connection.fetchval("SHOW transaction_isolation"))
        try:
            async with connection.transaction():
                await connection.execute("SELECT * FROM nothing")
        except asyncpg.UndefinedTableError as error:
            said("savepoint", error.sqlstate, error.message, error.position)
        said("goes on", await connection.fetchval("SELECT 2::int4"))
    for sql in ("SELECT 1/0", "SELECT no FROM sessions", "SELEC 1", "DELETE FROM sessions", "SELECT no(1)", "SELECT 'x'::int4"):
        try:
            await connection.fetch(sql)
            said(sql, "not refused")
        except asyncpg.PostgresError as error:
            said(sql, type(error).__name__, error.sqlstate)
    try:
        await connection.fetch(ENDLESS, timeout=0.2)
    except asyncio.TimeoutError:
        said("timeout", await connection.fetchval("SELECT 'alive'"))
    await connection.execute("SET statement_timeout = '100ms'")
    try:
        await connection.fetch(ENDLESS)
    except asyncpg.QueryCanceledError as error:
        said("statement_timeout", error.sqlstate)


async def copies(connection):
    import io

    for options in ({}, {"format": "csv", "header": True}, {"format": "binary"}):
        out = io.BytesIO()
        status = await connection.copy_from_query("SELECT g::int4, 'row ' || g FROM generate_series($1::int4, 3) g", 1, output=out, **options)
        said(f"copy_from_query {options}", status, out.getvalue())
    out = io.BytesIO()
    said("copy_from_table", await connection.copy_from_table("services", output=out, columns=["name", "router"]), out.getvalue())


async def pools():
    async def prepare(connection):
        await connection.execute("SET TimeZone = 'Asia/Kathmandu'")

    async with asyncpg.create_pool(
        host=HOST, port=PORT, user=USER, password=PASSWORD, database=DATABASE, min_size=1, max_size=2, setup=prepare
    ) as pool:
        async with pool.acquire() as connection:
            said("set up", await connection.fetchval("SHOW TimeZone"))
            await connection.execute("SET application_name = 'changed'")
            await connection.execute("LISTEN channel")
            await connection.fetchval("SELECT pg_advisory_unlock_all()")
        async with pool.acquire() as connection:
            said("reset", await connection.fetchval("SHOW application_name"), await connection.fetchval("SHOW TimeZone"))

        async def one(i):
            return await pool.fetchval("SELECT $1::int4 * 2", i)

        said("together", await asyncio.gather(*(one(i) for i in range(10))))


async def everything():
    connection = await connected(server_settings={"application_name": "asyncpg", "jit": "off"})
    said("settings", await connection.fetchval("SHOW application_name"), await connection.fetchval("SHOW jit"))
    for part in (fetches, types, cursors, transactions, copies):
        await part(connection)
    await connection.close()
    await pools()


run(everything())
