//! Rows of a system relation, made of values by the names of their columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanBuilder, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, IntervalMonthDayNanoBuilder, LargeBinaryArray, ListArray, RecordBatch,
    RecordBatchOptions, StringViewBuilder, TimestampMicrosecondArray, UInt32Array, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef};
use datafusion::common::{Result, internal_err};

use super::dictionary::Dictionary;
use super::relation::{Column, Relation};
use super::types::Type;
use crate::catalog::column::{TYPE, timestamp_type};
use crate::sql::numeric::Numeric;
use crate::sql::numeric::ordered::{self, COLUMN};

/// A value of any type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// `smallint`, `integer`, `bigint`, `oid`; microseconds for an interval.
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! from_int {
    ($($int:ty),*) => {$(
        impl From<$int> for Value {
            fn from(value: $int) -> Self {
                Self::Int(value.into())
            }
        }
    )*};
}
from_int!(i16, i32, i64, u32);

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<char> for Value {
    fn from(value: char) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl Value {
    fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    fn narrow<T: TryFrom<i64>>(&self) -> Option<T> {
        self.int().and_then(|value| T::try_from(value).ok())
    }

    /// What a column that allows no NULL has where nothing else is said.
    fn nothing(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool(false),
            DataType::Utf8View => Self::Text(String::new()),
            DataType::List(_) => Self::List(Vec::new()),
            _ => Self::Int(0),
        }
    }

    /// The value that COPY writes as `text`.
    fn of_copy(text: &str, data_type: &DataType) -> Self {
        match data_type {
            _ if text == "\\N" => Self::Null,
            DataType::Boolean => Self::Bool(text == "t"),
            DataType::Utf8View => Self::Text(text.to_owned()),
            DataType::List(item) => {
                let inside = text.trim_start_matches('{').trim_end_matches('}');
                let items = inside.split([',', ' ']).filter(|item| !item.is_empty());
                Self::List(items.map(|i| Self::of_copy(i, item.data_type())).collect())
            }
            DataType::Float32 | DataType::Float64 => Self::from(text.parse::<f64>().ok()),
            _ => Self::from(text.parse::<i64>().ok()),
        }
    }
}

/// How the engine holds values of a type: Arrow's type, and the name of the type where that says another.
fn field_type(dictionary: &Dictionary, this: &Type) -> (DataType, Option<String>) {
    if this.kind == 'd'
        && let Some(base) = dictionary.type_of(this.base)
    {
        return field_type(dictionary, base);
    }
    let named = |data_type| (data_type, Some(this.name.clone()));
    let list = |item: &Type| {
        let (data_type, name) = field_type(dictionary, item);
        DataType::List(Arc::new(typed(Field::new("item", data_type, true), name)))
    };
    match this.name.as_str() {
        "bool" => (DataType::Boolean, None),
        "int2" => (DataType::Int16, None),
        "int4" => (DataType::Int32, None),
        "int8" => (DataType::Int64, None),
        "float4" => (DataType::Float32, None),
        "float8" => (DataType::Float64, None),
        "numeric" => (COLUMN, None),
        "bytea" => (DataType::Binary, None),
        "oid" => (DataType::UInt32, None),
        "xid" | "regproc" | "regtype" | "regclass" => named(DataType::UInt32),
        "timestamptz" => (timestamp_type(), None),
        "interval" => (DataType::Interval(IntervalUnit::MonthDayNano), None),
        "text" => (DataType::Utf8View, None),
        "int2vector" | "oidvector" => match dictionary.type_of(this.element) {
            Some(element) => named(list(element)),
            None => named(DataType::Utf8View),
        },
        _ if this.is_array() => match dictionary.type_of(this.element) {
            Some(element) => {
                let (_, name) = field_type(dictionary, element);
                (list(element), name.map(|name| format!("_{name}")))
            }
            None => named(DataType::Utf8View),
        },
        _ => named(DataType::Utf8View),
    }
}

fn typed(field: Field, name: Option<String>) -> Field {
    match name {
        Some(name) => field.with_metadata([(TYPE.to_owned(), name)].into()),
        None => field,
    }
}

fn field(dictionary: &Dictionary, column: &Column) -> Field {
    let (data_type, name) = match dictionary.type_of(column.type_oid) {
        Some(this) => field_type(dictionary, this),
        None => (DataType::Utf8View, None),
    };
    typed(Field::new(&column.name, data_type, !column.not_null), name)
}

/// The columns of a relation as the engine sees them.
pub(super) fn schema(dictionary: &Dictionary, relation: &Relation) -> Schema {
    let fields = relation.columns.iter();
    Schema::new(fields.map(|c| field(dictionary, c)).collect::<Vec<_>>())
}

/// Rows that grow into a batch.
pub(super) struct Rows {
    schema: SchemaRef,
    columns: Vec<Vec<Value>>,
    len: usize,
}

impl Rows {
    pub fn new(schema: &SchemaRef) -> Self {
        Self {
            schema: Arc::clone(schema),
            columns: vec![Vec::new(); schema.fields().len()],
            len: 0,
        }
    }

    /// Appends a row of which these columns are known. Others are NULL, or 0, false or empty where NULL is not allowed.
    pub fn push<const N: usize>(&mut self, values: [(&str, Value); N]) {
        for (name, value) in values {
            let position = self.schema.index_of(name);
            debug_assert!(position.is_ok(), "no column {name}");
            if let Some(column) = position.ok().and_then(|at| self.columns.get_mut(at)) {
                column.push(value);
            }
        }
        self.end_row();
    }

    /// Appends the rows that COPY wrote, all columns in their order.
    pub fn extend_from_copy(&mut self, lines: &str) {
        for line in lines.lines() {
            let fields = self.schema.fields().iter().zip(line.split('\t'));
            for (column, (field, text)) in self.columns.iter_mut().zip(fields) {
                column.push(Value::of_copy(text, field.data_type()));
            }
            self.end_row();
        }
    }

    fn end_row(&mut self) {
        self.len += 1;
        for (column, field) in self.columns.iter_mut().zip(self.schema.fields()) {
            if column.len() < self.len {
                column.push(match field.is_nullable() {
                    true => Value::Null,
                    false => Value::nothing(field.data_type()),
                });
            }
        }
    }

    /// All rows.
    ///
    /// # Errors
    /// When a column is of a type that no values are made of, or lacks a value.
    pub fn finish(self) -> Result<RecordBatch> {
        let fields = self.schema.fields().iter();
        let columns = fields
            .zip(&self.columns)
            .map(|(field, values)| array(field, values))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.len));
        let batch = RecordBatch::try_new_with_options(self.schema, columns, &options);
        Ok(batch?)
    }
}

fn array(field: &Field, values: &[Value]) -> Result<ArrayRef> {
    Ok(match field.data_type() {
        other if values.iter().all(|value| *value == Value::Null) => {
            new_null_array(other, values.len())
        }
        DataType::Boolean => {
            let mut column = BooleanBuilder::with_capacity(values.len());
            for value in values {
                match value {
                    Value::Bool(value) => column.append_value(*value),
                    _ => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
        DataType::Int16 => Arc::new(values.iter().map(Value::narrow).collect::<Int16Array>()),
        DataType::Int32 => Arc::new(values.iter().map(Value::narrow).collect::<Int32Array>()),
        DataType::Int64 => Arc::new(values.iter().map(Value::int).collect::<Int64Array>()),
        DataType::UInt32 => Arc::new(values.iter().map(Value::narrow).collect::<UInt32Array>()),
        DataType::Float64 => Arc::new(values.iter().map(Value::float).collect::<Float64Array>()),
        DataType::Float32 => {
            let narrow = |value: &Value| value.float().map(|value| value as f32);
            Arc::new(values.iter().map(narrow).collect::<Float32Array>())
        }
        DataType::LargeBinary => {
            let numbers = values.iter().map(|value| value.int().map(Numeric::from));
            let numbers = numbers.map(|number| number.as_ref().map(ordered::encode));
            Arc::new(numbers.collect::<LargeBinaryArray>())
        }
        DataType::Utf8View => {
            let mut column = StringViewBuilder::with_capacity(values.len());
            for value in values {
                match value {
                    Value::Text(text) => column.append_value(text),
                    _ => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
        DataType::Binary => {
            let bytes = values.iter().map(|value| match value {
                Value::Text(text) => Some(text.as_bytes()),
                _ => None,
            });
            Arc::new(bytes.collect::<BinaryArray>())
        }
        DataType::Timestamp(..) => {
            let moments = values.iter().map(Value::int);
            let moments = moments.collect::<TimestampMicrosecondArray>();
            Arc::new(moments.with_data_type(field.data_type().clone()))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let mut column = IntervalMonthDayNanoBuilder::with_capacity(values.len());
            for value in values {
                column.append_option(value.int().map(|micros| {
                    arrow::datatypes::IntervalMonthDayNano::new(0, 0, micros.saturating_mul(1000))
                }));
            }
            Arc::new(column.finish())
        }
        DataType::List(item) => {
            let lists = values.iter().map(|value| match value {
                Value::List(items) => Some(items),
                _ => None,
            });
            let lists: Vec<_> = lists.collect();
            let items: Vec<Value> = lists
                .iter()
                .flatten()
                .flat_map(|l| l.iter().cloned())
                .collect();
            let lengths = lists.iter().map(|list| list.map_or(0, Vec::len));
            let validity: NullBuffer = lists.iter().map(Option::is_some).collect::<Vec<_>>().into();
            Arc::new(ListArray::try_new(
                Arc::clone(item),
                OffsetBuffer::from_lengths(lengths),
                array(item, &items)?,
                Some(validity),
            )?)
        }
        other => return internal_err!("no values of {other} are made"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Int16Type, UInt32Type};

    #[test]
    fn what_is_not_said_is_null_or_nothing() {
        let vector = DataType::List(Arc::new(Field::new("item", DataType::Int16, true)));
        let schema = Arc::new(Schema::new(vec![
            Field::new("oid", DataType::UInt32, false),
            Field::new("name", DataType::Utf8View, false),
            Field::new("note", DataType::Utf8View, true),
            Field::new("key", vector, true),
        ]));
        let mut rows = Rows::new(&schema);
        rows.push([("oid", 7_u32.into()), ("key", vec![1_i16, 2].into())]);
        rows.extend_from_copy("4000000000\tx\t\\N\t{3,4}");
        let batch = rows.finish().unwrap();
        let oids = batch.column(0).as_primitive::<UInt32Type>();
        assert_eq!(oids.values(), &[7, 4_000_000_000]);
        assert_eq!(batch.column(1).as_string_view().value(0), "");
        assert_eq!(batch.column(2).null_count(), 2);
        let keys = batch.column(3).as_list::<i32>().value(1);
        assert_eq!(keys.as_primitive::<Int16Type>().values(), &[3, 4]);
    }
}
