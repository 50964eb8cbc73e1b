"""What turns results into data frames: pandas, polars, ADBC, connectorx."""

import adbc_driver_postgresql.dbapi
import pandas
import polars
from sqlalchemy import create_engine

from said import DATABASE, HOST, KNOWN, PASSWORD, PORT, USER, said

URI = f"postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}"
ASK = f'SELECT "user", service, active, in_transaction, port IS NULL AS no_port FROM sessions WHERE {KNOWN} ORDER BY "user"'
TYPES = """SELECT g::int2 AS a, g::int4 AS b, g::int8 AS c, g::float4 AS d, g::float8 AS e, 'row ' || g AS f, g > 1 AS h,
    timestamptz '2024-02-29 00:00+00' AS i, timestamp '2024-02-29 00:00' AS j, date '2024-02-29' AS k, NULL::text AS l
    FROM generate_series(1, 3) g ORDER BY g"""


def with_pandas():
    engine = create_engine(f"postgresql+psycopg2://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}")
    frame = pandas.read_sql(ASK, engine)
    said("pandas", frame.to_dict("list"))
    frame = pandas.read_sql(TYPES, engine)
    said("pandas types", {name: str(kind) for name, kind in frame.dtypes.items()}, frame.astype(str).to_dict("list"))
    frame = pandas.read_sql_table("services", engine, columns=["name", "router"])
    said("pandas table", frame.to_dict("list"))
    said("pandas index", pandas.read_sql_query(ASK, engine, index_col="user").index.tolist())
    chunks = pandas.read_sql_query(TYPES, engine, chunksize=2)
    said("pandas chunks", [len(chunk) for chunk in chunks])
    said("pandas parameters", pandas.read_sql_query(
        'SELECT count(*) AS n FROM sessions WHERE "user" = %(user)s', engine, params={"user": "bob"}).to_dict("list"))
    engine.dispose()


def with_polars():
    for engine in ("adbc", "connectorx"):
        frame = polars.read_database_uri(ASK, URI, engine=engine)
        said(f"polars {engine}", frame.to_dict(as_series=False))
        frame = polars.read_database_uri(TYPES, URI, engine=engine)
        said(f"polars {engine} types", {name: str(kind) for name, kind in frame.schema.items()}, str(frame.rows()))
    with adbc_driver_postgresql.dbapi.connect(URI) as connection:
        said("polars connection", polars.read_database(ASK, connection).to_dict(as_series=False))


def with_adbc():
    with adbc_driver_postgresql.dbapi.connect(URI) as connection:
        with connection.cursor() as cursor:
            cursor.execute(ASK)
            table = cursor.fetch_arrow_table()
            said("adbc", table.to_pydict(), str(table.schema.types))
            cursor.execute(TYPES)
            table = cursor.fetch_arrow_table()
            said("adbc types", str(table.schema.types), str(table.to_pylist()[0]))
            cursor.execute(f'SELECT "user" FROM sessions WHERE {KNOWN} AND "user" = $1', ("bob",))
            said("adbc parameters", cursor.fetchall())
            cursor.execute("SELECT relname, reltuples > -2 AS r, relkind FROM pg_class WHERE relname = 'sessions'")
            said("adbc catalog", cursor.fetchall())
            cursor.execute("SELECT ARRAY[1, 2]::int4[], 'x'::name, 12.50::numeric(10, 2)")
            said("adbc arrays", cursor.fetchall())
            try:
                cursor.execute("SELECT * FROM nothing")
            except adbc_driver_postgresql.dbapi.Error as error:
                said("adbc mistake", error.sqlstate)
        connection.rollback()
        said("adbc table types", sorted(connection.adbc_get_table_types()))
        said("adbc schema", connection.adbc_get_table_schema("services"))
        info = connection.adbc_get_info()
        said("adbc info", info["vendor_name"])
        objects = connection.adbc_get_objects(depth="all", db_schema_filter="public", table_name_filter="sessions").read_all().to_pylist()
        said("adbc objects", [
            (schema["db_schema_name"], table["table_name"], table["table_type"],
             sorted((column["column_name"], column["ordinal_position"], column["remarks"]) for column in table["table_columns"]),
             sorted((c["constraint_type"], c["constraint_column_names"]) for c in table["table_constraints"]))
            for catalog in objects if catalog["catalog_name"] == DATABASE
            for schema in catalog["catalog_db_schemas"] or [] for table in schema["db_schema_tables"] or []])


for part in (with_pandas, with_polars, with_adbc):
    part()
