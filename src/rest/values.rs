//! Arrow columns as JSON values.
//!
//! A [`Shape`] is made of a column's type once, when the resource is planned: it refuses a type that has no JSON
//! form and escapes the names of members. For each batch the shape and the array become [`Values`], which know the
//! array's concrete type; writing a row then asks nothing about types.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, LargeStringArray,
    StringArray, StringViewArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use chrono::{DateTime, SecondsFormat, Utc};

use super::json::{JsonWriter, Key};

/// A column whose type has no form in a document.
#[derive(Debug, thiserror::Error)]
#[error("{path} is of type {data_type}, which has no form in a document: cast it in the query")]
pub struct UnsupportedType {
    path: String,
    data_type: DataType,
}

impl UnsupportedType {
    /// `path` says where in the document the type stands.
    pub fn new(path: impl Into<String>, data_type: &DataType) -> Self {
        Self {
            path: path.into(),
            data_type: data_type.clone(),
        }
    }
}

/// What a column looks like in a document.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Neither members nor elements.
    Scalar,
    /// An array of elements of one shape.
    List(Box<Shape>),
    /// An object with these members.
    Struct(Box<[(Key, Shape)]>),
}

impl Shape {
    /// The shape of a type; `path` is what an error calls it.
    ///
    /// # Errors
    /// When the type, or one inside it, has no form in a document.
    pub fn new(data_type: &DataType, path: &str) -> Result<Self, UnsupportedType> {
        match data_type {
            DataType::Null
            | DataType::Boolean
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt64
            | DataType::Float64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Timestamp(..) => Ok(Self::Scalar),
            DataType::List(element) => {
                let element = Self::new(element.data_type(), &format!("{path}[]"))?;
                Ok(Self::List(Box::new(element)))
            }
            DataType::Struct(members) => {
                let member = |field: &arrow::datatypes::FieldRef| {
                    let path = format!("{path}/{}", field.name());
                    let shape = Self::new(field.data_type(), &path)?;
                    Ok((Key::new(field.name()), shape))
                };
                Ok(Self::Struct(
                    members.iter().map(member).collect::<Result<_, _>>()?,
                ))
            }
            other => Err(UnsupportedType::new(path, other)),
        }
    }

    /// Binds an array. Its type may be a sibling of the planned one (another string layout, say).
    ///
    /// # Errors
    /// When the array is not what the shape was made of.
    pub fn bind<'a>(&'a self, array: &'a ArrayRef) -> Result<Values<'a>, UnsupportedType> {
        let unsupported = || UnsupportedType::new("a column", array.data_type());
        Ok(match (self, array.data_type()) {
            (Self::Scalar, DataType::Null) => Values::Null,
            (Self::Scalar, DataType::Boolean) => Values::Boolean(array.as_boolean()),
            (Self::Scalar, DataType::Int32) => Values::Int32(array.as_primitive::<Int32Type>()),
            (Self::Scalar, DataType::Int64) => Values::Int64(array.as_primitive::<Int64Type>()),
            (Self::Scalar, DataType::UInt64) => Values::UInt64(array.as_primitive::<UInt64Type>()),
            (Self::Scalar, DataType::Float64) => {
                Values::Float64(array.as_primitive::<Float64Type>())
            }
            (Self::Scalar, DataType::Utf8) => Values::Utf8(array.as_string()),
            (Self::Scalar, DataType::LargeUtf8) => Values::LargeUtf8(array.as_string()),
            (Self::Scalar, DataType::Utf8View) => Values::Utf8View(array.as_string_view()),
            (Self::Scalar, DataType::Timestamp(unit, zone)) => Values::Timestamp(Timestamps {
                ticks: ticks(array, *unit),
                nulls: array.nulls(),
                unit: *unit,
                zoned: zone.is_some(),
            }),
            (Self::List(shape), DataType::List(_)) => {
                let list = array.as_list::<i32>();
                Values::List(Lists {
                    elements: Box::new(shape.bind(list.values())?),
                    offsets: list.offsets(),
                    nulls: list.nulls(),
                })
            }
            (Self::Struct(members), DataType::Struct(_)) => {
                let structs = array.as_struct();
                if structs.num_columns() != members.len() {
                    return Err(unsupported());
                }
                let member = |((key, shape), column): (&'a (Key, Shape), &'a ArrayRef)| {
                    Ok((key, shape.bind(column)?))
                };
                Values::Struct(Structs {
                    members: members
                        .iter()
                        .zip(structs.columns())
                        .map(member)
                        .collect::<Result<_, _>>()?,
                    nulls: structs.nulls(),
                })
            }
            _ => return Err(unsupported()),
        })
    }
}

fn ticks(array: &ArrayRef, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    }
}

/// The values of one column of a batch, ready to be written row by row.
pub enum Values<'a> {
    /// Nothing but NULL.
    Null,
    /// `true` and `false`.
    Boolean(&'a BooleanArray),
    /// Numbers.
    Int32(&'a Int32Array),
    /// Numbers.
    Int64(&'a Int64Array),
    /// Numbers.
    UInt64(&'a UInt64Array),
    /// Numbers; those that are not finite count as NULL.
    Float64(&'a Float64Array),
    /// Strings.
    Utf8(&'a StringArray),
    /// Strings.
    LargeUtf8(&'a LargeStringArray),
    /// Strings.
    Utf8View(&'a StringViewArray),
    /// Strings as RFC 3339 has them; those beyond its years count as NULL.
    Timestamp(Timestamps<'a>),
    /// Arrays.
    List(Lists<'a>),
    /// Objects.
    Struct(Structs<'a>),
}

/// Timestamps of any unit.
pub struct Timestamps<'a> {
    ticks: &'a [i64],
    nulls: Option<&'a NullBuffer>,
    unit: TimeUnit,
    zoned: bool,
}

impl Timestamps<'_> {
    fn instant(&self, row: usize) -> Option<DateTime<Utc>> {
        let ticks = self.ticks[row];
        match self.unit {
            TimeUnit::Second => DateTime::from_timestamp(ticks, 0),
            TimeUnit::Millisecond => DateTime::from_timestamp_millis(ticks),
            TimeUnit::Microsecond => DateTime::from_timestamp_micros(ticks),
            TimeUnit::Nanosecond => Some(DateTime::from_timestamp_nanos(ticks)),
        }
    }
}

/// Arrays of one kind of element.
pub struct Lists<'a> {
    elements: Box<Values<'a>>,
    offsets: &'a OffsetBuffer<i32>,
    nulls: Option<&'a NullBuffer>,
}

/// Objects with the same members.
pub struct Structs<'a> {
    members: Box<[(&'a Key, Values<'a>)]>,
    nulls: Option<&'a NullBuffer>,
}

impl Values<'_> {
    /// Whether the row has nothing to say, so that an object's member is left out.
    pub fn is_absent(&self, row: usize) -> bool {
        let null = |nulls: Option<&NullBuffer>| nulls.is_some_and(|nulls| nulls.is_null(row));
        match self {
            Self::Null => true,
            Self::Boolean(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::UInt64(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row) || !array.value(row).is_finite(),
            Self::Utf8(array) => array.is_null(row),
            Self::LargeUtf8(array) => array.is_null(row),
            Self::Utf8View(array) => array.is_null(row),
            Self::Timestamp(stamps) => null(stamps.nulls) || stamps.instant(row).is_none(),
            Self::List(lists) => null(lists.nulls),
            Self::Struct(structs) => null(structs.nulls),
        }
    }

    /// Writes the row's value. Returns whether it says anything: false for an object without a member.
    pub fn write(&self, row: usize, json: &mut JsonWriter) -> bool {
        match self {
            _ if self.is_absent(row) => json.null(),
            Self::Null => json.null(),
            Self::Boolean(array) => json.bool(array.value(row)),
            Self::Int32(array) => json.integer(array.value(row)),
            Self::Int64(array) => json.integer(array.value(row)),
            Self::UInt64(array) => json.integer(array.value(row)),
            Self::Float64(array) => json.float(array.value(row)),
            Self::Utf8(array) => json.string(array.value(row)),
            Self::LargeUtf8(array) => json.string(array.value(row)),
            Self::Utf8View(array) => json.string(array.value(row)),
            Self::Timestamp(stamps) => match stamps.instant(row) {
                Some(instant) => {
                    let text = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                    // Without a zone it is a reading of some clock, not an instant.
                    let shown = if stamps.zoned {
                        &text
                    } else {
                        text.trim_end_matches('Z')
                    };
                    json.string(shown);
                }
                None => json.null(),
            },
            Self::List(lists) => {
                json.begin_array();
                for element in lists.offsets[row] as usize..lists.offsets[row + 1] as usize {
                    json.element();
                    lists.elements.write(element, json);
                }
                json.end_array();
            }
            Self::Struct(structs) => {
                json.begin_object();
                let any = write_members(structs.members.iter().map(|(k, v)| (*k, v)), row, json);
                json.end_object();
                return any;
            }
        }
        true
    }
}

/// Writes the members of an object that have something to say; returns whether there was one.
pub fn write_members<'a, 'b: 'a>(
    members: impl IntoIterator<Item = (&'a Key, &'a Values<'b>)>,
    row: usize,
    json: &mut JsonWriter,
) -> bool {
    let mut any = false;
    for (key, values) in members {
        if values.is_absent(row) {
            continue;
        }
        let before = json.mark();
        json.key(key);
        if values.write(row, json) {
            any = true;
        } else {
            json.rewind(before);
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Int64Builder, ListBuilder, StringViewBuilder, StructArray, TimestampMicrosecondArray,
    };
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{Field, Fields};
    use serde_json::{Value, json};

    use super::super::json::Style;
    use super::*;

    fn rows(array: ArrayRef) -> Vec<Value> {
        let shape = Shape::new(array.data_type(), "column").unwrap();
        let values = shape.bind(&array).unwrap();
        let read = |style| {
            (0..array.len())
                .map(|row| {
                    let mut json = JsonWriter::new(style);
                    values.write(row, &mut json);
                    serde_json::from_slice(&json.take()).unwrap()
                })
                .collect::<Vec<Value>>()
        };
        assert_eq!(read(Style::Compact), read(Style::Pretty));
        read(Style::Compact)
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
    fn a_type_without_a_form_is_named_with_its_place() {
        let bytes = Field::new("key", DataType::Binary, true);
        let data_type = DataType::Struct(Fields::from(vec![bytes]));
        let error = Shape::new(&data_type, "attributes").unwrap_err();
        assert!(error.to_string().starts_with("attributes/key is of type"));
    }
}
