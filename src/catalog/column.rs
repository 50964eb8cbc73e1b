//! One definition for each column: its name, type, doc and where its value comes from. Schema, scan, comments and
//! the documentation's tables all follow from it.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Builder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, TimeUnit};

/// Metadata key under which a field carries its column's description.
pub const COMMENT: &str = "comment";

/// Metadata key under which a field carries the internal name of its PostgreSQL type, where Arrow's type says another:
/// `name`, `char`, `inet`, `regproc`, `int2vector`, `_aclitem` …
pub const TYPE: &str = "type";

/// Where the values of a column come from: a function of the two halves of a row, for each SQL type.
pub(super) enum Cell<A, B> {
    /// `text`
    Text(for<'a> fn(&'a A, &'a B) -> Option<Cow<'a, str>>),
    /// `bigint`
    Int(fn(&A, &B) -> Option<i64>),
    /// `integer`
    SmallInt(fn(&A, &B) -> Option<i32>),
    /// `timestamp with time zone`, in microseconds since the UNIX epoch
    Time(fn(&A, &B) -> Option<i64>),
}

impl<A: 'static, B: 'static> Cell<A, B> {
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8View,
            Self::Int(_) => DataType::Int64,
            Self::SmallInt(_) => DataType::Int32,
            Self::Time(_) => timestamp_type(),
        }
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
            Self::Time(value) => {
                let mut column = TimestampMicrosecondBuilder::with_capacity(len)
                    .with_data_type(timestamp_type());
                rows.for_each(|(a, b)| column.append_option(value(a, b)));
                Arc::new(column.finish())
            }
        }
    }
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
        field(self.name, self.cell.data_type(), self.nullable, self.doc)
    }
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
