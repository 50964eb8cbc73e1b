"""pg_activity: everything that it asks to fill its screen, without the screen."""

import time

import psycopg
from pgactivity.data import Data
from said import DATABASE, HOST, PASSWORD, PORT, USER, said

data = Data.pg_connect(host=HOST, port=PORT, user=USER, password=PASSWORD, database=DATABASE)
said("local", data.pg_is_local())
# Something to see: a client that waits.
waiting = psycopg.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE, application_name="seen")
with waiting.cursor() as cursor:
    cursor.execute("BEGIN")
    cursor.execute("SELECT 'waits'")
for mode in (1, 2, 3):
    data.get_duration_column(mode)
    said("running", [process.application_name for process in data.pg_get_activities(mode) if process.application_name == "seen"])
    said("waiting", data.pg_get_waiting(mode))
    said("blocking", data.pg_get_blocking(mode))
deadline = time.monotonic() + 30
while not any(process.application_name == "seen" for process in data.pg_get_activities(2)):
    if time.monotonic() > deadline:
        break
    time.sleep(0.1)
seen = [process for process in data.pg_get_activities(2) if process.application_name == "seen"]
for process in seen:
    said("seen", process.database, process.user, process.client, process.state, process.wait)
server = data.pg_get_server_information()
said("server", type(server).__name__, server.total > 0, server.waiting, server.active_connections is not None)
said("temporary files", data.pg_get_temporary_file())
said("senders", data.pg_get_wal_senders(), data.pg_get_wal_receivers(), data.pg_get_replication_slots())
said("cancelled", data.pg_cancel_backend(waiting.info.backend_pid))
said("terminated", data.pg_terminate_backend(waiting.info.backend_pid))
