"""The nanoseconds that one prepared look-up by id takes in each of two databases, medians of rounds that take turns."""

import statistics
import sys
import time

import psycopg

ROUNDS = 9
REPEATS = 500


def asker(port, user, database, table, key):
    connection = psycopg.connect(host="127.0.0.1", port=port, user=user, dbname=database, autocommit=True)
    connection.prepare_threshold = 0
    cursor = connection.cursor(binary=True)
    sql = f'SELECT id, service, "user", bytes_in FROM {table} WHERE id = %s'

    def ask():
        row = cursor.execute(sql, (key,)).fetchone()
        assert row[0] == key

    return ask


def main():
    given = sys.argv[1:]
    key = int(given.pop())
    askers = [asker(*given[:4], key), asker(*given[4:], key)]
    rounds = [[], []]
    for ask in askers:
        for _ in range(REPEATS):
            ask()
    for _ in range(ROUNDS):
        for ask, times in zip(askers, rounds):
            begun = time.perf_counter_ns()
            for _ in range(REPEATS):
                ask()
            times.append((time.perf_counter_ns() - begun) / REPEATS)
    print(*(statistics.median(times) for times in rounds))


main()
