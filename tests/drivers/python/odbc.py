"""psqlODBC through pyodbc: what Excel, Power BI and Tableau ask, with the options that they set."""

import datetime
import decimal

import pyodbc

from said import DATABASE, HOST, KNOWN, PASSWORD, PORT, USER, said

BASE = f"Driver=PostgreSQL Unicode;Server={HOST};Port={PORT};Database={DATABASE};Uid={USER};Pwd={PASSWORD}"
ENDLESS = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c"


def rows(cursor):
    return [tuple(row) for row in cursor]


def catalog(connection):
    cursor = connection.cursor()
    said("name and version", connection.getinfo(pyodbc.SQL_DBMS_NAME), connection.getinfo(pyodbc.SQL_DBMS_VER)[:2], connection.getinfo(pyodbc.SQL_DATABASE_NAME))
    said("tables", rows(cursor.tables(schema="public")))
    said("one table", rows(cursor.tables(table="sessions", tableType="TABLE")))
    said("schemas", sorted(row[1] for row in cursor.tables(catalog="", schema="%", table="") if row[1] != "pg_toast"))
    said("catalogs", rows(cursor.tables(catalog="%", schema="", table="")))
    said("table types", sorted(row[3] for row in cursor.tables(catalog="", schema="", table="", tableType="%")))
    said("views", sorted(row[2] for row in cursor.tables(schema="pg_catalog", tableType="SYSTEM TABLE"))[:3])
    for table in ("sessions", "connections", "services"):
        for row in rows(cursor.columns(schema="public", table=table)):
            # All but the oid of the table.
            said(f"column {table}.{row[3]}", row[:22], row[23:])
        said(f"primary key of {table}", rows(cursor.primaryKeys(schema="public", table=table)))
        said(f"foreign keys of {table}", sorted(rows(cursor.foreignKeys(foreignSchema="public", foreignTable=table))))
        said(f"foreign keys to {table}", sorted(rows(cursor.foreignKeys(schema="public", table=table))))
        said(f"statistics of {table}", [(row[2], row[3], row[5], row[6], row[7], row[8]) for row in cursor.statistics(schema="public", table=table, quick=True)])
        said(f"row id of {table}", rows(cursor.rowIdColumns(schema="public", table=table)))
        said(f"row version of {table}", rows(cursor.rowVerColumns(schema="public", table=table)))
    said("types", sorted({row[0] for row in cursor.getTypeInfo()}))
    said("procedures", rows(cursor.procedures(procedure="pg_backend_pid")))


def queries(connection):
    cursor = connection.cursor()
    known = cursor.execute(f'SELECT "user", service, active, port > 0 AS tcp FROM sessions WHERE {KNOWN} ORDER BY "user"')
    said("rows", rows(known))
    said("description", [(c[0], c[1].__name__, c[3], c[4], c[5]) for c in cursor.execute("SELECT * FROM sessions WHERE id < 0").description])
    said("parameter", rows(cursor.execute(f'SELECT "user" FROM sessions WHERE {KNOWN} AND "user" = ?', "bob")))
    said("parameters", rows(cursor.execute(
        f'SELECT "user" FROM sessions WHERE {KNOWN} AND "user" IN (?, ?) AND port > ? AND connected > ? AND active = ? ORDER BY 1',
        "alice", "carol", 0, datetime.datetime(2024, 2, 29, 1, 2, 3), False)))
    said("prepared", [rows(cursor.execute("SELECT ? + 1", i)) for i in range(4)])
    said("echoed", rows(cursor.execute("SELECT ?, ?, ?, ?, ?, ?::text", 7, "grün", 1.5, decimal.Decimal("12.50"), datetime.date(2024, 2, 29), None)))
    said("types", rows(cursor.execute(
        "SELECT true, 1::int2, 2::int4, 3::int8, 1.5::float8, 12.50::numeric(10, 2), 'text'::text, 'v'::varchar(5), date '2024-02-29', time '01:02:03',"
        " timestamp '2024-02-29 01:02:03', timestamptz '2024-02-29 01:02:03+00', '\\x00ff'::bytea, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid,"
        " interval '1 day', ARRAY[1, 2]::int4[], '[1]'::jsonb, NULL::int4, NULL::text")))
    said("many", len(cursor.execute("SELECT g FROM generate_series(1, 1000) g").fetchall()))
    said("fetchmany", rows(cursor.execute("SELECT g FROM generate_series(1, 10) g").fetchmany(3)))
    said("several", rows(cursor.execute("SELECT 1::int4; SELECT 2::int4")), cursor.nextset(), rows(cursor))
    said("escapes", rows(cursor.execute("SELECT {fn CONCAT('a', 'b')}, {d '2024-02-29'}, {fn UCASE('x')}, {fn CURDATE()} = current_date")))
    for label, sql in (("table", "SELECT * FROM nothing"), ("syntax", "SELEC 1"), ("division", "SELECT 1/0"), ("write", "DELETE FROM sessions")):
        try:
            cursor.execute(sql).fetchall()
            said(f"mistake {label}", "not refused")
        except pyodbc.Error as error:
            said(f"mistake {label}", error.args[0])
    said("goes on", rows(cursor.execute("SELECT 1::int4")))


def transactions():
    with pyodbc.connect(BASE, autocommit=False) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        try:
            cursor.execute("SELECT * FROM nothing")
        except pyodbc.Error:
            connection.rollback()
        said("rolled back", rows(cursor.execute("SELECT 2::int4")))
        connection.commit()
        cursor.execute("SET LOCAL statement_timeout = 100")
        try:
            cursor.execute(ENDLESS).fetchall()
        except pyodbc.Error as error:
            said("timeout", error.args[0])
        connection.rollback()
        said("isolation", connection.getinfo(pyodbc.SQL_DEFAULT_TXN_ISOLATION))


OPTIONS = {
    "plain": "",
    "cursors": "UseDeclareFetch=1;Fetch=3",
    "server side": "UseServerSidePrepare=1",
    "both": "UseDeclareFetch=1;UseServerSidePrepare=1;Fetch=2",
    "client side": "UseServerSidePrepare=0",
    "as Excel": "BoolsAsChar=0;TextAsLongVarchar=1;MaxVarcharSize=4000;RowVersioning=1;ShowSystemTables=1;Protocol=7.4-1",
    "roll back statements": "Protocol=7.4-2",
}
for name, options in OPTIONS.items():
    print(f"== {name}: ", flush=True)
    with pyodbc.connect(f"{BASE};{options}", autocommit=name != "roll back statements") as connection:
        if name in ("plain", "as Excel"):
            catalog(connection)
        queries(connection)
transactions()
