//! What PostgreSQL 15 answers.

pub(super) const CASES: &[(&str, &str)] = &[
    (
        "to_char(timestamptz('2024-03-05 01:02:03.456789+00'), 'YYYY-MM-DD HH24:MI:SS.US TZ tz TZH:TZM OF')",
        "2024-03-05 02:02:03.456789 CET cet +01:00 +01",
    ),
    (
        "to_char(\"timestamp\"('2024-03-05 13:02:03.456'), 'Day, DD Month YYYY HH12:MI:SS.MS AM')",
        "Tuesday  , 05 March     2024 01:02:03.456 PM",
    ),
    (
        "to_char(\"timestamp\"('2024-03-05 13:02:03.456'), 'FMDay, FMDDth FMMonth YYYY, a.m. FMHH:MI p.m.')",
        "Tuesday, 5th March 2024, p.m. 1:02 p.m.",
    ),
    (
        "to_char(\"timestamp\"('2024-03-05 13:02:03.456'), 'DY dy Dy MON mon Mon D ID DDD IDDD IYYY-IW WW W Q CC J RM rm SSSS Y,YYY YYY YY Y FF1 FF2 FF3 FF4 FF5 FF6')",
        "TUE tue Tue MAR mar Mar 3 2 065 065 2024-10 10 1 1 21 2460375 III  iii  46923 2,024 024 24 4 4 45 456 4560 45600 456000",
    ),
    (
        "to_char(\"timestamp\"('0044-03-15 00:00:00 BC'), 'YYYY BC B.C. ad CC')",
        "0044 BC B.C. bc -01",
    ),
    (
        "to_char(\"timestamp\"('2024-11-01 00:00:00'), '\"quoted YYYY\" YYYY \\\"x\\\" FMRM|RM|')",
        "quoted YYYY 2024 \"x\" XI|XI  |",
    ),
    (
        "to_char(\"timestamp\"('2024-11-01 12:00:00'), 'HH HH12 HH24 am PM A.M.')",
        "12 12 12 pm PM P.M.",
    ),
    (
        "to_char(\"timestamp\"('2024-11-11 00:00:00'), 'DDth DDTH DDDth')",
        "11th 11TH 316th",
    ),
    (
        "to_char(\"timestamp\"('2024-11-03 00:00:00'), 'FMMM/FMDD fmDay TMMonth')",
        "11/3 Sunday November",
    ),
    (
        "to_char(\"interval\"('1 year 2 mons 3 days 04:05:06.789'), 'YYYY MM DD HH24:MI:SS.MS')",
        "0001 02 03 04:05:06.789",
    ),
    (
        "to_char(\"interval\"('30 hours'), 'HH24:MI HH12 DD SSSS')",
        "30:00 06 00 108000",
    ),
    (
        "to_char(\"interval\"('-3 hours'), 'HH24:MI:SS')",
        "-03:00:00",
    ),
    (
        "to_char(\"interval\"('1 day'), 'Day')",
        "!22007: invalid format specification for an interval value",
    ),
    ("to_char(date '2024-02-29', 'YYYY/MM/DD')", "2024/02/29"),
    (
        "to_timestamp('2024-03-05 14:15:16', 'YYYY-MM-DD HH24:MI:SS')",
        "2024-03-05 14:15:16+01",
    ),
    (
        "to_timestamp('05 Mar 2024', 'DD Mon YYYY')",
        "2024-03-05 00:00:00+01",
    ),
    (
        "to_timestamp('2024.064', 'YYYY.DDD')",
        "2024-03-04 00:00:00+01",
    ),
    (
        "to_timestamp('20240305', 'YYYYMMDD')",
        "2024-03-05 00:00:00+01",
    ),
    (
        "to_timestamp('12:34:56.789 PM', 'HH12:MI:SS.MS AM')",
        "0001-01-01 12:34:56.789+00:53:28 BC",
    ),
    (
        "to_timestamp('2024-03-05 14:15:16 +05', 'YYYY-MM-DD HH24:MI:SS TZH')",
        "2024-03-05 10:15:16+01",
    ),
    (
        "to_timestamp('March 5 24', 'Month DD YY')",
        "2024-03-05 00:00:00+01",
    ),
    (
        "to_timestamp('x', 'YYYY')",
        "!22007: invalid value \"x\" for \"YYYY\"",
    ),
    (
        "to_timestamp('2024-13-01', 'YYYY-MM-DD')",
        "!22008: date/time field value out of range: \"2024-13-01\"",
    ),
    (
        "to_timestamp(1700000000.123456)",
        "2023-11-14 23:13:20.123456+01",
    ),
    ("to_timestamp(0)", "1970-01-01 01:00:00+01"),
    (
        "to_timestamp('NaN'::float8)",
        "!22008: timestamp cannot be NaN",
    ),
    (
        "to_date('2024-02-30', 'YYYY-MM-DD')",
        "!22008: date/time field value out of range: \"2024-02-30\"",
    ),
    ("to_date('20240229', 'YYYYMMDD')", "2024-02-29"),
    ("to_date('2024-W10-2', 'IYYY-\"W\"IW-ID')", "2024-03-05"),
    (
        "age(\"timestamp\"('2024-03-01'), \"timestamp\"('2023-01-31'))",
        "1 year 1 mon 1 day",
    ),
    (
        "age(\"timestamp\"('2024-03-05 01:00'), \"timestamp\"('2024-03-04 02:00'))",
        "23:00:00",
    ),
    (
        "age(\"timestamp\"('2023-01-31'), \"timestamp\"('2024-03-01'))",
        "-1 years -1 mons -1 days",
    ),
    (
        "age(timestamptz('2024-03-31 12:00+00'), timestamptz('2024-03-30 12:00+00'))",
        "1 day 01:00:00",
    ),
    ("justify_hours(\"interval\"('27 hours'))", "1 day 03:00:00"),
    ("justify_days(\"interval\"('35 days'))", "1 mon 5 days"),
    (
        "justify_interval(\"interval\"('1 mon -1 hour'))",
        "29 days 23:00:00",
    ),
    (
        "make_interval(1, 2, 3, 4, 5, 6, 7.5)",
        "1 year 2 mons 25 days 05:06:07.5",
    ),
    ("make_interval()", "00:00:00"),
    ("make_date(2024, 2, 29)", "2024-02-29"),
    ("make_date(-44, 3, 15)", "0044-03-15 BC"),
    (
        "make_date(2023, 2, 29)",
        "!22008: date field value out of range: 2023-02-29",
    ),
    (
        "make_timestamp(2024, 2, 29, 1, 2, 3.5)",
        "2024-02-29 01:02:03.5",
    ),
    (
        "make_timestamp(2024, 2, 29, 25, 2, 3.5)",
        "!22008: time field value out of range: 25:02:3.5",
    ),
    (
        "make_timestamptz(2024, 7, 1, 12, 0, 0)",
        "2024-07-01 12:00:00+02",
    ),
    (
        "make_timestamptz(2024, 7, 1, 12, 0, 0, 'America/New_York')",
        "2024-07-01 18:00:00+02",
    ),
    (
        "make_timestamptz(2024, 7, 1, 12, 0, 0, 'Nowhere')",
        "!22023: time zone \"Nowhere\" not recognized",
    ),
    (
        "date_trunc('hour', timestamptz('2024-03-05 01:02:03+00'))",
        "2024-03-05 02:00:00+01",
    ),
    (
        "date_trunc('day', timestamptz('2024-03-31 12:02:03+00'))",
        "2024-03-31 00:00:00+01",
    ),
    (
        "date_trunc('day', timestamptz('2024-03-31 12:02:03+00'), 'America/New_York')",
        "2024-03-31 06:00:00+02",
    ),
    (
        "date_trunc('week', \"timestamp\"('2024-03-31 12:02:03'))",
        "2024-03-25 00:00:00",
    ),
    (
        "date_trunc('quarter', \"timestamp\"('2024-06-15 12:02:03'))",
        "2024-04-01 00:00:00",
    ),
    (
        "date_trunc('century', \"timestamp\"('2024-06-15 12:02:03'))",
        "2001-01-01 00:00:00",
    ),
    (
        "date_trunc('decade', \"timestamp\"('2024-06-15 12:02:03'))",
        "2020-01-01 00:00:00",
    ),
    (
        "date_trunc('month', date '2024-06-15')",
        "2024-06-01 00:00:00+02",
    ),
    (
        "date_trunc('millennium', \"timestamp\"('2024-06-15 12:02:03'))",
        "2001-01-01 00:00:00",
    ),
    (
        "date_trunc('day', \"interval\"('3 days 04:05:06'))",
        "3 days",
    ),
    (
        "date_trunc('week', \"interval\"('3 days 04:05:06'))",
        "!0A000: unit \"week\" not supported for type interval",
    ),
    (
        "date_trunc('fortnight', \"timestamp\"('2024-06-15'))",
        "!22023: unit \"fortnight\" not recognized for type timestamp without time zone",
    ),
    (
        "date_trunc('dow', \"timestamp\"('2024-06-15'))",
        "!22023: unit \"dow\" not recognized for type timestamp without time zone",
    ),
    (
        "date_bin('15 minutes', \"timestamp\"('2024-03-05 14:44:00'), \"timestamp\"('2001-01-01'))",
        "2024-03-05 14:30:00",
    ),
    (
        "date_bin('1 month', \"timestamp\"('2024-03-05 14:44:00'), \"timestamp\"('2001-01-01'))",
        "!0A000: timestamps cannot be binned into intervals containing months or years",
    ),
    (
        "date_bin('-1 hour', \"timestamp\"('2024-03-05 14:44:00'), \"timestamp\"('2001-01-01'))",
        "!22008: stride must be greater than zero",
    ),
    (
        "extract(epoch from \"interval\"('1 year 1 mon 1 day 01:00'))",
        "34239600.000000",
    ),
    (
        "extract(epoch from timestamptz('2024-03-05 14:44:00.5+00'))",
        "1709649840.500000",
    ),
    (
        "extract(hour from timestamptz('2024-03-05 14:44:00.5+00'))",
        "15",
    ),
    (
        "extract(dow from \"timestamp\"('2024-03-03 14:44:00'))",
        "0",
    ),
    (
        "extract(isodow from \"timestamp\"('2024-03-03 14:44:00'))",
        "7",
    ),
    ("extract(week from date '2024-12-30')", "1"),
    ("extract(isoyear from date '2024-12-30')", "2025"),
    (
        "extract(second from \"timestamp\"('2024-03-05 14:44:07.25'))",
        "7.250000",
    ),
    (
        "extract(milliseconds from \"timestamp\"('2024-03-05 14:44:07.25'))",
        "7250.000",
    ),
    (
        "extract(microseconds from \"timestamp\"('2024-03-05 14:44:07.25'))",
        "7250000",
    ),
    (
        "extract(timezone from timestamptz('2024-07-05 14:44:07+00'))",
        "7200",
    ),
    (
        "extract(timezone_hour from timestamptz('2024-07-05 14:44:07+00'))",
        "2",
    ),
    (
        "extract(hour from date '2024-12-30')",
        "!0A000: unit \"hour\" not supported for type date",
    ),
    ("extract(decade from date '2024-12-30')", "202"),
    ("extract(century from date '2000-12-30')", "20"),
    ("extract(doy from date '2024-12-30')", "365"),
    (
        "extract(nonsense from \"timestamp\"('2024-03-05 14:44:07.25'))",
        "!22023: unit \"nonsense\" not recognized for type timestamp without time zone",
    ),
    ("extract(day from \"interval\"('40 days 30 hours'))", "40"),
    ("extract(year from \"interval\"('14 mons'))", "1"),
    ("date_part('epoch', \"interval\"('1 day'))", "86400"),
    (
        "date_part('hour', timestamptz('2024-03-05 14:44:00+00'))",
        "15",
    ),
    (
        "date_part('minute', \"timestamp\"('2024-03-05 14:44:00'))",
        "44",
    ),
    ("isfinite(\"timestamp\"('2024-01-01'))", "t"),
    ("isfinite(\"interval\"('1 day'))", "t"),
    (
        "timezone('America/New_York', timestamptz('2024-07-01 12:00+00'))",
        "2024-07-01 08:00:00",
    ),
    (
        "timezone('America/New_York', \"timestamp\"('2024-07-01 12:00'))",
        "2024-07-01 18:00:00+02",
    ),
    ("\"interval\"('1 day') * 1.5", "1 day 12:00:00"),
    ("\"interval\"('1 mon') * 0.5", "15 days"),
    ("2 * \"interval\"('1 hour 30 minutes')", "03:00:00"),
    ("\"interval\"('1 day') / 3", "08:00:00"),
    ("\"interval\"('1 day') / 0", "!22012: division by zero"),
    (
        "timestamptz('2024-03-05 12:00+00') - timestamptz('2024-03-01 10:30+00')",
        "4 days 01:30:00",
    ),
    ("date '2024-03-05' - date '2024-03-01'", "4"),
    ("date '2024-03-05' + 3", "2024-03-08"),
    ("date '2024-03-05' - 3", "2024-03-02"),
    (
        "date '2024-03-05' + \"interval\"('1 day')",
        "2024-03-06 00:00:00",
    ),
    (
        "\"timestamp\"('2024-01-31') + \"interval\"('1 mon')",
        "2024-02-29 00:00:00",
    ),
    (
        "timestamptz('2024-03-30 12:00+01') + \"interval\"('1 day')",
        "2024-03-31 12:00:00+02",
    ),
    (
        "timestamptz('2024-03-30 12:00+01') + \"interval\"('24 hours')",
        "2024-03-31 13:00:00+02",
    ),
    (
        "\"interval\"('P1Y2M3DT4H5M6.5S')",
        "1 year 2 mons 3 days 04:05:06.5",
    ),
    ("\"interval\"('1-2')", "1 year 2 mons"),
    ("\"interval\"('90 minutes ago')", "-01:30:00"),
    ("\"interval\"('1.5 days')", "1 day 12:00:00"),
    ("\"interval\"('1.5 months')", "1 mon 15 days"),
    ("\"interval\"('3 04:05')", "3 days 04:05:00"),
    ("\"interval\"('@ 1 day 2 hours')", "1 day 02:00:00"),
    ("\"interval\"('1day')", "1 day"),
    (
        "\"interval\"('nonsense')",
        "!22007: invalid input syntax for type interval: \"nonsense\"",
    ),
    (
        "\"interval\"('')",
        "!22007: invalid input syntax for type interval: \"\"",
    ),
    (
        "(SELECT max(to_char(x, 'HH24:MI TZ')) FROM (VALUES (to_timestamp(0)), (to_timestamp(60))) AS t(x))",
        "01:01 CET",
    ),
    (
        "(SELECT max(date_trunc('day', x)) FROM (VALUES (to_timestamp(0)), (to_timestamp(60))) AS t(x))",
        "1970-01-01 00:00:00+01",
    ),
];
