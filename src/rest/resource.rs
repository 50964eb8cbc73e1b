//! A resource is a query.
//!
//! Its file in `queries/` says everything about it. It is planned once; a request adds relational operators to the
//! plan. They are on the plain key column, never on a document: the provider finds an id by itself and delivers the
//! rows in id order by itself, and the documents are built only after that.
//!
//! A filter goes under the top projection, which builds the documents. The order stands above it, since the engine
//! keeps an order only where the result needs it, and reaches the provider from there.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{ExprSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection, lit};

use super::document::DocumentShape;
use super::values::UnsupportedType;
use crate::catalog::{Caller, Catalog, Prepared};

/// What the program knows of a resource besides its query.
#[derive(Debug)]
pub struct Definition {
    /// The resource's name in paths and documents.
    pub name: &'static str,
    /// What one of them is called.
    pub singular: &'static str,
    /// The query.
    pub sql: &'static str,
    /// Whether `DELETE` closes the session with this id.
    pub closes_sessions: bool,
}

/// All resources.
pub const DEFINITIONS: [Definition; 2] = [
    Definition {
        name: "sessions",
        singular: "session",
        sql: include_str!("../../queries/sessions.sql"),
        closes_sessions: true,
    },
    Definition {
        name: "services",
        singular: "service",
        sql: include_str!("../../queries/services.sql"),
        closes_sessions: false,
    },
];

/// Why a resource's query is none.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// It cannot be planned.
    #[error("queries/{name}.sql cannot be planned: {source}")]
    Plan {
        /// The resource.
        name: &'static str,
        /// What the planner says.
        source: DataFusionError,
    },
    /// Its first column is not a plain column of a type that ids have.
    #[error(
        "queries/{name}.sql must be a plain SELECT whose first column is a key of type BIGINT or text"
    )]
    Key {
        /// The resource.
        name: &'static str,
    },
    /// Another column has no form in a document.
    #[error("queries/{name}.sql: {source}")]
    Shape {
        /// The resource.
        name: &'static str,
        /// Which, and what it is.
        source: UnsupportedType,
    },
}

/// A planned resource.
pub struct Resource {
    /// What is known of it besides its query.
    pub definition: &'static Definition,
    /// What its objects look like.
    pub shape: Arc<DocumentShape>,
    prepared: Prepared,
    projection: Projection,
    key: Expr,
    key_type: DataType,
    /// The plan of the whole list, in id order.
    list: LogicalPlan,
}

impl Resource {
    /// Plans the resource's query.
    ///
    /// # Errors
    /// When the query is not one that a resource can be made of.
    pub async fn plan(
        definition: &'static Definition,
        catalog: &Arc<Catalog>,
        caller: Arc<Caller>,
    ) -> Result<Self, ResourceError> {
        let name = definition.name;
        let prepared = catalog
            .prepare_sql(definition.sql, caller)
            .await
            .map_err(|source| ResourceError::Plan { name, source })?;
        let shape = DocumentShape::new(name, prepared.schema())
            .map_err(|source| ResourceError::Shape { name, source })?;
        let LogicalPlan::Projection(projection) = prepared.plan().clone() else {
            return Err(ResourceError::Key { name });
        };
        let (key, key_type) = key(&projection).ok_or(ResourceError::Key { name })?;
        let id = Expr::from(projection.schema.qualified_field(0));
        let list = LogicalPlanBuilder::from(prepared.plan().clone())
            .sort([id.sort(true, false)])
            .and_then(LogicalPlanBuilder::build)
            .map_err(|source| ResourceError::Plan { name, source })?;
        Ok(Self {
            definition,
            shape: Arc::new(shape),
            prepared,
            projection,
            key,
            key_type,
            list,
        })
    }

    /// The statement that lists all of them.
    pub fn all(&self) -> Prepared {
        self.prepared.with_plan(self.list.clone())
    }

    /// The statement that finds the one with this id, or `None` when the text cannot be an id.
    ///
    /// # Errors
    /// When the statement cannot be planned.
    pub fn one(&self, id: &str) -> Result<Option<Prepared>, DataFusionError> {
        let value = match &self.key_type {
            DataType::Int64 => match integer_id(id) {
                Some(number) => ScalarValue::Int64(Some(number)),
                None => return Ok(None),
            },
            DataType::Utf8View => ScalarValue::Utf8View(Some(id.to_owned())),
            _ => ScalarValue::Utf8(Some(id.to_owned())),
        };
        let found = LogicalPlanBuilder::from(Arc::clone(&self.projection.input))
            .filter(self.key.clone().eq(lit(value)))?
            .build()?;
        let plan = Projection::try_new_with_schema(
            self.projection.expr.clone(),
            Arc::new(found),
            Arc::clone(&self.projection.schema),
        )?;
        let plan = LogicalPlan::Projection(plan);
        Ok(Some(self.prepared.with_plan(plan)))
    }
}

/// An id of decimal digits, without sign or white space.
pub fn integer_id(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The plain column behind the first column of the projection, and its type.
fn key(projection: &Projection) -> Option<(Expr, DataType)> {
    let key = projection.expr.first()?.clone().unalias();
    let Expr::Column(column) = &key else {
        return None;
    };
    let data_type = projection
        .input
        .schema()
        .field_from_column(column)
        .ok()?
        .data_type();
    let fits = matches!(
        data_type,
        DataType::Int64 | DataType::Utf8 | DataType::Utf8View
    );
    fits.then(|| (key.clone(), data_type.clone()))
}

#[cfg(test)]
mod tests {
    use datafusion::common::ParamValues;

    use super::*;
    use crate::catalog::CatalogOptions;
    use crate::session::Registry;

    /// The physical plan of a statement, as EXPLAIN shows it.
    async fn physical(catalog: &Arc<Catalog>, prepared: Prepared, rdns: bool) -> String {
        let plan = LogicalPlanBuilder::from(prepared.plan().clone());
        let explain = plan.explain(false, false).unwrap().build().unwrap();
        let parameters = ParamValues::from(vec![
            ("base", ScalarValue::from("http://localhost/v1/")),
            ("rdns", ScalarValue::from(rdns)),
        ]);
        let caller = Arc::new(Caller::new("", false));
        let mut rows = catalog.run(&prepared.with_plan(explain), parameters, caller);
        let batch = rows.next().await.unwrap().unwrap();
        let shown = arrow::util::pretty::pretty_format_batches(&[batch]).unwrap();
        let shown = shown.to_string();
        let physical = shown.find("physical_plan").unwrap();
        shown[physical..].to_owned()
    }

    #[tokio::test]
    async fn rows_are_found_and_ordered_by_the_provider() {
        let catalog = Catalog::new(Registry::new(), CatalogOptions::default()).unwrap();
        let caller = Arc::new(Caller::new("", false));
        for definition in &DEFINITIONS {
            let resource = Resource::plan(definition, &catalog, Arc::clone(&caller))
                .await
                .unwrap();
            let list = physical(&catalog, resource.all(), false).await;
            if definition.closes_sessions {
                assert!(!list.contains("SortExec"), "{list}");
                let one = resource.one("9").unwrap().unwrap();
                let one = physical(&catalog, one, false).await;
                assert!(!one.contains("FilterExec"), "{one}");
                let one = resource.one("9").unwrap().unwrap();
                let one = physical(&catalog, one, true).await;
                assert!(!one.contains("FilterExec"), "{one}");
                assert!(resource.one("9x").unwrap().is_none());
            }
        }
    }

    #[test]
    fn an_integer_id_is_digits_in_range() {
        assert_eq!(integer_id("9"), Some(9));
        assert_eq!(integer_id("9223372036854775807"), Some(i64::MAX));
        for wrong in [
            "",
            "99x",
            "-1",
            "+1",
            " 1",
            "1.0",
            "9223372036854775808",
            "٣",
        ] {
            assert_eq!(integer_id(wrong), None, "{wrong:?}");
        }
    }
}
