//! One definition for each column: its name, type, doc and where its value comes from. Schema, scan, comments and
//! the documentation's tables all follow from it.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Builder, Int32Builder, Int64Builder, ListArray, MapArray, StringArray,
    StringBuilder, StringViewBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use crate::session::{Attributes, Connection};

/// Metadata key under which a field carries its column's description.
pub const COMMENT: &str = "comment";

/// Metadata key under which a field carries the internal name of its PostgreSQL type, where Arrow's type says another:
/// `name`, `char`, `inet`, `regproc`, `int2vector`, `_aclitem` …
pub const TYPE: &str = "type";

/// Metadata key under which a field carries its type's modifier (`atttypmod`), if it has one.
pub const MODIFIER: &str = "modifier";

/// Metadata key of a field whose values traffic or time alone change: a resource is the same without it.
pub(crate) const PASSING: &str = "passing";

/// Where the values of a column come from: a function of the two halves of a row, for each SQL type.
pub(super) enum Cell<A, B> {
    /// `text`
    Text(for<'a> fn(&'a A, &'a B) -> Option<Cow<'a, str>>),
    /// `bigint`
    Int(fn(&A, &B) -> Option<i64>),
    /// `integer`
    SmallInt(fn(&A, &B) -> Option<i32>),
    /// `double precision`
    Double(fn(&A, &B) -> Option<f64>),
    /// `timestamp with time zone`, in microseconds since the UNIX epoch
    Time(fn(&A, &B) -> Option<i64>),
    /// `bigint` that traffic changes.
    Counter(fn(&A, &B) -> u64),
    /// For documents only: resources of this type, by their names.
    References(
        &'static str,
        for<'a> fn(&'a A, &'a B) -> Option<&'a [Arc<str>]>,
    ),
    /// For documents only: a session's connections.
    Connections(for<'a> fn(&'a A, &'a B) -> &'a [Connection]),
    /// For documents only: texts by names.
    Attributes(for<'a> fn(&'a A, &'a B) -> Option<&'a Attributes>),
}

impl<A: 'static, B: 'static> Cell<A, B> {
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8View,
            Self::Int(_) | Self::Counter(_) => DataType::Int64,
            Self::SmallInt(_) => DataType::Int32,
            Self::Double(_) => DataType::Float64,
            Self::Time(_) => timestamp_type(),
            Self::References(..) => list_of(reference_fields()),
            Self::Connections(_) => list_of(connection_fields()),
            Self::Attributes(_) => DataType::Map(entries_field(), false),
        }
    }

    /// Whether its values are lists or objects, which only documents show: tables are flat.
    pub fn is_nested(&self) -> bool {
        matches!(
            self,
            Self::References(..) | Self::Connections(_) | Self::Attributes(_)
        )
    }

    /// Whether traffic changes its values.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Counter(_))
    }

    /// The column over these rows.
    pub fn build<'a>(&self, rows: impl ExactSizeIterator<Item = (&'a A, &'a B)>) -> ArrayRef {
        let len = rows.len();
        match self {
            Self::Text(value) => {
                let mut column = StringViewBuilder::with_capacity(len);
                rows.for_each(|(a, b)| column.append_option(value(a, b)));
                Arc::new(column.finish())
            }
            Self::Int(value) => {
                let mut column = Int64Builder::with_capacity(len);
                rows.for_each(|(a, b)| column.append_option(value(a, b)));
                Arc::new(column.finish())
            }
            Self::SmallInt(value) => {
                let mut column = Int32Builder::with_capacity(len);
                rows.for_each(|(a, b)| column.append_option(value(a, b)));
                Arc::new(column.finish())
            }
            Self::Double(value) => {
                let mut column = Float64Builder::with_capacity(len);
                rows.for_each(|(a, b)| column.append_option(value(a, b)));
                Arc::new(column.finish())
            }
            Self::Time(value) => {
                let mut column = TimestampMicrosecondBuilder::with_capacity(len)
                    .with_data_type(timestamp_type());
                rows.for_each(|(a, b)| column.append_option(value(a, b)));
                Arc::new(column.finish())
            }
            Self::Counter(value) => {
                let mut column = Int64Builder::with_capacity(len);
                rows.for_each(|(a, b)| column.append_option(count(value(a, b))));
                Arc::new(column.finish())
            }
            Self::References(resource, names) => references(resource, rows, *names),
            Self::Connections(of) => connections(rows, *of),
            Self::Attributes(of) => attributes(rows, *of),
        }
    }
}

fn reference_fields() -> Fields {
    Fields::from(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("type", DataType::Utf8, false),
    ])
}

fn connection_fields() -> Fields {
    Fields::from(vec![
        Field::new("connection_id", DataType::Int64, true),
        Field::new("server", DataType::Utf8, false),
        Field::new("cipher", DataType::Utf8, true),
    ])
}

/// The entries of [`Cell::Attributes`].
fn entry_fields() -> Fields {
    Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Utf8, false),
    ])
}

fn entries_field() -> Arc<Field> {
    Arc::new(Field::new(
        "entries",
        DataType::Struct(entry_fields()),
        false,
    ))
}

fn element(fields: Fields) -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Struct(fields), true))
}

pub(super) fn list_of(fields: Fields) -> DataType {
    DataType::List(element(fields))
}

// The texts of lists are in plain string arrays, which a patch copies: views would gather buffers.

fn references<'a, A: 'a, B: 'a>(
    resource: &str,
    rows: impl Iterator<Item = (&'a A, &'a B)>,
    names: for<'b> fn(&'b A, &'b B) -> Option<&'b [Arc<str>]>,
) -> ArrayRef {
    let (mut ids, mut lengths) = (StringBuilder::new(), Vec::new());
    let mut known = Vec::new();
    for (a, b) in rows {
        let names = names(a, b);
        known.push(names.is_some());
        let names = names.unwrap_or_default();
        names.iter().for_each(|name| ids.append_value(name));
        lengths.push(names.len());
    }
    let ids = ids.finish();
    let types = StringArray::from(vec![resource; ids.len()]);
    let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(types)];
    list(reference_fields(), columns, lengths, Some(known.into()))
}

fn connections<'a, A: 'a, B: 'a>(
    rows: impl Iterator<Item = (&'a A, &'a B)>,
    of: for<'b> fn(&'b A, &'b B) -> &'b [Connection],
) -> ArrayRef {
    let (mut ids, mut lengths) = (Int64Builder::new(), Vec::new());
    let (mut servers, mut ciphers) = (StringBuilder::new(), StringBuilder::new());
    for (a, b) in rows {
        let connections = of(a, b);
        for connection in connections {
            ids.append_option(connection.connection_id);
            servers.append_value(&connection.server);
            ciphers.append_option(connection.tls.as_deref());
        }
        lengths.push(connections.len());
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.finish()),
        Arc::new(servers.finish()),
        Arc::new(ciphers.finish()),
    ];
    list(connection_fields(), columns, lengths, None)
}

fn attributes<'a, A: 'a, B: 'a>(
    rows: impl Iterator<Item = (&'a A, &'a B)>,
    of: for<'b> fn(&'b A, &'b B) -> Option<&'b Attributes>,
) -> ArrayRef {
    let (mut names, mut values) = (StringBuilder::new(), StringBuilder::new());
    let (mut lengths, mut known) = (Vec::new(), Vec::new());
    for (a, b) in rows {
        let attributes = of(a, b);
        known.push(attributes.is_some());
        let mut length = 0;
        for (name, value) in attributes.into_iter().flat_map(Attributes::iter) {
            names.append_value(name);
            values.append_value(value);
            length += 1;
        }
        lengths.push(length);
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(names.finish()), Arc::new(values.finish())];
    let entries = StructArray::new(entry_fields(), columns, None);
    let offsets = OffsetBuffer::from_lengths(lengths);
    let known = Some(known.into());
    Arc::new(MapArray::new(
        entries_field(),
        offsets,
        entries,
        known,
        false,
    ))
}

/// Lists of so many elements each, where they are known.
pub(super) fn list(
    fields: Fields,
    columns: Vec<ArrayRef>,
    lengths: Vec<usize>,
    known: Option<NullBuffer>,
) -> ArrayRef {
    let elements = StructArray::new(fields.clone(), columns, None);
    let offsets = OffsetBuffer::from_lengths(lengths);
    Arc::new(ListArray::new(
        element(fields),
        offsets,
        Arc::new(elements),
        known,
    ))
}

/// The type of every moment in the catalog.
pub(super) fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

/// Whether a column may be NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nullable {
    /// Every row has a value.
    Never,
    /// NULL has the meaning that the column's doc gives.
    Yes,
}

/// A column of a table whose rows have one kind of source.
pub(super) struct Column<A, B> {
    pub name: &'static str,
    pub nullable: Nullable,
    pub doc: &'static str,
    pub cell: Cell<A, B>,
}

impl<A: 'static, B: 'static> Column<A, B> {
    pub const fn new(
        name: &'static str,
        nullable: Nullable,
        doc: &'static str,
        cell: Cell<A, B>,
    ) -> Self {
        Self {
            name,
            nullable,
            doc,
            cell,
        }
    }

    pub fn field(&self) -> Field {
        let field = field(self.name, self.cell.data_type(), self.nullable, self.doc);
        match self.cell.is_passing() {
            true => passing(field),
            false => field,
        }
    }
}

/// A field whose values pass with traffic or time.
pub(super) fn passing(field: Field) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(PASSING.to_owned(), String::new());
    field.with_metadata(metadata)
}

pub(super) fn field(name: &str, data_type: DataType, nullable: Nullable, doc: &str) -> Field {
    Field::new(name, data_type, nullable == Nullable::Yes)
        .with_metadata([(COMMENT.to_owned(), doc.to_owned())].into())
}

/// A text value that the row holds.
pub(super) fn text(value: &Arc<str>) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(value))
}

/// A text value that the row may hold.
pub(super) fn opt_text(value: &Option<Arc<str>>) -> Option<Cow<'_, str>> {
    value.as_deref().map(Cow::Borrowed)
}

/// A counter as SQL shows it: there are no unsigned integers on the wire.
pub(super) fn count(value: u64) -> Option<i64> {
    Some(bigint(value))
}

/// The same where there is always one.
pub(super) fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
