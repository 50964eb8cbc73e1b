//! The engine's own table in memory, with the same rows: what a live table may be compared to.

use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::runtime::Runtime;

/// A table `sessions` that never changes.
pub struct Still {
    context: SessionContext,
}

impl Still {
    /// A table of these batches, in one partition, as scans of one core are.
    pub fn new(batches: Vec<RecordBatch>) -> Result<Self> {
        let schema = batches.first().context("no rows")?.schema();
        let context =
            SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let table = MemTable::try_new(schema, vec![batches])?;
        context.register_table("sessions", Arc::new(table))?;
        Ok(Self { context })
    }

    /// Plans a statement, to be run again and again.
    pub fn prepare(&self, runtime: &Runtime, sql: &str) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = runtime.block_on(async {
            let frame = self.context.sql(sql).await?;
            frame.create_physical_plan().await
        })?;
        Ok(plan)
    }

    /// Runs a planned statement and counts its rows. Its state is reset first, as a kept plan's must be.
    pub fn run(&self, runtime: &Runtime, plan: &Arc<dyn ExecutionPlan>) -> Result<usize> {
        let plan = reset_plan_states(Arc::clone(plan))?;
        let batches = runtime.block_on(collect(plan, self.context.task_ctx()))?;
        Ok(batches.iter().map(RecordBatch::num_rows).sum())
    }
}
