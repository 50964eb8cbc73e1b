//! Sums of integers for many groups at once.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, LargeBinaryBuilder,
};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::{Total, integers, scalar};

/// The type of a sum on its way between partitions.
pub(super) const SUM: DataType = DataType::Decimal128(38, 0);

/// What is known of a group: the sum and the number of values.
pub(super) const STATE: [(&str, DataType); 2] = [("sum", SUM), ("count", DataType::Int64)];

/// Decimals of the type of [`SUM`].
pub(super) fn sums(values: Vec<i128>) -> Result<Decimal128Array> {
    Ok(Decimal128Array::from(values).with_precision_and_scale(38, 0)?)
}

/// The sums and counts of a state.
pub(super) fn state(arrays: &[ArrayRef]) -> Result<(&Decimal128Array, &Int64Array)> {
    let [sums, counts] = arrays else {
        return internal_err!("the state of a sum has {} parts", arrays.len());
    };
    let sums = sums.as_primitive::<Decimal128Type>();
    Ok((sums, counts.as_primitive::<Int64Type>()))
}

/// A sum and the number of its values, for each group.
#[derive(Debug)]
pub(super) struct Groups {
    total: Total,
    returns: DataType,
    sums: Vec<i128>,
    counts: Vec<i64>,
}

impl Groups {
    pub fn new(total: Total, returns: DataType) -> Self {
        Self {
            total,
            returns,
            sums: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.counts.resize(groups, 0);
    }

    fn add(&mut self, group: usize, sum: i128, count: i64) {
        if let (Some(total), Some(values)) = (self.sums.get_mut(group), self.counts.get_mut(group))
        {
            *total = total.saturating_add(sum);
            *values += count;
        }
    }
}

fn is_chosen(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let [values] = values else {
            return internal_err!("a sum of {} columns", values.len());
        };
        let values = integers(values)?;
        if values.null_count() == 0 && opt_filter.is_none() {
            for (value, group) in values.values().iter().zip(group_indices) {
                self.add(*group, i128::from(*value), 1);
            }
            return Ok(());
        }
        for (row, (value, group)) in values.iter().zip(group_indices).enumerate() {
            if let Some(value) = value.filter(|_| is_chosen(opt_filter, row)) {
                self.add(*group, i128::from(value), 1);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.sums);
        let counts = emit_to.take_needed(&mut self.counts);
        let results = sums.into_iter().zip(counts);
        if self.returns == DataType::Int64 {
            let results = results.map(|(sum, count)| {
                match scalar(self.total.of_whole(sum, count)?, &self.returns)? {
                    ScalarValue::Int64(value) => Ok(value),
                    _ => Ok(None),
                }
            });
            return Ok(Arc::new(results.collect::<Result<Int64Array>>()?));
        }
        let mut column = LargeBinaryBuilder::new();
        for (sum, count) in results {
            match scalar(self.total.of_whole(sum, count)?, &self.returns)? {
                ScalarValue::LargeBinary(Some(bytes)) => column.append_value(bytes),
                _ => column.append_null(),
            }
        }
        Ok(Arc::new(column.finish()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals = sums(emit_to.take_needed(&mut self.sums))?;
        let counts = Int64Array::from(emit_to.take_needed(&mut self.counts));
        Ok(vec![Arc::new(totals), Arc::new(counts)])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let (sums, counts) = state(values)?;
        let parts = sums.values().iter().zip(counts.values());
        for ((sum, count), group) in parts.zip(group_indices) {
            self.add(*group, *sum, *count);
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [values] = values else {
            return internal_err!("a sum of {} columns", values.len());
        };
        let values = integers(values)?;
        let chosen =
            |(row, value): (usize, Option<i64>)| value.filter(|_| is_chosen(opt_filter, row));
        let chosen: Vec<Option<i64>> = values.iter().enumerate().map(chosen).collect();
        let totals = chosen.iter().map(|value| value.map_or(0, i128::from));
        let counts = chosen.iter().map(|value| i64::from(value.is_some()));
        let counts: Int64Array = counts.map(Some).collect();
        Ok(vec![Arc::new(sums(totals.collect())?), Arc::new(counts)])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.counts.capacity() * size_of::<i64>()
    }
}
