use super::*;
use proptest::prelude::*;

/// Reads `bytes` and prints the value; or the state and sentence of the error.
fn read(bytes: &[u8], format: Format, oid: u32, wanted: &DataType) -> String {
    match decode_parameter(Some(bytes), format, oid, wanted) {
        Ok(value) => {
            assert!(
                wanted.is_null() || value.data_type() == *wanted,
                "{value:?}"
            );
            match &value {
                ScalarValue::LargeBinary(Some(bytes)) => ordered::text(bytes),
                value => value.to_string(),
            }
        }
        Err(error) => format!("{} {}", error.code, error.message),
    }
}

fn text(text: &str, ty: &Type, wanted: &DataType) -> String {
    read(text.as_bytes(), Format::Text, ty.oid(), wanted)
}

fn binary(hex: &str, ty: &Type, wanted: &DataType) -> String {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| digit.to_digit(16).unwrap() as u8)
        .collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair[0] * 16 + pair[1])
        .collect();
    read(&bytes, Format::Binary, ty.oid(), wanted)
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

fn micros_utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

#[test]
fn texts_are_read_as_postgresql_reads_them() {
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let mut wrong = Vec::new();
    for (given, ty, wanted, expected) in [
        (" 42\n", Type::INT8, DataType::Int64, "42"),
        ("-32768", Type::INT2, DataType::Int16, "-32768"),
        (
            "x",
            Type::INT8,
            DataType::Int64,
            "22P02 invalid input syntax for type bigint: \"x\"",
        ),
        (
            "",
            Type::INT4,
            DataType::Int32,
            "22P02 invalid input syntax for type integer: \"\"",
        ),
        (
            "99999999999",
            Type::INT4,
            DataType::Int64,
            "22003 value \"99999999999\" is out of range for type integer",
        ),
        ("1e3", Type::FLOAT8, DataType::Float64, "1000"),
        ("-Infinity", Type::FLOAT8, DataType::Float64, "-inf"),
        (
            "1e400",
            Type::FLOAT8,
            DataType::Float64,
            "22003 \"1e400\" is out of range for type double precision",
        ),
        (
            "y e",
            Type::BOOL,
            DataType::Boolean,
            "22P02 invalid input syntax for type boolean: \"y e\"",
        ),
        ("TR", Type::BOOL, DataType::Boolean, "true"),
        ("of", Type::BOOL, DataType::Boolean, "false"),
        (
            "o",
            Type::BOOL,
            DataType::Boolean,
            "22P02 invalid input syntax for type boolean: \"o\"",
        ),
        ("12.5", Type::NUMERIC, COLUMN, "12.5"),
        ("-1.5e2", Type::NUMERIC, COLUMN, "-150"),
        (
            "1e200000",
            Type::NUMERIC,
            COLUMN,
            "22003 value overflows numeric format",
        ),
        ("1.", Type::NUMERIC, DataType::Float64, "1"),
        (
            ".",
            Type::NUMERIC,
            DataType::Float64,
            "22P02 invalid input syntax for type numeric: \".\"",
        ),
        ("NaN", Type::NUMERIC, DataType::Float64, "NaN"),
        ("é ", Type::TEXT, DataType::Utf8View, "é "),
        ("x", Type::NAME, DataType::Utf8, "x"),
        ("\\x00FF", Type::BYTEA, DataType::Binary, "00FF"),
        ("a\\\\\\001", Type::BYTEA, DataType::Binary, "615C01"),
        (
            "\\x0",
            Type::BYTEA,
            DataType::Binary,
            "22P02 invalid input syntax for type bytea: \"\\x0\"",
        ),
        ("2026-11-24", Type::DATE, DataType::Date32, "2026-11-24"),
        (
            "2026-02-30",
            Type::DATE,
            DataType::Date32,
            "22008 date/time field value out of range: \"2026-02-30\"",
        ),
        (
            "tomorrow?",
            Type::DATE,
            DataType::Date32,
            "22007 invalid input syntax for type date: \"tomorrow?\"",
        ),
        (
            "2026-11-24 10:00:00.5",
            Type::TIMESTAMP,
            MICROS,
            "1795514400500000",
        ),
        (
            "2026-11-24T10:00:00+02",
            Type::TIMESTAMP,
            MICROS,
            "1795514400000000",
        ),
        (
            "0044-03-15 BC",
            Type::TIMESTAMP,
            MICROS,
            "-63517824000000000",
        ),
        (
            "2026-11-24 12:00:00+02:00",
            Type::TIMESTAMPTZ,
            micros_utc(),
            "1795514400000000",
        ),
        (
            "2026-11-24 11:00 Europe/Berlin",
            Type::TIMESTAMPTZ,
            micros_utc(),
            "1795514400000000",
        ),
        (
            "20261124T10:00:00Z",
            Type::TIMESTAMPTZ,
            nanos,
            "1795514400000000000",
        ),
        (
            "infinity",
            Type::TIMESTAMPTZ,
            micros_utc(),
            "9223372036854775807",
        ),
        (
            "x",
            Type::TIMESTAMPTZ,
            micros_utc(),
            "22007 invalid input syntax for type timestamp with time zone: \"x\"",
        ),
        (
            "2026-11-24 25:00",
            Type::TIMESTAMP,
            MICROS,
            "22008 date/time field value out of range: \"2026-11-24 25:00\"",
        ),
        (
            "1 fortnite",
            Type::INTERVAL,
            DataType::Interval(IntervalUnit::MonthDayNano),
            "22007 invalid input syntax for type interval: \"1 fortnite\"",
        ),
        (
            "{1,NULL, 3}",
            Type::INT4_ARRAY,
            list(DataType::Int64),
            "[1, , 3]",
        ),
        ("{}", Type::INT4_ARRAY, list(DataType::Int32), "[]"),
        (
            "[0:1]={1,2}",
            Type::INT2_ARRAY,
            list(DataType::Int16),
            "[1, 2]",
        ),
        (
            "{a, \"b,\\\"c\", \"NULL\" ,d\\,e}",
            Type::TEXT_ARRAY,
            list(DataType::Utf8),
            "[a, b,\"c, NULL, d,e]",
        ),
        (
            "{1,,2}",
            Type::INT4_ARRAY,
            list(DataType::Int32),
            "22P02 malformed array literal: \"{1,,2}\"",
        ),
        (
            "{{1},{2}}",
            Type::INT4_ARRAY,
            list(DataType::Int32),
            "22P02 malformed array literal: \"{{1},{2}}\"",
        ),
        (
            "{1,x}",
            Type::INT4_ARRAY,
            list(DataType::Int32),
            "22P02 invalid input syntax for type integer: \"x\"",
        ),
        (
            "{1",
            Type::INT4_ARRAY,
            list(DataType::Int32),
            "22P02 malformed array literal: \"{1\"",
        ),
    ] {
        let found = text(given, &ty, &wanted);
        if found != expected {
            wrong.push(format!("{given} as {ty}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn binary_forms_are_read_as_postgresql_sends_them() {
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    let mut wrong = Vec::new();
    for (given, ty, wanted, expected) in [
        ("0102", Type::INT2, DataType::Int16, "258"),
        ("0000002a", Type::INT4, DataType::Int64, "42"),
        (
            "00",
            Type::INT4,
            DataType::Int64,
            "22P03 incorrect binary data format in bind parameter",
        ),
        (
            "000000000000002a00",
            Type::INT8,
            DataType::Int64,
            "22P03 incorrect binary data format in bind parameter",
        ),
        ("ffffffff", Type::OID, DataType::Int64, "4294967295"),
        ("3ff8000000000000", Type::FLOAT8, DataType::Float64, "1.5"),
        ("01", Type::BOOL, DataType::Boolean, "true"),
        (
            "0003000100000003000109291a7c",
            Type::NUMERIC,
            COLUMN,
            "12345.678",
        ),
        (
            "0002ffff40000005000107d0",
            Type::NUMERIC,
            COLUMN,
            "-0.00012",
        ),
        ("0000000000000002", Type::NUMERIC, DataType::Float64, "0"),
        (
            "00010002000000000001",
            Type::NUMERIC,
            DataType::Int64,
            "100000000",
        ),
        (
            "00010005000000000001",
            Type::NUMERIC,
            DataType::Int64,
            "22003 value \"100000000000000000000\" is out of range for type bigint",
        ),
        ("00000000c0000000", Type::NUMERIC, DataType::Float64, "NaN"),
        (
            "0001000000000000ffff",
            Type::NUMERIC,
            DataType::Float64,
            "22P03 incorrect binary data format in bind parameter",
        ),
        ("c3a9", Type::VARCHAR, DataType::Utf8View, "é"),
        (
            "c328",
            Type::TEXT,
            DataType::Utf8,
            "22021 invalid byte sequence for encoding \"UTF8\": 0xc3",
        ),
        (
            "6100",
            Type::TEXT,
            DataType::Utf8,
            "22021 invalid byte sequence for encoding \"UTF8\": 0x00",
        ),
        ("00ff", Type::BYTEA, DataType::Binary, "00FF"),
        ("00002660", Type::DATE, DataType::Date32, "2026-11-24"),
        (
            "000304018aca4a40",
            Type::TIMESTAMPTZ,
            micros_utc(),
            "1795514400123456",
        ),
        (
            "000000000007a120000000030000000c",
            Type::INTERVAL,
            interval,
            "IntervalMonthDayNano { months: 12, days: 3, nanoseconds: 500000000 }",
        ),
        (
            "000102030405060708090a0b0c0d0e0f",
            Type::UUID,
            DataType::Utf8,
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
        ),
        ("017b7d", Type::JSONB, DataType::Utf8, "{}"),
        (
            "000000000000000000000017",
            Type::INT4_ARRAY,
            list(DataType::Int64),
            "[]",
        ),
        (
            "00000001000000010000001700000002000000010000000400000001ffffffff",
            Type::INT4_ARRAY,
            list(DataType::Int64),
            "[1, ]",
        ),
        (
            "0000000100000000000000197fffffff00000001",
            Type::TEXT_ARRAY,
            list(DataType::Utf8),
            "22P03 incorrect binary data format in bind parameter",
        ),
        (
            "000000020000000000000017",
            Type::INT4_ARRAY,
            list(DataType::Int32),
            "0A000 parameters may be arrays of one dimension only",
        ),
    ] {
        let found = binary(given, &ty, &wanted);
        if found != expected {
            wrong.push(format!("{given} as {ty}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn values_are_converted_to_what_the_statement_wants() {
    let unspecified =
        |text: &str, wanted: &DataType| read(text.as_bytes(), Format::Text, 0, wanted);
    assert_eq!(unspecified("42", &DataType::UInt64), "42");
    assert_eq!(
        unspecified("-1", &DataType::UInt64).split(' ').next(),
        Some("22003")
    );
    assert_eq!(unspecified("{1,2}", &list(DataType::Int64)), "[1, 2]");
    assert_eq!(unspecified("x", &DataType::Null), "x");
    assert_eq!(text("7", &Type::VARCHAR, &DataType::Int64), "7");
    assert_eq!(text("7", &Type::INT4, &DataType::Utf8View), "7");
    assert_eq!(binary("37", &Type::TEXT, &DataType::Int64), "7");
    assert_eq!(
        binary("7fffffffffffffff", &Type::INT8, &DataType::Int32)
            .split(' ')
            .next(),
        Some("22003")
    );
    // A text has the form that a cast gives it, and never a zero byte.
    assert_eq!(binary("ff00", &Type::BYTEA, &DataType::Utf8), "\\xff00");
    assert_eq!(
        text("2026-11-24 11:00", &Type::TIMESTAMP, &DataType::Utf8),
        "2026-11-24 11:00:00"
    );
    assert_eq!(text("t", &Type::BOOL, &DataType::Utf8), "true");
    assert_eq!(
        text("{t,NULL}", &Type::BOOL_ARRAY, &list(DataType::Utf8)),
        "[true, ]"
    );
    // An integer must not match a fraction because it was cut off.
    assert_eq!(text("5.0", &Type::NUMERIC, &DataType::Int64), "5");
    assert_eq!(
        text("5.5", &Type::FLOAT8, &DataType::Int64),
        "22P02 invalid input syntax for type bigint: \"5.5\""
    );
    assert_eq!(
        text("2026-11-24", &Type::DATE, &DataType::Int64)
            .split(' ')
            .next(),
        Some("42846")
    );
    assert_eq!(
        text("1", &Type::POINT, &DataType::Int64),
        "0A000 parameters of type point are not supported"
    );
    assert_eq!(
        decode_parameter(None, Format::Text, 0, &DataType::Int64),
        Ok(ScalarValue::Int64(None))
    );
}

#[test]
fn instants_without_an_offset_are_in_the_zone_of_the_client() {
    let zone = "Europe/Berlin".parse().unwrap();
    let value = decode_parameter_in(
        Some(b"2026-11-24 11:00"),
        Format::Text,
        0,
        &micros_utc(),
        &zone,
    )
    .unwrap();
    assert_eq!(
        value,
        ScalarValue::TimestampMicrosecond(Some(1_795_514_400_000_000), Some("UTC".into()))
    );
}

fn types() -> impl Strategy<Value = (u32, DataType)> {
    let wanted = vec![
        DataType::Null,
        DataType::Boolean,
        DataType::Int16,
        DataType::Int64,
        DataType::UInt64,
        DataType::Float64,
        COLUMN,
        DataType::Utf8View,
        DataType::Binary,
        DataType::Date32,
        MICROS,
        micros_utc(),
        DataType::Interval(IntervalUnit::MonthDayNano),
        list(DataType::Int64),
        list(DataType::Utf8View),
    ];
    let oid = prop_oneof![
        prop::sample::select(vec![
            0_u32, 16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 700, 701, 705, 1000, 1005, 1007, 1009,
            1016, 1022, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1231, 1700, 2950, 3802
        ]),
        any::<u32>()
    ];
    (oid, prop::sample::select(wanted))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..48), (oid, wanted) in types()) {
        for format in [Format::Text, Format::Binary] {
            let _ = decode_parameter(Some(&bytes), format, oid, &wanted);
        }
    }

    #[test]
    fn no_text_panics(text in "[-+0-9a-zA-Z:. {}\"\\\\,é]{0,24}", (oid, wanted) in types()) {
        let _ = decode_parameter(Some(text.as_bytes()), Format::Text, oid, &wanted);
    }

    #[test]
    fn numbers_survive(value: i64, float in prop::num::f64::NORMAL) {
        let expected = Ok(ScalarValue::Int64(Some(value)));
        let (text, bytes) = (value.to_string(), value.to_be_bytes());
        prop_assert_eq!(&decode_parameter(Some(text.as_bytes()), Format::Text, 20, &DataType::Int64), &expected);
        prop_assert_eq!(&decode_parameter(Some(&bytes), Format::Binary, 20, &DataType::Int64), &expected);
        let expected = Ok(ScalarValue::Float64(Some(float)));
        let text = float.to_string();
        prop_assert_eq!(&decode_parameter(Some(text.as_bytes()), Format::Text, 0, &DataType::Float64), &expected);
    }
}
