//! Arrow columns as JSON values.
//!
//! A [`Shape`] is made of a column's type once, when the resource is planned: it refuses a type that has no JSON
//! form, escapes the names of members and finds the links. The scalar columns of a batch become [`Scalars`], which
//! know the array's concrete type and whether its texts need escaping; writing a row then asks for neither.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, LargeStringArray, StringArray, StringViewArray,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use chrono::{DateTime, SecondsFormat, Utc};

use super::json::{Key, is_plain, push_escaped, push_float, push_integer};

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
    /// A text that is relative to the API's root: `self` in an object named `links`.
    Link,
    /// An array of elements of one shape.
    List(Box<Shape>),
    /// An object with these members.
    Struct(Box<[(Key, Shape)]>),
    /// An object of texts, whose members differ from row to row.
    Map,
}

impl Shape {
    /// The shape of a type; `path` is where in the document it stands.
    ///
    /// # Errors
    /// When the type, or one inside it, has no form in a document.
    pub fn new(data_type: &DataType, path: &str) -> Result<Self, UnsupportedType> {
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => match is_link(path) {
                true => Ok(Self::Link),
                false => Ok(Self::Scalar),
            },
            DataType::Null
            | DataType::Boolean
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt64
            | DataType::Float64
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
            DataType::Map(..) if is_of_texts(data_type) => Ok(Self::Map),
            other => Err(UnsupportedType::new(path, other)),
        }
    }

    /// Whether an array of this type has the shape. It may be a sibling of the planned type (another string
    /// layout, say).
    pub fn admits(&self, data_type: &DataType) -> bool {
        match (self, data_type) {
            (Self::Link, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => true,
            (Self::Scalar, DataType::List(_) | DataType::Struct(_) | DataType::Map(..)) => false,
            (Self::Map, DataType::Map(..)) => is_of_texts(data_type),
            (Self::Scalar, scalar) => Self::new(scalar, "").is_ok(),
            (Self::List(shape), DataType::List(element)) => shape.admits(element.data_type()),
            (Self::Struct(members), DataType::Struct(fields)) => {
                let mut pairs = members.iter().zip(fields);
                members.len() == fields.len()
                    && pairs.all(|((_, shape), field)| shape.admits(field.data_type()))
            }
            _ => false,
        }
    }
}

/// Whether a map is one of plain texts by plain texts.
fn is_of_texts(data_type: &DataType) -> bool {
    let DataType::Map(entries, _) = data_type else {
        return false;
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return false;
    };
    fields
        .iter()
        .all(|field| *field.data_type() == DataType::Utf8)
}

/// Whether a text at this place of a document is relative to the API's root.
pub fn is_link(path: &str) -> bool {
    let mut outwards = path.rsplit('/');
    (outwards.next(), outwards.next()) == (Some("self"), Some("links"))
}

/// The values of one column of a batch that are neither lists nor objects, ready to be written row by row.
pub enum Scalars {
    /// `true` and `false`.
    Boolean(BooleanArray),
    /// Numbers.
    Int32(ScalarBuffer<i32>),
    /// Numbers.
    Int64(ScalarBuffer<i64>),
    /// Numbers.
    UInt64(ScalarBuffer<u64>),
    /// Numbers; those that are not finite are never asked for.
    Float64(ScalarBuffer<f64>),
    /// Texts; `plain` when none of them needs escaping.
    Utf8 { texts: StringArray, plain: bool },
    /// Texts.
    LargeUtf8(LargeStringArray),
    /// Texts; `plain` when none of them needs escaping.
    Utf8View { texts: StringViewArray, plain: bool },
    /// Texts as RFC 3339 has them; those beyond its years are never asked for.
    Timestamp { stamps: Timestamps, zoned: bool },
}

impl Scalars {
    /// Binds an array; `None` when its type is not one of a scalar.
    pub fn bind(array: &ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().values().clone()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values().clone()),
            DataType::UInt64 => Self::UInt64(array.as_primitive::<UInt64Type>().values().clone()),
            DataType::Float64 => {
                Self::Float64(array.as_primitive::<Float64Type>().values().clone())
            }
            DataType::Utf8 => {
                let texts = array.as_string::<i32>().clone();
                let (from, to) = match texts.value_offsets() {
                    [from, .., to] => (*from as usize, *to as usize),
                    _ => (0, 0),
                };
                let plain = is_plain(&texts.value_data()[from..to]);
                Self::Utf8 { texts, plain }
            }
            DataType::LargeUtf8 => Self::LargeUtf8(array.as_string().clone()),
            DataType::Utf8View => {
                let texts = array.as_string_view().clone();
                let mut views = texts.views().iter().enumerate();
                let plain = views.all(|(row, view)| match inline_len(*view) {
                    Some(len) => is_plain_inline(*view, len),
                    None => is_plain(texts.value(row).as_bytes()),
                });
                Self::Utf8View { texts, plain }
            }
            DataType::Timestamp(unit, zone) => Self::Timestamp {
                stamps: Timestamps::new(array, *unit),
                zoned: zone.is_some(),
            },
            _ => return None,
        })
    }

    /// Whether texts stand between quotes, which [`Scalars::push`] does not write.
    pub fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Utf8 { .. } | Self::LargeUtf8(_) | Self::Utf8View { .. } | Self::Timestamp { .. }
        )
    }

    /// Whether all rows have the same value, as far as that is seen at once.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Boolean(array) => {
                let set = array.values().count_set_bits();
                !array.is_empty() && (set == 0 || set == array.len())
            }
            Self::Int32(values) => all_same(values),
            Self::Int64(values) => all_same(values),
            Self::UInt64(values) => all_same(values),
            Self::Float64(values) => {
                let mut bits = values.iter().map(|value| value.to_bits());
                bits.next()
                    .is_some_and(|first| bits.all(|other| other == first))
            }
            Self::Utf8 { texts, .. } => {
                let mut rows = 0..texts.len();
                let first = rows.next().map(|row| texts.value(row));
                first.is_some_and(|first| rows.all(|row| texts.value(row) == first))
            }
            Self::LargeUtf8(texts) => texts.len() == 1,
            // Equal views are equal texts; long texts that are equal may have other views, which does not matter.
            Self::Utf8View { texts, .. } => all_same(texts.views()),
            Self::Timestamp { stamps, .. } => all_same(&stamps.ticks),
        }
    }

    /// Writes the row's value, which must be present.
    #[inline]
    pub fn push(&self, row: usize, text: &mut Vec<u8>) {
        match self {
            Self::Boolean(array) => {
                let value: &[u8] = if array.value(row) { b"true" } else { b"false" };
                text.extend_from_slice(value);
            }
            Self::Int32(values) => push_integer(text, values[row]),
            Self::Int64(values) => push_integer(text, values[row]),
            Self::UInt64(values) => push_integer(text, values[row]),
            Self::Float64(values) => push_float(text, values[row]),
            Self::Utf8 { texts, plain: true } => {
                text.extend_from_slice(texts.value(row).as_bytes());
            }
            Self::Utf8View { texts, plain: true } => push_view(text, texts, row),
            Self::Utf8 { texts, .. } => push_escaped(text, texts.value(row)),
            Self::LargeUtf8(texts) => push_escaped(text, texts.value(row)),
            Self::Utf8View { texts, .. } => push_escaped(text, texts.value(row)),
            Self::Timestamp { stamps, zoned } => stamps.push(row, *zoned, text),
        }
    }
}

fn all_same<T: PartialEq>(values: &[T]) -> bool {
    match values {
        [first, others @ ..] => others.iter().all(|other| other == first),
        [] => false,
    }
}

/// Bytes of a view (its low four) that tell how long the text is.
const VIEW_LEN_BYTES: usize = 4;
/// The longest text that stands in the view itself.
const INLINE_BYTES_MAX: usize = 12;

/// The length of a text that stands in the view itself.
fn inline_len(view: u128) -> Option<usize> {
    let len = view as u32 as usize;
    (len <= INLINE_BYTES_MAX).then_some(len)
}

/// Whether the text in a view needs no escaping: all of its bytes are looked at together.
fn is_plain_inline(view: u128, len: usize) -> bool {
    const ONES: u128 = u128::from_ne_bytes([1; 16]);
    const HIGHS: u128 = ONES << 7;
    const SPACES: u128 = ONES * b' ' as u128;
    // Behind the text there are zeros, which would count as control characters.
    let bytes = (view >> (8 * VIEW_LEN_BYTES)) | (SPACES << (8 * len));
    let control = bytes.wrapping_sub(SPACES) & !bytes;
    let is = |byte: u8| {
        let difference = bytes ^ (ONES * u128::from(byte));
        difference.wrapping_sub(ONES) & !difference
    };
    (control | is(b'"') | is(b'\\')) & HIGHS == 0
}

fn push_view(text: &mut Vec<u8>, texts: &StringViewArray, row: usize) {
    let view = texts.views()[row];
    match inline_len(view) {
        Some(len) => {
            // A copy of a fixed size, of which the surplus is taken back, is cheaper than one of the right size.
            text.extend_from_slice(&view.to_le_bytes()[VIEW_LEN_BYTES..]);
            text.truncate(text.len() - INLINE_BYTES_MAX + len);
        }
        None => text.extend_from_slice(texts.value(row).as_bytes()),
    }
}

/// Timestamps of any unit.
pub struct Timestamps {
    ticks: ScalarBuffer<i64>,
    unit: TimeUnit,
}

impl Timestamps {
    /// The timestamps of an array of this unit.
    pub fn new(array: &ArrayRef, unit: TimeUnit) -> Self {
        let ticks = match unit {
            TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
            TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
            TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
            TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
        };
        Self {
            ticks: ticks.clone(),
            unit,
        }
    }

    /// The row's moment, if the calendar reaches it.
    pub fn instant(&self, row: usize) -> Option<DateTime<Utc>> {
        let ticks = self.ticks[row];
        match self.unit {
            TimeUnit::Second => DateTime::from_timestamp(ticks, 0),
            TimeUnit::Millisecond => DateTime::from_timestamp_millis(ticks),
            TimeUnit::Microsecond => DateTime::from_timestamp_micros(ticks),
            TimeUnit::Nanosecond => Some(DateTime::from_timestamp_nanos(ticks)),
        }
    }

    fn push(&self, row: usize, zoned: bool, text: &mut Vec<u8>) {
        let Some(instant) = self.instant(row) else {
            return;
        };
        let moment = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        // Without a zone it is a reading of some clock, not an instant.
        let shown = match zoned {
            true => &moment,
            false => moment.trim_end_matches('Z'),
        };
        text.extend_from_slice(shown.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Fields};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_type_without_a_form_is_named_with_its_place() {
        let bytes = Field::new("key", DataType::Binary, true);
        let data_type = DataType::Struct(Fields::from(vec![bytes]));
        let error = Shape::new(&data_type, "attributes").unwrap_err();
        assert!(error.to_string().starts_with("attributes/key is of type"));
    }

    #[test]
    fn a_link_is_known_by_its_place() {
        let is_link =
            |data_type: &DataType, path| matches!(Shape::new(data_type, path), Ok(Shape::Link));
        assert!(is_link(&DataType::Utf8, "links/self"));
        assert!(is_link(&DataType::Utf8View, "relationships/x[]/links/self"));
        assert!(!is_link(&DataType::Utf8, "relationships/links/selfish"));
        assert!(!is_link(&DataType::Utf8, "nolinks/self"));
        assert!(!is_link(&DataType::Utf8, "links/self/id"));
        assert!(!is_link(&DataType::Int64, "links/self"));
    }

    #[test]
    fn a_shape_admits_siblings_only() {
        let text = Shape::new(&DataType::Utf8, "text").unwrap();
        assert!(text.admits(&DataType::Utf8View));
        assert!(!text.admits(&DataType::Binary));
        let member = |name: &str, data_type| Field::new(name, data_type, true);
        let object = |members| DataType::Struct(Fields::from(members));
        let one = object(vec![member("a", DataType::Utf8)]);
        let two = object(vec![
            member("a", DataType::Utf8),
            member("b", DataType::Utf8),
        ]);
        assert!(!text.admits(&one));
        let shape = Shape::new(&one, "object").unwrap();
        assert!(shape.admits(&object(vec![member("a", DataType::LargeUtf8)])));
        assert!(!shape.admits(&two));
        assert!(!shape.admits(&DataType::Utf8));
    }

    proptest! {
        #[test]
        fn any_short_text_is_looked_at_whole(text in "[ -~é\u{0}-\u{1f}\"\\\\]{0,12}") {
            let texts = StringViewArray::from_iter_values([&text]);
            if let Some(len) = inline_len(texts.views()[0]) {
                prop_assert_eq!(is_plain_inline(texts.views()[0], len), is_plain(text.as_bytes()));
                let mut pushed = b"before".to_vec();
                push_view(&mut pushed, &texts, 0);
                prop_assert_eq!(pushed, [b"before", text.as_bytes()].concat());
            }
        }
    }
}
