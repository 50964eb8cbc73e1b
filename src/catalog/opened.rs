//! What a caller has open: the rows of `pg_prepared_statements` and `pg_cursors`.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

/// The relations that tell of it.
const RELATIONS: [&str; 2] = ["pg_cursors", "pg_prepared_statements"];

/// A prepared statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedStatement {
    /// Its name.
    pub name: String,
    /// The text that it was sent in.
    pub text: Arc<str>,
    /// When it was prepared, in microseconds since the UNIX epoch.
    pub prepared_us: i64,
    /// The types of its parameters, by their oids.
    pub parameter_types: Vec<u32>,
    /// Whether it was prepared by SQL rather than by a message.
    pub from_sql: bool,
}

/// A cursor, or a portal of the extended protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCursor {
    /// Its name.
    pub name: String,
    /// The text that its query was sent in.
    pub text: Arc<str>,
    /// When it was made, in microseconds since the UNIX epoch.
    pub created_us: i64,
    /// Whether it outlives its transaction.
    pub is_holdable: bool,
    /// Whether its rows are in the binary format.
    pub is_binary: bool,
    /// Whether it can be read backward.
    pub is_scrollable: bool,
}

/// All that a caller has open at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Prepared statements that have a name.
    pub statements: Vec<PreparedStatement>,
    /// Cursors and portals.
    pub cursors: Vec<OpenCursor>,
}

/// Whether a statement reads what its caller has open.
pub(super) fn reads_opened(plan: &LogicalPlan) -> Result<bool> {
    let mut reads = false;
    plan.apply_with_subqueries(|plan| {
        if let LogicalPlan::TableScan(scan) = plan
            && RELATIONS.contains(&scan.table_name.table())
        {
            reads = true;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(reads)
}
