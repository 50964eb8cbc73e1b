//! `ntile`, whose numbers are of type `integer` in PostgreSQL and of 64 bits in the engine.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, Signature, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Ntile(Arc<WindowUDF>);

#[derive(Debug)]
struct Narrowed(Box<dyn PartitionEvaluator>);

/// The engine's functions over windows, with this one.
pub(in crate::catalog) fn window_functions() -> Vec<Arc<WindowUDF>> {
    let all = SessionStateDefaults::default_window_functions().into_iter();
    all.map(|function| match function.name() {
        "ntile" => Arc::new(WindowUDF::from(Ntile(function))),
        _ => function,
    })
    .collect()
}

impl WindowUDFImpl for Ntile {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let evaluator = self.0.inner().partition_evaluator(args)?;
        Ok(Box::new(Narrowed(evaluator)))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int32, false)))
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.0.inner().limit_effect(args)
    }
}

impl PartitionEvaluator for Narrowed {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let buckets = self.0.evaluate_all(values, rows)?;
        Ok(cast(&buckets, &DataType::Int32)?)
    }
}
