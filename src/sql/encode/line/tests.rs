use super::*;
use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, StringViewArray};
use proptest::prelude::*;
use std::sync::Arc;

fn text_style() -> LineStyle {
    LineStyle {
        csv: false,
        delimiter: b'\t',
        null: b"\\N".as_slice().into(),
        quote: 0,
        escape: 0,
        forced: Vec::new(),
        is_single: false,
    }
}

fn csv_style() -> LineStyle {
    LineStyle {
        csv: true,
        delimiter: b',',
        null: Box::default(),
        quote: b'"',
        escape: b'"',
        forced: Vec::new(),
        is_single: false,
    }
}

/// The contents of CopyData messages.
fn lines(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        assert_eq!(*kind, b'd');
        let (length, rest) = rest.split_first_chunk().unwrap();
        let (line, rest) = rest.split_at(u32::from_be_bytes(*length) as usize - 4);
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        bytes = rest;
    }
    lines
}

fn encode(batch: &RecordBatch, style: &LineStyle) -> String {
    let mut out = BytesMut::new();
    let mut encoder = LineEncoder::try_new(batch, style, &Forms::default()).unwrap();
    let mut next = 0;
    while next < batch.num_rows() {
        let full = out.len() + 50;
        next = encoder
            .encode_rows(next..batch.num_rows(), &mut out, full)
            .unwrap();
    }
    lines(&out).concat()
}

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let named = columns.into_iter().enumerate();
    RecordBatch::try_from_iter_with_nullable(named.map(|(n, c)| (n.to_string(), c, true))).unwrap()
}

#[test]
fn text_is_escaped_as_postgresql_does() {
    let texts = [
        Some("\\."),
        Some(""),
        None,
        Some("a\tb\\c\u{8}\u{c}\r\n\u{b}\u{1}é"),
    ];
    let batch = batch(vec![Arc::new(StringArray::from(texts.to_vec()))]);
    let expected = "\\\\.\n\n\\N\na\\tb\\\\c\\b\\f\\r\\n\\v\u{1}é\n";
    assert_eq!(encode(&batch, &text_style()), expected);
    let style = LineStyle {
        delimiter: b',',
        null: b"NULL".as_slice().into(),
        ..text_style()
    };
    let batch = self::batch(vec![
        Arc::new(StringArray::from(vec![Some("a,b"), None])),
        Arc::new(Int64Array::from(vec![Some(-1), None])),
    ]);
    assert_eq!(encode(&batch, &style), "a\\,b,-1\nNULL,NULL\n");
}

#[test]
fn values_are_quoted_as_postgresql_does() {
    let texts = [
        Some("a,b"),
        Some(""),
        None,
        Some("say \"x\""),
        Some("a\nb"),
        Some("\\."),
    ];
    let batch = batch(vec![
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(Float64Array::from(vec![1.5; texts.len()])),
    ]);
    let expected = "\"a,b\",1.5\n\"\",1.5\n,1.5\n\"say \"\"x\"\"\",1.5\n\"a\nb\",1.5\n\\.,1.5\n";
    assert_eq!(encode(&batch, &csv_style()), expected);
    let single = batch.project(&[0]).unwrap().slice(5, 1);
    let style = LineStyle {
        is_single: true,
        ..csv_style()
    };
    assert_eq!(encode(&single, &style), "\"\\.\"\n");
    let style = LineStyle {
        forced: vec![false, true],
        escape: b'\\',
        null: b"1.5".as_slice().into(),
        ..csv_style()
    };
    let expected = "\"say \\\"x\\\"\",\"1.5\"\n";
    assert_eq!(encode(&batch.slice(3, 1), &style), expected);
}

#[test]
fn signs_that_are_in_numbers_are_minded() {
    let batch = batch(vec![Arc::new(Float64Array::from(vec![-1.5, 5.0]))]);
    let style = LineStyle {
        delimiter: b'-',
        null: b"5".as_slice().into(),
        ..csv_style()
    };
    assert_eq!(encode(&batch, &style), "\"-1.5\"\n\"5\"\n");
    let style = LineStyle {
        delimiter: b'-',
        ..text_style()
    };
    assert_eq!(encode(&batch, &style), "\\-1.5\n5\n");
}

fn any_style() -> impl Strategy<Value = LineStyle> {
    let forced = prop::collection::vec(any::<bool>(), 0..5);
    let null = prop::sample::select(vec!["", "\\N", "null", "-", "7", "a long text for null"]);
    let delimiter = prop::sample::select(b"\t,;|-: ".to_vec());
    (any::<bool>(), delimiter, null, forced).prop_map(|(csv, delimiter, null, forced)| LineStyle {
        delimiter,
        null: null.as_bytes().into(),
        forced: if csv { forced } else { Vec::new() },
        ..if csv { csv_style() } else { text_style() }
    })
}

proptest! {
    /// Many rows are put together from cells, one row is not: both are the same.
    #[test]
    fn both_ways_write_the_same(
        rows in prop::collection::vec(
            (prop::option::of("[a-z,\t\\\\\"\n-]{0,40}"), prop::option::of(any::<i64>()), any::<f64>()),
            BLOCK_ROWS..100,
        ),
        style in any_style(),
    ) {
        let texts = || rows.iter().map(|row| row.0.as_deref());
        let batch = batch(vec![
            Arc::new(texts().collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
            Arc::new(texts().collect::<StringViewArray>()),
            Arc::new(rows.iter().map(|row| Some(row.2)).collect::<Float64Array>()),
        ]);
        let one_by_one = (0..batch.num_rows()).map(|row| encode(&batch.slice(row, 1), &style));
        prop_assert_eq!(encode(&batch, &style), one_by_one.collect::<String>());
    }
}
