//! Against the way of one row at a time.

use super::super::RowEncoder;
use super::super::interval::Forms;
use super::super::zone::Zone;
use super::*;
use arrow::array::*;
use arrow::datatypes::Float16Type;
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

/// What a row is made of: every column takes from it what it can hold.
type Seed = (Option<i64>, u32, String);

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let text = prop_oneof!["[a-z]{0,14}", "[a-z]{28,36}", "[a-zé]{0,60}"];
    let number = proptest::option::weighted(0.9, any::<i64>());
    vec((number, 0..64_u32, text), 1..3 * BLOCK_ROWS)
}

/// Columns of all types that a block formats.
fn columns(seeds: &[Seed]) -> Vec<ArrayRef> {
    fn of<T, A: FromIterator<Option<T>>>(seeds: &[Seed], value: impl Fn(i64) -> T) -> A {
        let value = |(n, shift, _): &Seed| n.map(|n| value(n >> shift));
        seeds.iter().map(value).collect()
    }
    let texts = || seeds.iter().map(|(n, _, text)| n.map(|_| text.as_str()));
    let micros: TimestampMicrosecondArray = of(seeds, |n| n);
    let seconds: TimestampSecondArray = of(seeds, |n| n >> 20);
    // Near each other, as moments of sessions are.
    let near: TimestampMicrosecondArray = of(seeds, |n| 1_795_514_400_000_000 + n % 100_000_000);
    let tenths: Decimal128Array = of(seeds, i128::from);
    let halves: PrimitiveArray<Float16Type> = of(seeds, |n| half(n as f32));
    vec![
        Arc::new(of::<_, BooleanArray>(seeds, |n| n % 2 == 0)),
        Arc::new(of::<_, Int8Array>(seeds, |n| n as i8)),
        Arc::new(of::<_, Int16Array>(seeds, |n| n as i16)),
        Arc::new(of::<_, Int32Array>(seeds, |n| n as i32)),
        Arc::new(of::<_, Int64Array>(seeds, |n| n)),
        Arc::new(of::<_, UInt8Array>(seeds, |n| n as u8)),
        Arc::new(of::<_, UInt16Array>(seeds, |n| n as u16)),
        Arc::new(of::<_, UInt32Array>(seeds, |n| n as u32)),
        Arc::new(of::<_, UInt64Array>(seeds, |n| n.unsigned_abs())),
        Arc::new(halves),
        Arc::new(of::<_, Float32Array>(seeds, |n| n as f32 / 1000.0)),
        Arc::new(of::<_, Float64Array>(seeds, |n| n as f64 / 1000.0)),
        Arc::new(of::<_, Float64Array>(seeds, |n| f64::from_bits(n as u64))),
        Arc::new(texts().collect::<StringViewArray>()),
        Arc::new(texts().collect::<StringArray>()),
        Arc::new(texts().collect::<LargeStringArray>()),
        Arc::new(micros.with_timezone("UTC")),
        Arc::new(seconds),
        Arc::new(near.with_timezone("UTC")),
        Arc::new(of::<_, Date32Array>(seeds, |n| n as i32)),
        Arc::new(of::<_, Time64MicrosecondArray>(seeds, |n| {
            n.unsigned_abs() as i64 >> 27
        })),
        Arc::new(of::<_, DurationMicrosecondArray>(seeds, |n| n >> 8)),
        Arc::new(of::<_, IntervalYearMonthArray>(seeds, |n| n as i32)),
        Arc::new(tenths.with_precision_and_scale(38, 1).unwrap()),
        Arc::new(NullArray::new(seeds.len())),
        Arc::new(Int64Array::new_null(seeds.len())),
    ]
}

fn half(n: f32) -> <Float16Type as ArrowPrimitiveType>::Native {
    <Float16Type as ArrowPrimitiveType>::Native::from_f32(n)
}

fn encoder(columns: Vec<ArrayRef>, format: Format) -> RowEncoder {
    let named = columns.into_iter().map(|column| ("c", column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(named).unwrap();
    RowEncoder::try_new(
        &batch,
        &[format],
        &Forms::from("Asia/Kolkata".parse::<Zone>().unwrap()),
    )
    .unwrap()
}

/// All rows up to the first that fails, by a block and one by one.
fn both_ways(columns: Vec<ArrayRef>, format: Format, bytes_max: usize) -> [(BytesMut, bool); 2] {
    let count = columns[0].len();
    let mut one_by_one = encoder(columns.clone(), format);
    let mut expected = BytesMut::new();
    let failed = (0..count).any(|row| one_by_one.encode_row(row, &mut expected).is_err());

    let mut by_block = encoder(columns, format);
    by_block.block = Block::of(&by_block.columns, &Shape::Message(b'D'));
    assert!(by_block.block.is_some());
    let (mut all, mut next, mut fails) = (BytesMut::new(), 0, false);
    while next < count && !fails {
        let mut out = BytesMut::new();
        match by_block.encode_rows(next..count, &mut out, bytes_max) {
            Ok(after) => next = after,
            Err(_) => fails = true,
        }
        all.extend_from_slice(&out);
    }
    [(expected, failed), (all, fails)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_block_sends_what_rows_alone_do(seeds in seeds(), bytes_max in 1_usize..5000) {
        for format in [Format::Text, Format::Binary] {
            for column in columns(&seeds) {
                let data_type = column.data_type().clone();
                let [alone, block] = both_ways(vec![column], format, bytes_max);
                prop_assert_eq!(alone, block, "{} {:?}", data_type, format);
            }
            let [alone, block] = both_ways(columns(&seeds), format, bytes_max);
            prop_assert_eq!(alone, block);
        }
    }

    #[test]
    fn rows_are_complete_and_no_more_than_were_asked_for(seeds in seeds(), bytes_max in 1_usize..5000) {
        let mut encoder = encoder(columns(&seeds)[..8].to_vec(), Format::Text);
        let mut out = BytesMut::new();
        let next = encoder.encode_rows(0..seeds.len(), &mut out, bytes_max).unwrap();
        let mut messages = &out[..];
        for _ in 0..next {
            prop_assert!(out.len() - messages.len() < bytes_max);
            let length = i32::from_be_bytes(messages[1..5].try_into().unwrap());
            messages = &messages[1 + length as usize..];
        }
        prop_assert!(messages.is_empty());
        prop_assert!(next == seeds.len() || out.len() >= bytes_max);
    }
}

#[test]
fn a_long_text_makes_its_own_room() {
    let long = "x".repeat(100_000);
    let texts = vec![Some(long.as_str()), Some("short"), None, Some(&long[..32])];
    for column in [
        Arc::new(StringViewArray::from(texts.clone())) as ArrayRef,
        Arc::new(StringArray::from(texts)),
    ] {
        let [alone, block] = both_ways(vec![Arc::clone(&column), column], Format::Text, 1);
        assert_eq!(alone, block);
    }
}
