//! Columns that the door makes of the query's own, a batch at a time.
//!
//! They are what a document's expressions need besides structure. The engine has a function for each of them; for
//! one row, calling those costs a multiple of what they do.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float64Type, TimestampMicrosecondType};

use crate::catalog::asctime_texts;

/// A column that is made of others. Positions are those of the query's columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Derived {
    /// `asctime` of a column of moments.
    AscTime(usize),
    /// A column of floats, and what is done with each of them in turn.
    Floats(usize, Box<[Step]>),
    /// In which rows this holds. Where it is not known it does not.
    Holds(Condition),
}

/// What is done with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// `… + x`
    Add(f64),
    /// `… - x`
    Subtract(f64),
    /// `… * x`
    Multiply(f64),
    /// `… / x`
    Divide(f64),
    /// `trunc(…)`
    Truncate,
}

/// Something that is true, false or not known of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The same in all rows; `None` when it is not known.
    Fixed(Option<bool>),
    /// A column's own value.
    Column(usize),
    /// `column IS NULL`
    IsNull(usize),
    /// `column = 'text'`
    Equals(usize, Box<str>),
    /// `contains(column, 'text')`
    Contains(usize, Box<str>),
    /// `NOT …`
    Not(Box<Condition>),
    /// `… AND …`
    And(Box<Condition>, Box<Condition>),
    /// `… OR …`
    Or(Box<Condition>, Box<Condition>),
}

impl Derived {
    /// The column for a batch; `None` when a column is of another type than it was planned.
    pub fn evaluate(&self, queried: &[ArrayRef]) -> Option<ArrayRef> {
        Some(match self {
            Self::AscTime(column) => {
                let moments = queried[*column].as_primitive_opt::<TimestampMicrosecondType>()?;
                Arc::new(asctime_texts(moments))
            }
            Self::Floats(column, steps) => {
                let floats = queried[*column].as_primitive_opt::<Float64Type>()?;
                let mut values = floats.values().to_vec();
                for step in steps {
                    step.apply(&mut values);
                }
                Arc::new(Float64Array::new(values.into(), floats.nulls().cloned()))
            }
            Self::Holds(condition) => {
                let rows = queried.first()?.len();
                Arc::new(BooleanArray::from(condition.verdict(queried, rows)?.yes))
            }
        })
    }
}

impl Step {
    fn apply(self, values: &mut [f64]) {
        // One loop for each, which the compiler can do several values at a time of.
        match self {
            Self::Add(other) => values.iter_mut().for_each(|value| *value += other),
            Self::Subtract(other) => values.iter_mut().for_each(|value| *value -= other),
            Self::Multiply(other) => values.iter_mut().for_each(|value| *value *= other),
            Self::Divide(other) => values.iter_mut().for_each(|value| *value /= other),
            Self::Truncate => values.iter_mut().for_each(|value| *value = value.trunc()),
        }
    }
}

/// The rows of which something is true and those of which it is false.
struct Verdict {
    yes: BooleanBuffer,
    no: BooleanBuffer,
}

impl Condition {
    fn verdict(&self, queried: &[ArrayRef], rows: usize) -> Option<Verdict> {
        Some(match self {
            Self::Fixed(value) => {
                let all = |on| match on {
                    true => BooleanBuffer::new_set(rows),
                    false => BooleanBuffer::new_unset(rows),
                };
                Verdict {
                    yes: all(*value == Some(true)),
                    no: all(*value == Some(false)),
                }
            }
            Self::Column(column) => {
                let column = queried[*column].as_boolean_opt()?;
                Verdict::known(column.values().clone(), column)
            }
            Self::IsNull(column) => {
                let no = match queried[*column].logical_nulls() {
                    Some(nulls) => nulls.into_inner(),
                    None => BooleanBuffer::new_set(rows),
                };
                Verdict { yes: !&no, no }
            }
            Self::Equals(column, text) => {
                Verdict::of_texts(&queried[*column], |value| value == &**text)?
            }
            Self::Contains(column, text) => {
                Verdict::of_texts(&queried[*column], |value| value.contains(&**text))?
            }
            Self::Not(condition) => {
                let Verdict { yes, no } = condition.verdict(queried, rows)?;
                Verdict { yes: no, no: yes }
            }
            Self::And(one, other) => {
                let (one, other) = (one.verdict(queried, rows)?, other.verdict(queried, rows)?);
                Verdict {
                    yes: &one.yes & &other.yes,
                    no: &one.no | &other.no,
                }
            }
            Self::Or(one, other) => {
                let (one, other) = (one.verdict(queried, rows)?, other.verdict(queried, rows)?);
                Verdict {
                    yes: &one.yes | &other.yes,
                    no: &one.no & &other.no,
                }
            }
        })
    }
}

impl Verdict {
    /// `yes` may be anything in the rows without a value.
    fn known(yes: BooleanBuffer, column: &dyn Array) -> Self {
        match column.nulls() {
            None => Self { no: !&yes, yes },
            Some(known) => Self {
                no: known.inner() & &!&yes,
                yes: known.inner() & &yes,
            },
        }
    }

    fn of_texts(column: &ArrayRef, holds: impl Fn(&str) -> bool) -> Option<Self> {
        let rows = column.len();
        let yes = match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                BooleanBuffer::collect_bool(rows, |row| holds(texts.value(row)))
            }
            DataType::LargeUtf8 => {
                let texts = column.as_string::<i64>();
                BooleanBuffer::collect_bool(rows, |row| holds(texts.value(row)))
            }
            DataType::Utf8View => {
                let texts = column.as_string_view();
                BooleanBuffer::collect_bool(rows, |row| holds(texts.value(row)))
            }
            _ => return None,
        };
        Some(Self::known(yes, column))
    }
}
