"""SQLAlchemy 2: reflection through three drivers, queries by table objects."""

from sqlalchemy import MetaData, Table, create_engine, func, inspect, select, text

from said import DATABASE, HOST, PASSWORD, PORT, USER, said

ENDINGS = ("fkey", "pkey")


def reflection(engine):
    inspector = inspect(engine)
    said("schemas", inspector.get_schema_names(), inspector.default_schema_name)
    said("tables", sorted(inspector.get_table_names()), inspector.get_view_names(), inspector.get_materialized_view_names())
    said("tables of pg_catalog", len(inspector.get_table_names("pg_catalog")) > 60, "pg_class" in inspector.get_table_names("pg_catalog"))
    said("views of pg_catalog", "pg_stat_activity" in inspector.get_view_names("pg_catalog"))
    said("information_schema", "tables" in inspector.get_view_names("information_schema"))
    said("has", inspector.has_table("sessions"), inspector.has_table("nothing"), inspector.has_schema("public"), inspector.has_schema("no"))
    for table in sorted(inspector.get_table_names()):
        for column in inspector.get_columns(table):
            said(f"column {table}.{column['name']}", repr(column["type"]), column["nullable"], column["default"], column["comment"],
                 column.get("autoincrement"))
        said(f"primary key of {table}", inspector.get_pk_constraint(table)["constrained_columns"], inspector.get_pk_constraint(table)["name"])
        for key in sorted(inspector.get_foreign_keys(table), key=lambda key: key["name"]):
            said(f"foreign key {key['name']}", key["constrained_columns"], key["referred_schema"], key["referred_table"], key["referred_columns"])
        said(f"indexes of {table}", [(index["name"], index["column_names"], index["unique"]) for index in inspector.get_indexes(table)])
        said(f"unique of {table}", inspector.get_unique_constraints(table))
        said(f"checks of {table}", inspector.get_check_constraints(table))
        said(f"comment of {table}", inspector.get_table_comment(table))
    said("sequences", inspector.get_sequence_names())
    said("enums", inspector.get_enums())
    said("domains", inspector.get_domains())
    said("multi", sorted(key[1] for key in inspector.get_multi_columns()))


def queries(engine):
    metadata = MetaData()
    metadata.reflect(engine)
    said("reflected", sorted(metadata.tables))
    sessions = metadata.tables["sessions"]
    services = Table("services", MetaData(), autoload_with=engine)
    known = sessions.c.application_name == "known"
    with engine.connect() as connection:
        said("select", connection.execute(select(sessions.c.user, sessions.c.service).where(known).order_by(sessions.c.user)).all())
        said("join", connection.execute(
            select(services.c.router, func.count()).join(sessions, sessions.c.service == services.c.name).where(known).group_by(services.c.router)
        ).all())
        said("in", connection.execute(select(sessions.c.user).where(known, sessions.c.user.in_(["alice", "bob"])).order_by(sessions.c.user.desc())).all())
        said("like", connection.execute(select(sessions.c.user).where(known, sessions.c.user.ilike("%A%")).order_by(sessions.c.user)).all())
        said("page", connection.execute(select(sessions.c.user).where(known).order_by(sessions.c.user).limit(1).offset(1)).all())
        said("window", connection.execute(
            select(sessions.c.user, func.row_number().over(order_by=sessions.c.user)).where(known).order_by(sessions.c.user)).all())
        said("text", connection.execute(text("SELECT :a + 1 AS b"), {"a": 1}).mappings().all())
        said("scalar", connection.scalar(select(func.count()).select_from(sessions).where(known)))
        stream = connection.execution_options(stream_results=True, max_row_buffer=2).execute(
            text("SELECT g FROM generate_series(1, 5) g"))
        said("stream", stream.scalars().all())
        try:
            connection.execute(text("SELECT * FROM nothing"))
        except Exception as error:
            said("mistake", type(error).__name__, type(error.orig).__name__)
        connection.rollback()
        said("isolation", connection.get_isolation_level())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        said("autocommit", connection.scalar(select(1)))
    said("version", engine.dialect.server_version_info[:1])


for driver in ("psycopg2", "psycopg"):
    print(f"== {driver}")
    engine = create_engine(f"postgresql+{driver}://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}", pool_pre_ping=True)
    reflection(engine)
    queries(engine)
    engine.dispose()
