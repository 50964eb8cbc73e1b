//! Views: relations that are queries over the others, one file each in `queries/system/`.
//!
//! A view's query is the engine's SQL. Its columns are taken by name: they are cast to the types that PostgreSQL's view
//! has, and those that the query does not name are NULL.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::{Column, Result, ScalarValue, internal_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, cast, lit,
};
use datafusion::physical_plan::ExecutionPlan;

macro_rules! views {
    ($($name:literal),* $(,)?) => {
        /// The views, with their queries.
        const VIEWS: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../queries/system/", $name, ".sql")))),*
        ];
    };
}

views! {
    "character_sets",
    "check_constraints",
    "collation_character_set_applicability",
    "collations",
    "column_privileges",
    "columns",
    "constraint_column_usage",
    "constraint_table_usage",
    "domains",
    "enabled_roles",
    "information_schema_catalog_name",
    "key_column_usage",
    "pg_indexes",
    "pg_roles",
    "pg_shadow",
    "pg_stat_activity",
    "pg_stat_all_indexes",
    "pg_stat_all_tables",
    "pg_stat_archiver",
    "pg_stat_bgwriter",
    "pg_stat_database",
    "pg_stat_database_conflicts",
    "pg_stat_gssapi",
    "pg_stat_ssl",
    "pg_stat_sys_indexes",
    "pg_stat_sys_tables",
    "pg_stat_user_indexes",
    "pg_stat_user_tables",
    "pg_stat_wal",
    "pg_stat_xact_all_tables",
    "pg_stat_xact_sys_tables",
    "pg_stat_xact_user_tables",
    "pg_statio_all_indexes",
    "pg_statio_all_tables",
    "pg_statio_sys_indexes",
    "pg_statio_sys_tables",
    "pg_statio_user_indexes",
    "pg_statio_user_tables",
    "pg_tables",
    "pg_user",
    "pg_views",
    "processlist",
    "referential_constraints",
    "role_column_grants",
    "role_table_grants",
    "routines",
    "schemata",
    "table_constraints",
    "table_privileges",
    "tables",
    "views",
}

/// The query of a view.
pub(super) fn definition(name: &str) -> Option<&'static str> {
    let view = VIEWS.iter().find(|(view, _)| *view == name);
    view.map(|(_, query)| *query)
}

/// A planned view. It is a part of the plans that name it.
#[derive(Debug)]
pub(super) struct View {
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl View {
    /// Plans `query` so that it has the columns of `schema`.
    ///
    /// # Errors
    /// When the query cannot be planned or has a column that the schema has not.
    pub async fn plan(state: &SessionState, query: &str, schema: &Schema) -> Result<Self> {
        let plan = state.create_logical_plan(query).await?;
        for (_, field) in plan.schema().iter() {
            if schema.index_of(field.name()).is_err() {
                return internal_err!("a view has a column {} too many", field.name());
            }
        }
        let column = |wanted: &Arc<arrow::datatypes::Field>| -> Result<Expr> {
            let found = plan
                .schema()
                .iter()
                .find(|(_, f)| f.name() == wanted.name());
            let value = match found {
                Some(found) => Expr::Column(Column::from(found)),
                None => lit(ScalarValue::Null),
            };
            let metadata = FieldMetadata::from(wanted.metadata());
            let value = cast(value, wanted.data_type().clone());
            Ok(value.alias_with_metadata(wanted.name(), Some(metadata)))
        };
        let columns = schema
            .fields()
            .iter()
            .map(column)
            .collect::<Result<Vec<_>>>()?;
        let plan = LogicalPlanBuilder::from(plan.clone())
            .project(columns)?
            .build()?;
        let schema = Arc::clone(plan.schema().inner());
        Ok(Self { plan, schema })
    }
}

#[async_trait]
impl TableProvider for View {
    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![
            TableProviderFilterPushDown::Unsupported;
            filters.len()
        ])
    }

    async fn scan(
        &self,
        _: &dyn EngineSession,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        internal_err!("a view is a part of the plan that names it, and is not scanned")
    }
}
