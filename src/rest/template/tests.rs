use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, Int64Builder,
    LargeStringArray, ListBuilder, MapBuilder, StringBuilder, StringViewBuilder, StructArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::form::{Columns, Form, Source};
use super::super::json::Key;
use super::super::values::Shape;
use super::*;

/// The rows of a column as the only member of objects; null where it is left out.
fn rows(array: ArrayRef) -> Vec<Value> {
    let len = array.len();
    let shape = Shape::new(array.data_type(), "column").unwrap();
    let mut objects = written(&[("column", shape, array)], len);
    let member = |object: &mut Value| object["column"].take();
    objects.iter_mut().map(member).collect()
}

/// Objects with these members, whose names must be in alphabetical order; the same in both styles.
fn written(columns: &[(&str, Shape, ArrayRef)], len: usize) -> Vec<Value> {
    let arrays: Vec<ArrayRef> = columns.iter().map(|(.., array)| array.clone()).collect();
    let member = |(at, (name, shape, _)): (usize, &(&str, Shape, _))| {
        let form = Form::Column(Source::Queried(at), shape.clone());
        (Key::new(name), form)
    };
    let members: Vec<_> = columns.iter().enumerate().map(member).collect();
    let read = |style| {
        let mut template = TemplateBuilder::new(style, 0, b"base/");
        template.begin_object();
        template.members(&members, &Columns::new(&arrays, &[]).unwrap());
        template.end_object();
        let template = template.build();
        let object = |row| {
            let mut text = Vec::new();
            template.write(row, &mut text);
            let value: Value = serde_json::from_slice(&text).unwrap();
            let layout = match style {
                Style::Compact => value.to_string(),
                Style::Pretty => indented(&value),
            };
            assert_eq!(String::from_utf8(text).unwrap(), layout);
            value
        };
        (0..len).map(object).collect::<Vec<Value>>()
    };
    assert_eq!(read(Style::Compact), read(Style::Pretty));
    read(Style::Compact)
}

fn indented(value: &Value) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(value, &mut serializer).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn scalars() {
    let integers = Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]);
    assert_eq!(
        rows(Arc::new(integers)),
        [json!(i64::MIN), json!(null), json!(i64::MAX)]
    );
    let counts = UInt64Array::from(vec![u64::MAX]);
    assert_eq!(rows(Arc::new(counts)), [json!(u64::MAX)]);
    let floats = Float64Array::from(vec![Some(23.8), Some(f64::NAN), None]);
    assert_eq!(
        rows(Arc::new(floats)),
        [json!(23.8), json!(null), json!(null)]
    );
    let flags = BooleanArray::from(vec![Some(true), Some(false), None]);
    assert_eq!(
        rows(Arc::new(flags)),
        [json!(true), json!(false), json!(null)]
    );
    let expected = [json!("Zoë \"\n"), json!(null), json!("")];
    let strings = vec![Some("Zoë \"\n"), None, Some("")];
    assert_eq!(rows(Arc::new(StringArray::from(strings.clone()))), expected);
    assert_eq!(
        rows(Arc::new(StringViewArray::from(strings.clone()))),
        expected
    );
    assert_eq!(rows(Arc::new(LargeStringArray::from(strings))), expected);
}

#[test]
fn timestamps_are_rfc_3339() {
    let stamps = vec![Some(1_500_289_839_250_000), None, Some(i64::MAX)];
    let zoned = TimestampMicrosecondArray::from(stamps).with_timezone("UTC");
    assert_eq!(
        rows(Arc::new(zoned)),
        [json!("2017-07-17T11:10:39.250Z"), json!(null), json!(null)]
    );
    let plain = TimestampMicrosecondArray::from(vec![0]);
    assert_eq!(rows(Arc::new(plain)), [json!("1970-01-01T00:00:00")]);
}

#[test]
fn lists_keep_their_nulls() {
    let mut lists = ListBuilder::new(StringViewBuilder::new());
    lists.append_value([Some("a"), None]);
    lists.append_null();
    lists.append_value(Vec::<Option<&str>>::new());
    let lists: ArrayRef = Arc::new(lists.finish());
    let whole = [json!(["a", null]), json!(null), json!([])];
    assert_eq!(rows(Arc::clone(&lists)), whole);
    assert_eq!(rows(lists.slice(1, 2)), whole[1..]);
}

#[test]
fn objects_leave_out_what_is_null_or_empty() {
    let inner_fields = Fields::from(vec![Field::new("cipher", DataType::Utf8, true)]);
    let inner = StructArray::new(
        inner_fields.clone(),
        vec![Arc::new(StringArray::from(vec![
            None,
            Some("TLS13"),
            Some("hidden"),
        ]))],
        Some(NullBuffer::from(vec![true, true, false])),
    );
    let mut queries = ListBuilder::new(Int64Builder::new());
    for _ in 0..3 {
        queries.append_value(Vec::<Option<i64>>::new());
    }
    let queries = queries.finish();
    let outer = StructArray::new(
        Fields::from(vec![
            Field::new("client", DataType::Struct(inner_fields), true),
            Field::new("port", DataType::Int32, true),
            Field::new("queries", queries.data_type().clone(), true),
        ]),
        vec![
            Arc::new(inner),
            Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])),
            Arc::new(queries),
        ],
        None,
    );
    let outer: ArrayRef = Arc::new(outer);
    let whole = [
        json!({"port": 1, "queries": []}),
        json!({"client": {"cipher": "TLS13"}, "queries": []}),
        json!({"port": 3, "queries": []}),
    ];
    assert_eq!(rows(Arc::clone(&outer)), whole);
    assert_eq!(rows(outer.slice(1, 2)), whole[1..]);
}

#[test]
fn what_an_object_has_may_differ_from_row_to_row() {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in [
        Some(&[("\"", "\n"), ("a", "1")][..]),
        None,
        Some(&[]),
        Some(&[("b", "")]),
    ] {
        for (name, value) in row.unwrap_or_default() {
            maps.keys().append_value(name);
            maps.values().append_value(value);
        }
        maps.append(row.is_some()).expect("as many values as keys");
    }
    let maps = maps.finish();
    let outer = StructArray::new(
        Fields::from(vec![Field::new("of", maps.data_type().clone(), true)]),
        vec![Arc::new(maps)],
        None,
    );
    let outer: ArrayRef = Arc::new(outer);
    let whole = [
        json!({"of": {"a": "1", "\"": "\n"}}),
        // An object without a member is left out.
        json!(null),
        json!({"of": {}}),
        json!({"of": {"b": ""}}),
    ];
    assert_eq!(rows(Arc::clone(&outer)), whole);
    assert_eq!(rows(outer.slice(2, 2)), whole[2..]);
}

#[test]
fn empty_objects_stay_in_lists() {
    let field = Field::new("id", DataType::Int64, true);
    let structs = StructArray::new(
        Fields::from(vec![field]),
        vec![Arc::new(Int64Array::from(vec![None, Some(4)]))],
        None,
    );
    let element = Arc::new(Field::new("item", structs.data_type().clone(), true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 2]));
    let list = arrow::array::ListArray::new(element, offsets, Arc::new(structs), None);
    assert_eq!(rows(Arc::new(list)), [json!([{}, {"id": 4}])]);
}

#[test]
fn links_begin_with_the_base() {
    let own = Field::new("self", DataType::Utf8, true);
    let texts = StringArray::from(vec![Some("services/"), None, Some("a\"b/")]);
    let links = StructArray::new(Fields::from(vec![own]), vec![Arc::new(texts)], None);
    let links: ArrayRef = Arc::new(links);
    let shape = Shape::new(links.data_type(), "relationships/links").unwrap();
    let objects = written(&[("links", shape, links)], 3);
    let expected = [
        json!({"links": {"self": "base/services/"}}),
        json!({}),
        json!({"links": {"self": "base/a\"b/"}}),
    ];
    assert_eq!(objects, expected);
}

/// One of the few values that a column may have, so that constant columns are frequent.
fn cells(len: usize) -> impl Strategy<Value = Vec<Option<u8>>> {
    let constant = (0u8..3).prop_map(move |cell| vec![Some(cell); len]);
    let none = Just(vec![None; len]);
    let mixed = proptest::collection::vec(proptest::option::of(0u8..3), len);
    prop_oneof![constant, none, mixed]
}

proptest! {
    #[test]
    fn any_rows_are_written_as_they_are(
        (first, second, third, outer) in (1usize..6)
            .prop_flat_map(|len| (cells(len), cells(len), cells(len), cells(len))),
    ) {
        let len = first.len();
        let texts = ["", "short \"quoted\"", "longer than what fits into a view"];
        let text = |cell: &Option<u8>| cell.map(|cell| texts[usize::from(cell)]);
        let number = |cell: &Option<u8>| cell.map(|cell| f64::from(cell) / 10.0);
        let names = StringViewArray::from_iter(first.iter().map(text));
        let numbers = Float64Array::from_iter(second.iter().map(number));
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for cell in &third {
            match cell {
                None => lists.append_null(),
                Some(length) => lists.append_value(vec![text(cell); usize::from(*length)]),
            }
        }
        let lists = lists.finish();
        let fields = Fields::from(vec![
            Field::new("list", lists.data_type().clone(), true),
            Field::new("name", DataType::Utf8View, true),
            Field::new("number", DataType::Float64, true),
        ]);
        let columns: Vec<ArrayRef> = vec![Arc::new(lists), Arc::new(names), Arc::new(numbers)];
        let nulls = NullBuffer::from_iter(outer.iter().map(Option::is_some));
        let head: ArrayRef = Arc::new(StructArray::new(fields, columns, Some(nulls)));
        let shape = Shape::new(head.data_type(), "head").unwrap();
        let last: ArrayRef = Arc::new(Int64Array::from_iter(
            outer.iter().map(|cell| cell.map(i64::from)),
        ));
        let found = written(
            &[("head", shape, head), ("last", Shape::Scalar, last)],
            len,
        );
        for row in 0..len {
            let mut members = serde_json::Map::new();
            if let Some(name) = text(&first[row]) {
                members.insert("name".to_owned(), json!(name));
            }
            if let Some(number) = number(&second[row]) {
                members.insert("number".to_owned(), json!(number));
            }
            if let Some(length) = third[row] {
                let list = vec![text(&third[row]); usize::from(length)];
                members.insert("list".to_owned(), json!(list));
            }
            let mut expected = serde_json::Map::new();
            if let Some(last) = outer[row] {
                if !members.is_empty() {
                    expected.insert("head".to_owned(), Value::Object(members));
                }
                expected.insert("last".to_owned(), json!(last));
            }
            prop_assert_eq!(&found[row], &Value::Object(expected));
        }
    }
}
