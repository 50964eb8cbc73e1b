//! What PostgreSQL 15 answers in Europe/Berlin.

pub(super) const CASES: &[(&str, &str)] = &[
    ("(timestamptz('2026-11-25 23:30+00'))::date", "2026-11-26"),
    (
        "cast(timestamptz('2026-11-25 23:30+00') AS timestamp)",
        "2026-11-26 00:30:00",
    ),
    ("timestamptz('2026-07-01 22:30+00')::time", "00:30:00"),
    ("(date '2026-07-01')::timestamptz", "2026-07-01 00:00:00+02"),
    ("(date '3000-07-01')::timestamp", "3000-07-01 00:00:00"),
    (
        "timestamptz('2026-11-25 23:30+00') > date '2026-11-26'",
        "t",
    ),
    (
        "\"timestamp\"('2026-11-26 00:30') = timestamptz('2026-11-25 23:30+00')",
        "t",
    ),
    (
        "timestamptz('2026-11-25 23:30+00') BETWEEN '2026-11-26' AND '2026-11-26 00:30'",
        "t",
    ),
    (
        "timestamptz('2026-11-25 23:30+00') IN ('2026-11-26 00:30', '2026-11-27')",
        "t",
    ),
    (
        "timestamptz('2026-11-25 23:30+00') NOT IN (date '2026-11-26')",
        "t",
    ),
    (
        "timestamptz('2026-11-25 23:30+00') IS DISTINCT FROM '2026-11-26 00:30'",
        "f",
    ),
    (
        "coalesce(NULL, timestamptz('2026-11-25 23:30+00'), date '2026-01-01')",
        "2026-11-26 00:30:00+01",
    ),
    (
        "nullif(timestamptz('2026-11-25 23:30+00'), '2026-11-26 00:30')",
        "NULL",
    ),
    (
        "CASE WHEN false THEN timestamptz('2026-11-25 23:30+00') ELSE date '2026-01-01' END",
        "2026-01-01 00:00:00+01",
    ),
    (
        "timestamptz('2026-11-25 23:30+00') - date '2026-11-25'",
        "1 day 00:30:00",
    ),
    ("date '2026-11-26' - '2026-11-01'", "25"),
    (
        "(SELECT count(*) FROM (SELECT timestamptz('2026-11-25 23:00+00') AS t UNION SELECT date '2026-11-26') u)",
        "1",
    ),
    ("timestamptz('now') = now()", "t"),
    ("date('today') = current_date", "t"),
    ("timestamptz('yesterday 04:05') < timestamptz('today')", "t"),
    ("date('tomorrow') - date('yesterday')", "2"),
    ("cast(timestamptz('infinity') AS timestamp)", "infinity"),
    ("timestamptz('-infinity')::date", "-infinity"),
    ("date('infinity')::timestamptz", "infinity"),
    ("timestamptz('Nov 26 2026')", "2026-11-26 00:00:00+01"),
    (
        "\"timestamp\"('26 November 2026 10:00 pm')",
        "2026-11-26 22:00:00",
    ),
    (
        "\"timestamp\"('Thu Nov 26 10:00:00 2026')",
        "2026-11-26 10:00:00",
    ),
    ("date('11/26/2026')", "2026-11-26"),
    ("date('26-Nov-2026')", "2026-11-26"),
    ("date('2026-Nov-26')", "2026-11-26"),
    ("date('2026.330')", "2026-11-26"),
    ("date('J2451187')", "1999-01-08"),
    (
        "date('99-01-08')",
        "!22008: date/time field value out of range: \"99-01-08\"",
    ),
    ("date('01/08/99')", "1999-01-08"),
    ("date('0044-03-15 BC')", "0044-03-15 BC"),
    ("\"timestamp\"('20261126T101112')", "2026-11-26 10:11:12"),
    (
        "timestamptz('2026-11-26 10:11:12.123456789-03:30')",
        "2026-11-26 14:41:12.123457+01",
    ),
    (
        "timestamptz('2026-07-01 10:00 America/New_York')",
        "2026-07-01 16:00:00+02",
    ),
    (
        "timestamptz('2026-07-01 10:00 EDT')",
        "2026-07-01 16:00:00+02",
    ),
    (
        "\"timestamp\"('2026-11-26 10:00+05')",
        "2026-11-26 10:00:00",
    ),
    ("\"time\"('04:05:06.789-8')", "04:05:06.789"),
    ("\"time\"('040506')", "04:05:06"),
    ("\"time\"('12:30 AM')", "00:30:00"),
    ("\"time\"('10:11:12.3456', 2)", "10:11:12.35"),
    (
        "\"timestamp\"(\"timestamp\"('2026-11-26 10:00:00.5678'), 2)",
        "2026-11-26 10:00:00.57",
    ),
    (
        "\"timestamp\"('x')",
        "!22007: invalid input syntax for type timestamp: \"x\"",
    ),
    (
        "timestamptz('x')",
        "!22007: invalid input syntax for type timestamp with time zone: \"x\"",
    ),
    (
        "date('')",
        "!22007: invalid input syntax for type date: \"\"",
    ),
    (
        "\"timestamp\"('2026-02-30')",
        "!22008: date/time field value out of range: \"2026-02-30\"",
    ),
    (
        "\"time\"('25:00')",
        "!22008: date/time field value out of range: \"25:00\"",
    ),
    (
        "timestamptz('2026-11-26 10:00 Mars/Base')",
        "!22023: time zone \"mars/base\" not recognized",
    ),
    (
        "timestamptz('2026-11-26 10:00 +17')",
        "!22009: time zone displacement out of range: \"2026-11-26 10:00 +17\"",
    ),
    ("\"interval\"('1 day') = '24 hours'", "t"),
    (
        "\"interval\"('1 day') BETWEEN '23 hours' AND '25 hours'",
        "t",
    ),
    ("\"interval\"('25 hours') > \"interval\"('1 day')", "t"),
];
