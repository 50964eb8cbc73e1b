"""pgcli: what it asks for completion, and its special commands."""

from pgcli.pgexecute import PGExecute

from said import DATABASE, HOST, PASSWORD, PORT, USER, said

executor = PGExecute(database=DATABASE, user=USER, password=PASSWORD, host=HOST, port=str(PORT), dsn=None)
said("search_path", executor.search_path())
said("schemata", sorted(executor.schemata()))
said("tables", sorted(executor.tables()))
said("views", ("pg_catalog", "pg_stat_activity") in list(executor.views()))
public = [column for column in executor.table_columns() if column[0] == "public"]
said("columns", sorted(tuple(column) for column in public))
said("view columns", len(list(executor.view_columns())) > 500)
said("databases", sorted(executor.databases()))
said("foreign keys", sorted(tuple(key) for key in executor.foreignkeys()))
names = {function.func_name for function in executor.functions()}
said("functions", {"now", "pg_backend_pid", "generate_series", "count"} <= names)
types = {name for schema, name in executor.datatypes() if schema == "pg_catalog"}
said("datatypes", {"int8", "text", "timestamptz"} <= types)
said("casing", executor.casing() is not None)
said("server version", executor.server_version is not None)

for command in ("SELECT 1::int4 AS one, 'x' AS x", "SELECT \"user\" FROM sessions WHERE application_name = 'known' ORDER BY 1"):
    results = executor.run(command)
    for title, rows, headers, status, *_ in results:
        said(f"run {command}", title, list(headers or []), [tuple(row) for row in rows or []], status)
