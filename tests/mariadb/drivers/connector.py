"""What mysql-connector-python finds: as the others beside it, see `drivers.rs`."""

import sys
import threading

import mysql.connector

port, tls, pure = sys.argv[1:]


def connect():
    return mysql.connector.connect(
        host="127.0.0.1", port=int(port), user="app", password="secret", database="app",
        use_pure=pure == "pure", ssl_disabled=tls != "tls",
        # Its default is one of MySQL 8 alone.
        charset="utf8mb4", collation="utf8mb4_general_ci",
    )


connection = connect()
print("session", connection.connection_id, flush=True)
sys.stdin.readline()

cursor = connection.cursor()
cursor.execute("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, name TEXT)")
prepared = connection.cursor(prepared=True)
prepared.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"row {n}") for n in range(1000)])
connection.commit()
prepared.execute("SELECT CAST(SUM(id) AS INT), MIN(name) FROM t WHERE id < ?", (500,))
print("sum", *prepared.fetchone())
connection.rollback()

for ends in ["rollback", "commit"]:
    connection.start_transaction()
    prepared.execute("DELETE FROM t WHERE id < ?", (10,))
    cursor.execute("SELECT @@in_transaction")
    print("inside", cursor.fetchone()[0])
    getattr(connection, ends)()
    cursor.execute("SELECT COUNT(*) FROM t")
    print(ends, cursor.fetchone()[0])
    connection.rollback()

try:
    cursor.execute("SELECT * FROM nowhere")
except mysql.connector.Error as error:
    print("error", error.errno)
cursor.execute("SELECT LENGTH(%s)", ("x" * 20_000_000,))
print("length", cursor.fetchone()[0])

other = connect()


def kill():
    asking = other.cursor()
    while True:
        asking.execute("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'")
        if asking.fetchone()[0] == 1:
            break
    asking.execute(f"KILL QUERY {connection.connection_id}")


killing = threading.Thread(target=kill)
killing.start()
try:
    cursor.execute("SELECT SLEEP(600)")
    print("killed" if cursor.fetchone()[0] == 1 else "not killed")
except mysql.connector.Error as error:
    print("killed" if error.errno == 1317 else f"not killed: {error}")
killing.join()
connection.cmd_reset_connection()
print("reset true")
cursor = connection.cursor()
cursor.execute("SELECT 1")
print("alive", cursor.fetchone()[0])
other.close()
connection.close()
