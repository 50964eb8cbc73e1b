//! Against what PostgreSQL 15 sends for the same values.

use super::*;
use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use std::sync::Arc;

/// The values of the only message in `out`.
fn values(out: &[u8]) -> Vec<Option<Vec<u8>>> {
    assert_eq!(out[0], b'D');
    assert_eq!(
        i32::from_be_bytes(out[1..5].try_into().unwrap()) as usize,
        out.len() - 1
    );
    let count = i16::from_be_bytes(out[5..7].try_into().unwrap());
    let mut rest = &out[7..];
    let row = (0..count)
        .map(|_| {
            let (length, tail) = rest.split_at(4);
            let length = i32::from_be_bytes(length.try_into().unwrap());
            rest = tail;
            (length >= 0).then(|| rest.split_off(..length as usize).unwrap().to_vec())
        })
        .collect();
    assert!(rest.is_empty());
    row
}

fn encode(array: ArrayRef, format: Format) -> Result<Vec<Option<Vec<u8>>>, EncodeError> {
    let rows = array.len();
    let batch = RecordBatch::try_from_iter_with_nullable([("c", array, true)]).unwrap();
    let mut encoder = RowEncoder::try_new(
        &batch,
        &[format],
        &Forms::from("Asia/Kolkata".parse::<Zone>().unwrap()),
    )?;
    (0..rows)
        .map(|row| {
            let mut out = BytesMut::new();
            encoder
                .encode_row(row, &mut out)
                .map(|()| values(&out).remove(0))
        })
        .collect()
}

fn text(array: impl Array + 'static) -> Vec<String> {
    let show = |value: Option<Vec<u8>>| {
        value.map_or("(null)".to_owned(), |v| String::from_utf8(v).unwrap())
    };
    encode(Arc::new(array), Format::Text)
        .unwrap()
        .into_iter()
        .map(show)
        .collect()
}

fn binary(array: impl Array + 'static) -> Vec<String> {
    let show = |value: Option<Vec<u8>>| {
        value.map_or("(null)".to_owned(), |v| {
            v.iter().map(|byte| format!("{byte:02x}")).collect()
        })
    };
    encode(Arc::new(array), Format::Binary)
        .unwrap()
        .into_iter()
        .map(show)
        .collect()
}

fn int_lists() -> ListArray {
    ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        Some(vec![]),
        None,
    ])
}

fn nested(inner: ArrayRef, lengths: &[usize]) -> ListArray {
    let field = Arc::new(Field::new("item", inner.data_type().clone(), true));
    ListArray::new(
        field,
        OffsetBuffer::from_lengths(lengths.iter().copied()),
        inner,
        None,
    )
}

fn records() -> StructArray {
    let column = |name: &str, array: ArrayRef| {
        (
            Arc::new(Field::new(name, array.data_type().clone(), true)),
            array,
        )
    };
    StructArray::from(vec![
        column("a", Arc::new(Int64Array::from(vec![1, 2]))),
        column("b", Arc::new(StringArray::from(vec!["a", "x\"y\\(z) "]))),
        column("c", Arc::new(BooleanArray::from(vec![None, Some(true)]))),
    ])
}

#[test]
fn a_row_is_one_message_and_nulls_have_length_minus_one() {
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "a",
            Arc::new(Int32Array::from(vec![Some(7), None])) as ArrayRef,
            true,
        ),
        ("b", Arc::new(StringViewArray::from(vec!["x", ""])), true),
    ])
    .unwrap();
    let mut encoder = RowEncoder::try_new(&batch, &[], &Forms::default()).unwrap();
    let mut out = BytesMut::new();
    encoder.encode_row(0, &mut out).unwrap();
    assert_eq!(&out[..], b"D\0\0\0\x10\0\x02\0\0\0\x017\0\0\0\x01x");
    out.clear();
    encoder.encode_row(1, &mut out).unwrap();
    assert_eq!(&out[..], b"D\0\0\0\x0e\0\x02\xff\xff\xff\xff\0\0\0\0");
}

#[test]
fn formats_are_none_one_for_all_or_one_each() {
    let columns = ["a", "b"].map(|name| (name, Arc::new(Int16Array::from(vec![258])) as ArrayRef));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let row = |formats: &[Format]| {
        let mut out = BytesMut::new();
        RowEncoder::try_new(&batch, formats, &Forms::default())?.encode_row(0, &mut out)?;
        Ok::<_, EncodeError>(
            values(&out)
                .into_iter()
                .map(Option::unwrap)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(row(&[]).unwrap(), [b"258".to_vec(), b"258".to_vec()]);
    assert_eq!(row(&[Format::Binary]).unwrap(), [vec![1, 2], vec![1, 2]]);
    assert_eq!(
        row(&[Format::Text, Format::Binary]).unwrap(),
        [b"258".to_vec(), vec![1, 2]]
    );
    assert_eq!(
        row(&[Format::Text; 3]),
        Err(EncodeError::FormatCount {
            given: 3,
            columns: 2
        })
    );
}

#[test]
fn scalars_as_text() {
    assert_eq!(text(BooleanArray::from(vec![true, false])), ["t", "f"]);
    assert_eq!(
        text(Int64Array::from(vec![i64::MIN])),
        ["-9223372036854775808"]
    );
    assert_eq!(text(UInt64Array::from(vec![7])), ["7"]);
    assert_eq!(
        text(BinaryArray::from(vec![&b"\x00\xde\xad"[..]])),
        ["\\x00dead"]
    );
    assert_eq!(text(NullArray::new(1)), ["(null)"]);
    let decimals = Decimal128Array::from(vec![15_000, -5, 0])
        .with_precision_and_scale(10, 4)
        .unwrap();
    assert_eq!(text(decimals), ["1.5000", "-0.0005", "0.0000"]);
    let wide = i256::from_string(
        "-12345678901234567890123456789012345678900000000000000000000000000000000001",
    )
    .unwrap();
    let wide = Decimal256Array::from(vec![wide])
        .with_precision_and_scale(76, 2)
        .unwrap();
    assert_eq!(
        text(wide),
        ["-123456789012345678901234567890123456789000000000000000000000000000000000.01"]
    );
    let hundreds = Decimal64Array::from(vec![12, 0])
        .with_precision_and_scale(3, -2)
        .unwrap();
    assert_eq!(text(hundreds), ["1200", "0"]);
    let dictionary: DictionaryArray<Int8Type> = [Some("b"), None, Some("a"), Some("b")]
        .into_iter()
        .collect();
    assert_eq!(text(dictionary), ["b", "(null)", "a", "b"]);
}

#[test]
fn times_as_text() {
    let stamps = TimestampNanosecondArray::from(vec![1_795_514_400_123_456_789, i64::MAX, -1]);
    assert_eq!(
        text(stamps.clone().with_timezone("UTC")),
        [
            "2026-11-24 15:30:00.123456+05:30",
            "infinity",
            "1970-01-01 05:29:59.999999+05:30"
        ]
    );
    assert_eq!(
        text(stamps),
        [
            "2026-11-24 10:00:00.123456",
            "infinity",
            "1969-12-31 23:59:59.999999"
        ]
    );
    assert_eq!(
        text(TimestampMillisecondArray::from(vec![-1])),
        ["1969-12-31 23:59:59.999"]
    );
    assert_eq!(
        text(Date32Array::from(vec![20_781, i32::MIN])),
        ["2026-11-24", "-infinity"]
    );
    assert_eq!(text(Date64Array::from(vec![-1])), ["1969-12-31"]);
    assert_eq!(
        text(Time32MillisecondArray::from(vec![3_723_450])),
        ["01:02:03.45"]
    );
    assert_eq!(
        text(DurationMillisecondArray::from(vec![
            169_506_500,
            -500,
            -90_000_500
        ])),
        ["1 day 23:05:06.5", "-00:00:00.5", "-1 days -01:00:00.5"]
    );
    assert_eq!(
        text(IntervalYearMonthArray::from(vec![14])),
        ["1 year 2 mons"]
    );
    assert_eq!(
        text(IntervalDayTimeArray::from(vec![IntervalDayTime::new(
            -1, 500
        )])),
        ["-1 days +00:00:00.5"]
    );
}

#[test]
fn arrays_and_rows_as_text() {
    let mut words = ListBuilder::new(StringBuilder::new());
    let elements = ["a", "b c", "", "NULL", "x\"y", "a\\b", "{}", "a,b"].map(Some);
    words.append_value(elements.into_iter().chain([None]));
    assert_eq!(
        text(words.finish()),
        [r#"{a,"b c","","NULL","x\"y","a\\b","{}","a,b",NULL}"#]
    );
    assert_eq!(text(int_lists()), ["{1,NULL}", "{}", "(null)"]);
    assert_eq!(
        text(nested(Arc::new(int_lists()), &[2, 1])),
        ["{{1,NULL},{}}", "{NULL}"]
    );
    assert_eq!(text(records()), ["(1,a,)", r#"(2,"x""y\\(z) ",t)"#]);
    assert_eq!(
        text(nested(Arc::new(records()), &[2])),
        [r#"{"(1,a,)","(2,\"x\"\"y\\\\(z) \",t)"}"#]
    );
    let fixed = FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(
        [Some(vec![Some(1), Some(2)]), None],
        2,
    );
    assert_eq!(text(fixed.slice(0, 1)), ["{1,2}"]);
}

#[test]
fn binary_forms() {
    assert_eq!(binary(BooleanArray::from(vec![true])), ["01"]);
    assert_eq!(binary(UInt16Array::from(vec![258])), ["00000102"]);
    assert_eq!(binary(Float32Array::from(vec![1.5])), ["3fc00000"]);
    assert_eq!(binary(StringArray::from(vec!["é"])), ["c3a9"]);
    let decimals = Decimal128Array::from(vec![1_234_567_800, -12, 0])
        .with_precision_and_scale(20, 5)
        .unwrap();
    let expected = [
        "0003000100000005000109291a7c",
        "0002ffff40000005000107d0",
        "0000000000000005",
    ];
    assert_eq!(binary(decimals), expected);
    assert_eq!(
        binary(int_lists()),
        [
            "00000001000000010000001700000002000000010000000400000001ffffffff",
            "000000000000000000000017",
            "(null)"
        ]
    );
    let pairs = [[1, 2], [3, 4]].map(|pair| Some(pair.map(Some)));
    let square = ListArray::from_iter_primitive::<Int64Type, _, _>(pairs);
    assert_eq!(
        binary(nested(Arc::new(square), &[2])),
        [concat!(
            "000000020000000000000014000000020000000100000002000000010000000800000000000000010000000800000000",
            "00000002000000080000000000000003000000080000000000000004"
        )]
    );
    let row = "000000030000001400000008000000000000000100000019000000016100000010ffffffff";
    assert_eq!(binary(records().slice(0, 1)), [row]);
    let interval = IntervalMonthDayNano::new(12, 3, 500_000_000);
    assert_eq!(
        binary(IntervalMonthDayNanoArray::from(vec![interval])),
        ["000000000007a120000000030000000c"]
    );
    let stamp = TimestampMicrosecondArray::from(vec![1_795_514_400_123_456, i64::MIN]);
    assert_eq!(binary(stamp), ["000304018aca4a40", "8000000000000000"]);
    assert_eq!(binary(Date32Array::from(vec![20_781])), ["00002660"]);
    assert_eq!(
        binary(Time64NanosecondArray::from(vec![3_723_450_000_000])),
        ["00000000ddef5690"]
    );
}

#[test]
fn what_does_not_fit_is_an_error_and_leaves_no_half_row() {
    let failure = |array: ArrayRef, format| encode(array, format).unwrap_err();
    let max = UInt64Array::from(vec![u64::MAX]);
    let batch = RecordBatch::try_from_iter([("a", Arc::new(max) as ArrayRef)]).unwrap();
    let mut out = BytesMut::from(&b"before"[..]);
    let error = RowEncoder::try_new(&batch, &[], &Forms::default())
        .unwrap()
        .encode_row(0, &mut out)
        .unwrap_err();
    assert_eq!(
        (SqlError::from(error).to_string().as_str(), &out[..]),
        ("bigint out of range", &b"before"[..])
    );
    let ragged = nested(Arc::new(int_lists().slice(0, 2)), &[2]);
    assert_eq!(
        failure(Arc::new(ragged), Format::Binary),
        EncodeError::RaggedArray
    );
    let marks = StringArray::from(vec!["\"".repeat(40 << 20)]);
    assert_eq!(
        failure(Arc::new(nested(Arc::new(marks), &[1])), Format::Text),
        EncodeError::NestedTooLong
    );
    let far = TimestampSecondArray::from(vec![i64::MAX - 1]);
    assert_eq!(
        failure(Arc::new(far), Format::Binary),
        EncodeError::OutOfRange("timestamp")
    );
    assert_eq!(
        failure(Arc::new(Time32SecondArray::from(vec![-1])), Format::Text).sqlstate(),
        "22008"
    );
    assert_eq!(
        failure(
            Arc::new(DurationSecondArray::from(vec![i64::MAX])),
            Format::Text
        )
        .sqlstate(),
        "22008"
    );
}

#[test]
fn oids_and_vectors_have_forms_of_their_own() {
    let oids = || UInt32Array::from(vec![26, u32::MAX]);
    assert_eq!(text(oids()), ["26", "4294967295"]);
    assert_eq!(binary(oids()), ["0000001a", "ffffffff"]);
    let vector = ListArray::from_iter_primitive::<Int16Type, _, _>([
        Some(vec![Some(1), Some(2)]),
        Some(vec![]),
    ]);
    let field = Field::new("indkey", vector.data_type().clone(), false)
        .with_metadata([(crate::catalog::TYPE.to_owned(), "int2vector".to_owned())].into());
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(vector)]).unwrap();
    let encode = |format| {
        let mut encoder = RowEncoder::try_new(&batch, &[format], &Forms::default()).unwrap();
        [0, 1].map(|row| {
            let mut out = BytesMut::new();
            encoder.encode_row(row, &mut out).unwrap();
            values(&out).remove(0).unwrap()
        })
    };
    assert_eq!(encode(Format::Text), [b"1 2".to_vec(), Vec::new()]);
    // One dimension, no nulls, int2, two elements from 0 on.
    let [two, none] = encode(Format::Binary);
    let head = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 21];
    let both = [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 2, 0, 2];
    assert_eq!(two, [&head[..], &both].concat());
    assert_eq!(none, [&head[..], &[0; 8]].concat());
}
