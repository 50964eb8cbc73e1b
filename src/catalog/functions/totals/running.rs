//! One total, to which values are added and from which, in a window that moves on, they are taken away again.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;

use super::{Total, each_number, groups, integers, scalar};
use crate::catalog::functions::define::IntoExternal;
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::Numeric;
use crate::sql::numeric::ordered::{self, COLUMN};

/// A sum of integers and how many there are.
#[derive(Debug)]
pub(super) struct Whole {
    total: Total,
    returns: DataType,
    sum: i128,
    count: i64,
}

impl Whole {
    pub fn new(total: Total, returns: DataType) -> Self {
        Self {
            total,
            returns,
            sum: 0,
            count: 0,
        }
    }

    /// The sum of a batch and how many values there are.
    fn of(values: &[ArrayRef]) -> Result<(i128, i64)> {
        let [values] = values else {
            return internal_err!("a sum of {} columns", values.len());
        };
        let values = integers(values)?;
        let sum = match values.null_count() {
            0 => values.values().iter().map(|value| i128::from(*value)).sum(),
            _ => values.iter().flatten().map(i128::from).sum(),
        };
        Ok((sum, (values.len() - values.null_count()) as i64))
    }
}

impl Accumulator for Whole {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = Self::of(values)?;
        self.sum = self.sum.saturating_add(sum);
        self.count += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = Self::of(values)?;
        self.sum = self.sum.saturating_sub(sum);
        self.count -= count;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        scalar(self.total.of_whole(self.sum, self.count)?, &self.returns)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            ScalarValue::Decimal128(Some(self.sum), 38, 0),
            ScalarValue::Int64(Some(self.count)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (sums, counts) = groups::state(states)?;
        for (sum, count) in sums.iter().flatten().zip(counts.iter().flatten()) {
            self.sum = self.sum.saturating_add(sum);
            self.count += count;
        }
        Ok(())
    }
}

/// What is known between partitions: sums of the numbers and of their squares, how many values there are, and how many
/// of them are no numbers.
pub(super) const STATE: [(&str, DataType); 6] = [
    ("sum", COLUMN),
    ("squares", COLUMN),
    ("count", DataType::Int64),
    ("nan", DataType::Int64),
    ("infinity", DataType::Int64),
    ("minus_infinity", DataType::Int64),
];

/// Sums of numerics, or of what needs squares.
#[derive(Debug)]
pub(super) struct Exact {
    total: Total,
    returns: DataType,
    sum: Numeric,
    squares: Numeric,
    count: i64,
    /// NaN, Infinity and -Infinity.
    specials: [i64; 3],
}

impl Exact {
    pub fn new(total: Total, returns: DataType) -> Self {
        Self {
            total,
            returns,
            sum: 0_i128.into(),
            squares: 0_i128.into(),
            count: 0,
            specials: [0; 3],
        }
    }

    fn add(&mut self, value: Numeric, sign: i64) -> Result<()> {
        self.count += sign;
        match value {
            Numeric::NaN => self.specials[0] += sign,
            Numeric::Infinite { negative } => self.specials[1 + usize::from(negative)] += sign,
            number => {
                let signed = |value: Numeric| match sign < 0 {
                    true => value.negated(),
                    false => value,
                };
                if self.total.needs_squares() {
                    let square = number.multiply(&number);
                    let square = signed(square.map_err(SqlError::into_external)?);
                    let squares = self.squares.add(&square);
                    self.squares = squares.map_err(SqlError::into_external)?;
                }
                let sum = self.sum.add(&signed(number));
                self.sum = sum.map_err(SqlError::into_external)?;
            }
        }
        Ok(())
    }

    fn result(&self) -> Result<Option<Numeric>> {
        let [nan, above, below] = self.specials;
        if self.count == 0 {
            return Ok(None);
        }
        if let Total::Deviation { sample, root } = self.total {
            if sample && self.count == 1 {
                return Ok(None);
            }
            if nan + above + below > 0 {
                return Ok(Some(Numeric::NaN));
            }
            let found = Numeric::deviation(self.count, &self.sum, &self.squares, sample, root);
            return found.map(Some).map_err(SqlError::into_external);
        }
        let sum = match (nan, above, below) {
            (0, 0, 0) => self.sum.clone(),
            (0, _, 0) => Numeric::Infinite { negative: false },
            (0, 0, _) => Numeric::Infinite { negative: true },
            _ => Numeric::NaN,
        };
        match self.total {
            Total::Average => sum
                .divide(&self.count.into())
                .map(Some)
                .map_err(SqlError::into_external),
            _ => Ok(Some(sum)),
        }
    }
}

impl Accumulator for Exact {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else {
            return internal_err!("a sum of {} columns", values.len());
        };
        each_number(values, |value| self.add(value, 1))
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else {
            return internal_err!("a sum of {} columns", values.len());
        };
        each_number(values, |value| self.add(value, -1))
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        scalar(self.result()?, &self.returns)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sum.weight() + self.squares.weight()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let number = |value: &Numeric| ScalarValue::LargeBinary(Some(ordered::encode(value)));
        let mut state = vec![number(&self.sum), number(&self.squares)];
        let counts = [self.count].into_iter().chain(self.specials);
        state.extend(counts.map(|count| ScalarValue::Int64(Some(count))));
        Ok(state)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [sums, squares, counts @ ..] = states else {
            return internal_err!("the state of a sum has {} parts", states.len());
        };
        let (sums, squares) = (sums.as_binary::<i64>(), squares.as_binary::<i64>());
        for (sum, square) in sums.iter().flatten().zip(squares.iter().flatten()) {
            let sum = self.sum.add(&ordered::decode(sum));
            self.sum = sum.map_err(SqlError::into_external)?;
            let squares = self.squares.add(&ordered::decode(square));
            self.squares = squares.map_err(SqlError::into_external)?;
        }
        let own = std::iter::once(&mut self.count).chain(&mut self.specials);
        for (own, counts) in own.zip(counts) {
            *own += counts
                .as_primitive::<Int64Type>()
                .iter()
                .flatten()
                .sum::<i64>();
        }
        Ok(())
    }
}

/// Values each of which counts once.
#[derive(Debug)]
pub(super) struct Distinct {
    total: Total,
    returns: DataType,
    /// By what is equal of those that are.
    values: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl Distinct {
    pub fn new(total: Total, returns: DataType) -> Self {
        Self {
            total,
            returns,
            values: HashMap::new(),
            bytes: 0,
        }
    }
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else {
            return internal_err!("a sum of {} columns", values.len());
        };
        each_number(values, |value| {
            let bytes = ordered::encode(&value);
            let key = ordered::key(&bytes).to_vec();
            if let std::collections::hash_map::Entry::Vacant(place) = self.values.entry(key) {
                self.bytes += 2 * bytes.len() + 2 * size_of::<Vec<u8>>();
                place.insert(bytes);
            }
            Ok(())
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut exact = Exact::new(self.total, self.returns.clone());
        for bytes in self.values.values() {
            exact.add(ordered::decode(bytes), 1)?;
        }
        exact.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = self.values.values().cloned();
        let values: Vec<ScalarValue> = values
            .map(|bytes| ScalarValue::LargeBinary(Some(bytes)))
            .collect();
        let list = ScalarValue::new_list(&values, &COLUMN, true);
        Ok(vec![ScalarValue::List(list)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [lists] = states else {
            return internal_err!("the state of a sum has {} parts", states.len());
        };
        for list in lists.as_list::<i32>().iter().flatten() {
            self.update_batch(&[Arc::clone(&list)])?;
        }
        Ok(())
    }
}
