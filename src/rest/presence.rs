//! Which rows of a column have something to say.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Float64Type};

use super::values::{Shape, Timestamps};

/// The rows of a batch that have something to say about one column.
#[derive(Clone, Debug)]
pub enum Presence {
    /// All.
    Always,
    /// None.
    Never,
    /// Those that are set.
    Mixed(BooleanBuffer),
}

impl Presence {
    /// As a member of an object: what says nothing is left out, and so is an object without a member.
    pub fn of_member(shape: &Shape, array: &ArrayRef) -> Self {
        let own = Self::of_value(array);
        let Shape::Struct(members) = shape else {
            return own;
        };
        let members = members.iter().zip(array.as_struct().columns());
        let any = Self::any(members.map(|((_, shape), column)| Self::of_member(shape, column)));
        own.and(any)
    }

    /// The rows of any of these.
    pub fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::Never;
        for one in all {
            any = any.or(one);
            if matches!(any, Self::Always) {
                break;
            }
        }
        any
    }

    /// As an element of a list: what says nothing is null, and an object may be empty.
    pub fn of_value(array: &ArrayRef) -> Self {
        let not_null = match array.nulls() {
            None => Self::Always,
            Some(nulls) => Self::from(nulls),
        };
        match array.data_type() {
            DataType::Null => Self::Never,
            // What JSON has no number for.
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>().values();
                // Without a way out half-way the compiler compares several at a time.
                if values
                    .iter()
                    .fold(true, |all, value| all & value.is_finite())
                {
                    return not_null;
                }
                let finite =
                    BooleanBuffer::collect_bool(values.len(), |row| values[row].is_finite());
                not_null.and(finite.into())
            }
            DataType::Timestamp(unit, _) => {
                let stamps = Timestamps::new(array, *unit);
                let known =
                    BooleanBuffer::collect_bool(array.len(), |row| stamps.instant(row).is_some());
                not_null.and(known.into())
            }
            _ => not_null,
        }
    }

    /// Whether the row has something to say.
    pub fn holds(&self, row: usize) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Mixed(rows) => rows.value(row),
        }
    }

    /// The rows of both.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, other) | (other, Self::Always) => other,
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Mixed(one), Self::Mixed(other)) => (&one & &other).into(),
        }
    }

    /// The other rows.
    pub fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Mixed(rows) => Self::Mixed(!&rows),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Mixed(one), Self::Mixed(other)) => (&one | &other).into(),
        }
    }
}

impl From<BooleanBuffer> for Presence {
    fn from(rows: BooleanBuffer) -> Self {
        match rows.count_set_bits() {
            0 => Self::Never,
            set if set == rows.len() => Self::Always,
            _ => Self::Mixed(rows),
        }
    }
}

impl From<&NullBuffer> for Presence {
    fn from(nulls: &NullBuffer) -> Self {
        match nulls.null_count() {
            0 => Self::Always,
            null if null == nulls.len() => Self::Never,
            _ => Self::Mixed(nulls.inner().clone()),
        }
    }
}
