"""Django: inspectdb and what it rests on, queries of its ORM in both ways of binding, transactions."""

import contextlib
import io
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections, models, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Subquery, Value, When, Window
from django.db.models.functions import ExtractIsoWeekDay, ExtractYear, RowNumber, TruncDate, TruncHour, TruncQuarter
from django.db.utils import Error
from said import DATABASE, HOST, PASSWORD, PORT, USER, refused, said


def database(**options):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": HOST,
        "PORT": PORT,
        "USER": USER,
        "PASSWORD": PASSWORD,
        "NAME": DATABASE,
        "OPTIONS": options,
    }


settings.configure(
    DATABASES={"default": database(), "bound": database(server_side_binding=True)},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.postgres"],
    USE_TZ=True,
)
django.setup()


class Session(models.Model):
    id = models.BigIntegerField(primary_key=True)
    service = models.TextField()
    user = models.TextField(null=True)
    connected = models.DateTimeField()
    port = models.IntegerField(null=True)
    active = models.BooleanField()
    application_name = models.TextField(null=True)
    statements = models.BigIntegerField()
    tls = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "sessions"
        app_label = "rollcall"


class Connection(models.Model):
    session = models.ForeignKey(Session, models.DO_NOTHING, primary_key=True)
    server = models.TextField()

    class Meta:
        managed = False
        db_table = "connections"
        app_label = "rollcall"


def inspected():
    out = io.StringIO()
    call_command("inspectdb", stdout=out)
    for line in out.getvalue().splitlines():
        if line.strip():
            said("inspectdb", line)


def introspection(connection):
    with connection.cursor() as cursor:
        of = connection.introspection
        for table in sorted(of.get_table_list(cursor), key=lambda table: table.name):
            said("table", table.name, table.type, table.comment)
            for column in of.get_table_description(cursor, table.name):
                said(f"column of {table.name}", *map(str, column))
            said(f"key of {table.name}", of.get_primary_key_columns(cursor, table.name))
            for name, constraint in sorted(of.get_constraints(cursor, table.name).items()):
                said(name, *(str(constraint[key]) for key in sorted(constraint)))
            said(f"relations of {table.name}", *sorted(map(str, of.get_relations(cursor, table.name).items())))


def asked(alias):
    known = Session.objects.using(alias).filter(application_name="known")
    of_session = Connection.objects.filter(session=OuterRef("pk"))
    said("users", list(known.order_by("user").values_list("user", flat=True)))
    said("count", known.count(), known.exists(), known.filter(tls__isnull=True).count())
    said("grouped", list(known.values("service").annotate(n=Count("*")).order_by("service")))
    for function in (TruncHour, TruncDate, TruncQuarter):
        said(function.__name__, known.annotate(at=function("connected")).filter(at__isnull=False).count())
    for function in (ExtractYear, ExtractIsoWeekDay):
        said(function.__name__, {type(at).__name__ for at in known.annotate(at=function("connected")).values_list("at", flat=True)})
    for lookup, value in {
        "exact": "alice",
        "iexact": "ALICE",
        "icontains": "LI",
        "startswith": "b",
        "iendswith": "L",
        "regex": "^[ab]",
        "iregex": "^C",
        "in": ["alice", "bob", "nobody"],
        "range": ("a", "b"),
        "gt": "b",
    }.items():
        said(f"user__{lookup}", known.filter(**{f"user__{lookup}": value}).count())
    for lookup, value in {"year__gte": 2000, "month__lte": 12, "date__gt": "2020-01-01", "time__gte": "00:00"}.items():
        said(f"connected__{lookup}", known.filter(**{f"connected__{lookup}": value}).count())
    said("case", list(known.annotate(k=Case(When(user="bob", then=Value("b")), default=Value("-"))).order_by("user").values_list("k")))
    said("subquery", known.annotate(n=Subquery(of_session.values("session").annotate(n=Count("*")).values("n"))).filter(n=None).count())
    said("exists", known.filter(~Exists(of_session)).count(), known.filter(Exists(of_session)).count())
    numbered = known.annotate(n=Window(RowNumber(), partition_by=["service"], order_by="user"))
    said("window", list(numbered.order_by("user").values_list("user", "n")), numbered.filter(n=1).count())
    said("either", known.filter(Q(user="bob") | ~Q(statements__lt=F("port"))).count())
    said("union", known.values_list("id").union(known.values_list("id")).count())
    said("distinct on", list(known.order_by("service").distinct("service").values_list("service")))
    said("sliced", known.order_by("-user")[1:2].get().user, known.order_by("user").last().user)
    said("streamed", len(list(known.iterator(chunk_size=2))))
    said("explained", len(known.explain()) > 0)
    with transaction.atomic(using=alias):
        said("before", known.count())
        with contextlib.suppress(Error), transaction.atomic(using=alias):
            list(Session.objects.using(alias).raw("SELECT 1/0 AS id"))
        said("behind", known.count())
    refused("written", lambda: known.update(service="x"), Error)
    connections[alias].check_constraints()


inspected()
introspection(connections["default"])
for alias in ("default", "bound"):
    asked(alias)
    connections[alias].close()
sys.stdout.flush()
