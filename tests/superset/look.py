"""What a person does in Superset with a new database, by its API; then a picture of the chart by a browser."""

import json
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import requests

SUPERSET, ROLLCALL, PICTURE = sys.argv[1], sys.argv[2], Path(sys.argv[3])
HOST, PORT = ROLLCALL.split(":")
AROUND_NOW = "DATEADD(DATETIME('now'), -1, day) : DATEADD(DATETIME('now'), 1, day)"
USERS = ["checkout", "reports", "search", "batch"]


def crowd():
    """Forty sessions of four users, which arrive in some ten seconds."""
    sessions = []
    for number in range(40):
        user = USERS[number * number % len(USERS) if number % 3 else number % len(USERS)]
        sessions.append(psycopg2.connect(host=HOST, port=PORT, user=user, dbname="rollcall", application_name="crowd"))
        time.sleep(0.1 + number % 5 * 0.08)
    return sessions


class Superset:
    def __init__(self):
        self.session = requests.Session()

    def call(self, method, path, **more):
        answer = self.session.request(method, f"{SUPERSET}/api/v1{path}", timeout=60, **more)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()


def main():
    held = crowd()
    superset = Superset()
    uri = f"postgresql+psycopg2://analyst:none@{ROLLCALL}/rollcall"
    superset.call("POST", "/database/test_connection/", json={"sqlalchemy_uri": uri, "database_name": "Rollcall"})
    database = superset.call("POST", "/database/", json={"database_name": "Rollcall", "sqlalchemy_uri": uri, "expose_in_sqllab": True})["id"]
    print("added the database")

    schemas = superset.call("GET", f"/database/{database}/schemas/")["result"]
    assert sorted(schemas) == ["information_schema", "public"], schemas
    tables = superset.call("GET", f"/database/{database}/tables/?q=(schema_name:public)")["result"]
    names = [table["value"] for table in tables]
    assert names == ["connections", "filters", "listeners", "queries", "servers", "services", "session_filters", "sessions"], names
    about = superset.call("GET", f"/database/{database}/table_metadata/?name=sessions&schema=public")
    types = {column["name"]: column["type"] for column in about["columns"]}
    assert types["id"] == "BIGINT" and types["connected"].startswith("TIMESTAMP"), types
    assert {key["referred_table"] for key in about["foreignKeys"]} == {"services", "listeners"}, about["foreignKeys"]
    assert about["comment"] == "Who is connected", about["comment"]
    print("listed schemas, tables, columns, foreign keys and comments")

    dataset = superset.call("POST", "/dataset/", json={"database": database, "schema": "public", "table_name": "sessions"})["id"]
    columns = superset.call("GET", f"/dataset/{dataset}")["result"]["columns"]
    times = {column["column_name"] for column in columns if column["is_dttm"]}
    assert times == {"connected", "statement_started", "transaction_started"}, times
    print("made a dataset")

    answer = superset.call("POST", "/sqllab/execute/", json={
        "database_id": database, "schema": "public", "runAsync": False, "queryLimit": 100, "client_id": "look",
        "sql": "SELECT \"user\", count(*) AS n FROM sessions WHERE application_name = 'crowd' GROUP BY 1 ORDER BY 1"})
    assert [row["user"] for row in answer["data"]] == sorted(USERS), answer["data"]
    assert sum(row["n"] for row in answer["data"]) == len(held), answer["data"]
    print("asked in SQL Lab")

    crowd_only = {"col": "application_name", "op": "==", "val": "crowd"}
    for grain in ("PT1S", "PT1M", "PT1H", "P1D", "P1W", "P1M", "P3M", "P1Y"):
        answer = superset.call("POST", "/chart/data", json={
            "datasource": {"id": dataset, "type": "table"}, "force": True, "queries": [{
                "columns": [{"timeGrain": grain, "columnType": "BASE_AXIS", "sqlExpression": "connected", "label": "connected",
                             "expressionType": "SQL"}, "user"],
                "metrics": ["count"], "filters": [crowd_only, {"col": "connected", "op": "TEMPORAL_RANGE", "val": AROUND_NOW}],
                "orderby": [["count", False]], "row_limit": 1000}]})
        rows = answer["result"][0]["data"]
        assert sum(row["count"] for row in rows) == len(held), (grain, rows)
    print("drew charts with every time grain")

    parameters = {
        "datasource": f"{dataset}__table", "viz_type": "echarts_timeseries_bar", "x_axis": "connected", "time_grain_sqla": "PT1S",
        "metrics": ["count"], "groupby": ["user"], "row_limit": 10000, "stack": "Stack", "show_legend": True,
        "x_axis_title": "connected", "x_axis_time_format": "%H:%M:%S", "xAxisLabelInterval": "auto", "truncateXAxis": False, "y_axis_title": "sessions", "y_axis_title_margin": 40, "x_axis_title_margin": 30,
        "adhoc_filters": [
            {"clause": "WHERE", "subject": "connected", "operator": "TEMPORAL_RANGE", "comparator": "No filter", "expressionType": "SIMPLE"},
            {"clause": "WHERE", "subject": "application_name", "operator": "==", "comparator": "crowd", "expressionType": "SIMPLE"}],
    }
    chart = superset.call("POST", "/chart/", json={
        "slice_name": "Sessions by the second in which they connected", "viz_type": "echarts_timeseries_bar",
        "datasource_id": dataset, "datasource_type": "table", "params": json.dumps(parameters)})["id"]
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([
        "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,560",
        "--virtual-time-budget=30000", f"--screenshot={PICTURE}", f"{SUPERSET}/explore/?slice_id={chart}&standalone=1"],
        check=True, timeout=120, stderr=subprocess.DEVNULL)
    assert PICTURE.stat().st_size > 10_000, "an empty picture"
    print(f"took its picture: {PICTURE}")


main()
