//! The average of intervals: their sum, of which fractions of months go down into days, and those of days into time.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;

use crate::catalog::functions::define::IntoExternal;
use crate::catalog::functions::interval::{Interval, SPAN, out_of_range};

/// What is known between partitions.
pub(super) const STATE: [(&str, DataType); 2] = [("sum", SPAN), ("count", DataType::Int64)];

/// A sum of intervals and how many there are.
#[derive(Debug, Default)]
pub(super) struct Spans {
    sum: Interval,
    count: i64,
}

impl Spans {
    fn add(
        &mut self,
        values: &[ArrayRef],
        of: fn(Interval, Interval) -> Option<Interval>,
    ) -> Result<i64> {
        let Some(values) = values
            .first()
            .and_then(|values| values.as_primitive_opt::<IntervalMonthDayNanoType>())
        else {
            return internal_err!("an average of no intervals");
        };
        for value in values.iter().flatten() {
            let sum = of(self.sum, Interval::from_arrow(value));
            self.sum = sum.ok_or_else(|| out_of_range().into_external())?;
        }
        Ok((values.len() - values.null_count()) as i64)
    }
}

impl Accumulator for Spans {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count += self.add(values, Interval::plus)?;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count -= self.add(values, Interval::minus)?;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = self.count as f64;
        let average = (self.count > 0).then(|| self.sum.scaled(|part| part / count));
        let average = average.transpose().map_err(IntoExternal::into_external)?;
        Ok(ScalarValue::IntervalMonthDayNano(
            average.map(Interval::to_arrow),
        ))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            ScalarValue::IntervalMonthDayNano(Some(self.sum.to_arrow())),
            ScalarValue::Int64(Some(self.count)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.add(states, Interval::plus)?;
        let counts = states
            .get(1)
            .and_then(|counts| counts.as_primitive_opt::<Int64Type>());
        self.count += counts.map_or(0, |counts| counts.iter().flatten().sum());
        Ok(())
    }
}
