"""What turns a database's tables into a program's source: peewee's pwiz, sqlacodegen; and pg8000, which sqlacodegen goes
through here."""

import io
import sys
from unittest import mock

import pg8000.native
import pwiz
import sqlalchemy
from playhouse.postgres_ext import PostgresqlExtDatabase
from playhouse.reflection import Introspector
from said import DATABASE, HOST, PASSWORD, PORT, USER, refused, said
from sqlacodegen.generators import DeclarativeGenerator, TablesGenerator


def lines(label, text):
    for line in text.splitlines():
        if line.strip() and not line.startswith(("#", "database = ")):
            said(label, line)


def of_peewee():
    database = PostgresqlExtDatabase(DATABASE, host=HOST, port=PORT, user=USER, password=PASSWORD)
    out = io.StringIO()
    with mock.patch("sys.stdout", out):
        pwiz.print_models(Introspector.from_database(database), preserve_order=True)
    # The classes, in an order of their own: which of two comes first is anybody's.
    for written in sorted(out.getvalue().split("\nclass ")):
        lines("pwiz", written)
    for table in sorted(database.get_tables()):
        said(f"indexes of {table}", *map(str, database.get_indexes(table)))
        said(f"foreign keys of {table}", *sorted(map(str, database.get_foreign_keys(table))))
    database.close()


def of_sqlacodegen():
    url = f"postgresql+pg8000://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}"
    for generator in (DeclarativeGenerator, TablesGenerator):
        engine = sqlalchemy.create_engine(url)
        metadata = sqlalchemy.MetaData()
        metadata.reflect(engine)
        lines(generator.__name__, generator(metadata, engine, set()).generate())
        engine.dispose()


def of_pg8000():
    client = pg8000.native.Connection(USER, host=HOST, port=PORT, database=DATABASE, password=PASSWORD)
    for value in (1, 2**40, 1.5, "it's", True, None, b"\x01\x02", [1, 2], ["a", None, "b c"], {"a": 1}):
        said(f"parameter {value!r}", client.run("SELECT cast(:v AS text)", v=value))
    known = "application_name = 'known'"
    said("any", client.run(f'SELECT "user" FROM sessions WHERE {known} AND "user" = ANY(:users) ORDER BY 1', users=["bob", "carol"]))
    prepared = client.prepare(f'SELECT count(*) FROM sessions WHERE {known} AND "user" = :user')
    said("prepared", *(prepared.run(user=user) for user in ("alice", "bob", "nobody")))
    prepared.close()
    out = io.BytesIO()
    client.run("COPY (SELECT 1, 'a' UNION ALL SELECT 2, NULL ORDER BY 1) TO STDOUT", stream=out)
    said("copied", out.getvalue())
    client.run("BEGIN")
    refused("division", lambda: client.run("SELECT 1/0"), pg8000.exceptions.DatabaseError)
    client.run("ROLLBACK")
    said("again", client.run("SELECT :a::int + 1", a=1))
    client.close()


of_peewee()
of_sqlacodegen()
of_pg8000()
sys.stdout.flush()
