//! A resource is a query.
//!
//! Its file in `queries/` says everything about it. Four statements are made of it when the door opens, which all
//! requests share: the list and the one with an id, each with host names and without. They differ from the query by
//! relational operators on the plain key column, never on a document: the provider finds an id by itself and
//! delivers the rows in id order by itself, and the documents are built only after that.
//!
//! The projection of each has been [taken apart](super::compile): the engine delivers plain columns, and the writer
//! makes documents of them.
//!
//! What a request adds are values. Whether host names are wanted is a literal in the plan, since it decides which
//! operators there are; an id is a parameter, which the provider reads when the statement runs. So the catalog can
//! keep the physical plans.
//!
//! A filter goes under the top projection, which builds the documents. The order stands above it, since the engine
//! keeps an order only where the result needs it, and reaches the provider from there.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{ExprSchema, ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection};

use super::compile::compile;
use super::document::{DocumentShape, Own};
use super::paths::{Step, members, places};
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
    /// Whether there are several.
    pub kind: Kind,
}

/// How many of a resource there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any number: the resource is a list, and each of them has an id in its path.
    Collection,
    /// There is one, at the resource's own path.
    Single,
}

impl Definition {
    const fn collection(name: &'static str, singular: &'static str, sql: &'static str) -> Self {
        Self {
            name,
            singular,
            sql,
            kind: Kind::Collection,
        }
    }
}

/// All resources.
pub const DEFINITIONS: [Definition; 6] = [
    Definition::collection(
        "sessions",
        "session",
        include_str!("../../queries/sessions.sql"),
    ),
    Definition::collection(
        "services",
        "service",
        include_str!("../../queries/services.sql"),
    ),
    Definition::collection(
        "servers",
        "server",
        include_str!("../../queries/servers.sql"),
    ),
    Definition::collection(
        "listeners",
        "listener",
        include_str!("../../queries/listeners.sql"),
    ),
    Definition::collection(
        "filters",
        "filter",
        include_str!("../../queries/filters.sql"),
    ),
    Definition {
        name: "maxscale",
        singular: "program",
        sql: include_str!("../../queries/maxscale.sql"),
        kind: Kind::Single,
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

/// The parameter that asks for host names.
const RDNS: &str = "rdns";
/// The parameter that is the program's version.
const VERSION: &str = "version";
/// The member of a relationship that says what is related.
const DATA: &str = "data";
/// The parameter that an id is: the first.
const KEY: &str = "$1";

/// A planned resource.
pub struct Resource {
    /// What is known of it besides its query.
    pub definition: &'static Definition,
    key_type: DataType,
    with_addresses: Statements,
    with_names: Statements,
    relationships: Vec<Relationship>,
}

/// What can be asked of a relationship.
struct Relationship {
    name: String,
    /// What its document looks like.
    shape: Arc<DocumentShape>,
    /// That of the one whose id is the parameter.
    one: Prepared,
}

/// What can be asked of a resource.
struct Statements {
    /// What the objects look like that are made of their rows.
    shape: Arc<DocumentShape>,
    /// All of them, in id order.
    all: Prepared,
    /// The one whose id is the parameter.
    one: Prepared,
}

impl Resource {
    /// Plans the resource's statements.
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
        let LogicalPlan::Projection(projection) = prepared.plan() else {
            return Err(ResourceError::Key { name });
        };
        let (key, key_type) = key(projection).ok_or(ResourceError::Key { name })?;
        let failed = |source| ResourceError::Plan { name, source };
        let with_addresses = settled(&prepared, false).map_err(failed)?;
        let with_names = settled(&prepared, true).map_err(failed)?;
        let plan = |projection: &Projection| {
            Statements::plan(definition, &prepared, projection, &key, &key_type)
        };
        Ok(Self {
            definition,
            relationships: Relationship::all(definition, &prepared, &with_addresses, &key_type)?,
            with_addresses: plan(&with_addresses)?,
            with_names: plan(&with_names)?,
            key_type,
        })
    }

    /// What the objects look like that are made of the statements' rows.
    pub fn shape(&self, rdns: bool) -> &Arc<DocumentShape> {
        &self.statements(rdns).shape
    }

    /// The statement that lists all of them; `rdns` asks for host names instead of addresses.
    pub fn all(&self, rdns: bool) -> &Prepared {
        &self.statements(rdns).all
    }

    /// The statement that finds the one with this id, and its parameters; `None` when the text cannot be an id.
    pub fn one(&self, id: &str, rdns: bool) -> Option<(&Prepared, ParamValues)> {
        Some((&self.statements(rdns).one, self.id(id)?))
    }

    /// The statement that finds a relationship of the one with this id, its parameters, and what its document looks
    /// like; `None` when there is no such relationship or the text cannot be an id.
    pub fn related(
        &self,
        id: &str,
        name: &str,
    ) -> Option<(&Prepared, ParamValues, &Arc<DocumentShape>)> {
        let mut known = self.relationships.iter();
        let found = known.find(|relationship| relationship.name == name)?;
        Some((&found.one, self.id(id)?, &found.shape))
    }

    fn id(&self, id: &str) -> Option<ParamValues> {
        let value = match &self.key_type {
            DataType::Int64 => ScalarValue::Int64(Some(integer_id(id)?)),
            DataType::Utf8View => ScalarValue::Utf8View(Some(id.to_owned())),
            _ => ScalarValue::Utf8(Some(id.to_owned())),
        };
        Some(ParamValues::from(vec![value]))
    }

    fn statements(&self, rdns: bool) -> &Statements {
        match rdns {
            true => &self.with_names,
            false => &self.with_addresses,
        }
    }
}

impl Statements {
    fn plan(
        definition: &Definition,
        prepared: &Prepared,
        projection: &Projection,
        key: &Expr,
        key_type: &DataType,
    ) -> Result<Self, ResourceError> {
        let name = definition.name;
        let failed = |source| ResourceError::Plan { name, source };
        let compiled =
            compile(projection).map_err(|source| ResourceError::Shape { name, source })?;
        let columns = compiled.queried.clone();
        let all = LogicalPlanBuilder::from(Arc::clone(&projection.input))
            .project(columns.clone())
            .and_then(|all| all.sort([key.clone().sort(true, false)]))
            .and_then(LogicalPlanBuilder::build);
        let one = one(projection, columns, key, key_type);
        let own = match definition.kind {
            Kind::Collection => Own::Id,
            Kind::Single => Own::Path,
        };
        Ok(Self {
            shape: Arc::new(DocumentShape::new(name, compiled, own)),
            all: prepared.with_plan(all.map_err(failed)?),
            one: prepared.with_plan(one.map_err(failed)?),
        })
    }
}

/// The plan that finds the one whose id is the parameter.
fn one(
    projection: &Projection,
    columns: Vec<Expr>,
    key: &Expr,
    key_type: &DataType,
) -> Result<LogicalPlan, DataFusionError> {
    let wanted = Placeholder::new_with_field(
        KEY.to_owned(),
        Some(Arc::new(Field::new("key", key_type.clone(), true))),
    );
    LogicalPlanBuilder::from(Arc::clone(&projection.input))
        .filter(key.clone().eq(Expr::Placeholder(wanted)))
        .and_then(|found| found.project(columns))
        .and_then(LogicalPlanBuilder::build)
}

impl Relationship {
    /// All relationships of a resource's objects.
    fn all(
        definition: &Definition,
        prepared: &Prepared,
        projection: &Projection,
        key_type: &DataType,
    ) -> Result<Vec<Self>, ResourceError> {
        let resource = definition.name;
        let failed = |source| ResourceError::Plan {
            name: resource,
            source,
        };
        let Some(key) = projection.expr.first() else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for name in relationship_names(projection) {
            let path = ["relationships", &name, DATA].map(|step| Step::Name(step.to_owned()));
            let [data] = &places(projection, &path)[..] else {
                continue;
            };
            let exprs = vec![key.clone(), data.expr.clone().alias(DATA)];
            let input = Arc::clone(&projection.input);
            let related = Projection::try_new(exprs, input).map_err(failed)?;
            let compiled = compile(&related).map_err(|source| ResourceError::Shape {
                name: resource,
                source,
            })?;
            let columns = compiled.queried.clone();
            let one = one(&related, columns, &key.clone().unalias(), key_type);
            let own = Own::Relationship(name.clone());
            all.push(Self {
                name,
                shape: Arc::new(DocumentShape::new(resource, compiled, own)),
                one: prepared.with_plan(one.map_err(failed)?),
            });
        }
        Ok(all)
    }
}

fn relationship_names(projection: &Projection) -> Vec<String> {
    let path = [Step::Name("relationships".to_owned())];
    let Some(place) = places(projection, &path).pop() else {
        return Vec::new();
    };
    match &place.expr {
        Expr::ScalarFunction(object) => members(object).map(|(name, _)| name.to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// The query's projection, with or without host names.
fn settled(prepared: &Prepared, rdns: bool) -> Result<Projection, DataFusionError> {
    let settled = ParamValues::from(vec![
        (RDNS, ScalarValue::from(rdns)),
        (VERSION, ScalarValue::from(env!("CARGO_PKG_VERSION"))),
    ]);
    match prepared
        .plan()
        .clone()
        .replace_params_with_values(&settled)?
    {
        LogicalPlan::Projection(projection) => Ok(projection),
        other => datafusion::common::plan_err!("not a plain SELECT: {other}"),
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
    use std::net::SocketAddr;

    use super::*;
    use crate::catalog::{CatalogOptions, Rows};
    use crate::session::{Listener, Registry, Remote, Service, SessionGuard};

    fn caller() -> Arc<Caller> {
        Arc::new(Caller::new("", false))
    }

    async fn planned(registry: &Arc<Registry>) -> (Arc<Catalog>, Vec<Resource>) {
        let catalog = Catalog::new(Arc::clone(registry), CatalogOptions::default()).unwrap();
        let mut resources = Vec::new();
        for definition in &DEFINITIONS {
            let resource = Resource::plan(definition, &catalog, caller());
            resources.push(resource.await.unwrap());
        }
        (catalog, resources)
    }

    /// The physical plan of a statement, as EXPLAIN shows it.
    async fn physical(
        catalog: &Arc<Catalog>,
        prepared: &Prepared,
        parameters: ParamValues,
    ) -> String {
        let plan = LogicalPlanBuilder::from(prepared.plan().clone());
        let explain = plan.explain(false, false).unwrap().build().unwrap();
        let mut rows = catalog.run(&prepared.with_plan(explain), parameters, caller());
        let batch = rows.next().await.unwrap().unwrap();
        let shown = arrow::util::pretty::pretty_format_batches(&[batch]).unwrap();
        let shown = shown.to_string();
        let physical = shown.find("physical_plan").unwrap();
        shown[physical..].to_owned()
    }

    #[tokio::test]
    async fn rows_are_found_and_ordered_by_the_provider() {
        let (catalog, resources) = planned(&Registry::new()).await;
        let sessions = &resources[0];
        for rdns in [false, true] {
            let none = ParamValues::List(Vec::new());
            let list = physical(&catalog, sessions.all(rdns), none).await;
            // Documents follow from what the scan delivers, as it delivers it.
            assert_eq!(list.contains("ProjectionExec"), rdns, "{list}");
            // The order does not get past an operator that waits for names.
            assert_eq!(list.contains("SortExec"), rdns, "{list}");
            assert_eq!(list.contains("AsyncFuncExec"), rdns, "{list}");
            let (one, id) = sessions.one("9", rdns).unwrap();
            let one = physical(&catalog, one, id).await;
            assert!(!one.contains("FilterExec"), "{one}");
            assert_eq!(one.contains("ProjectionExec"), rdns, "{one}");
            assert_eq!(one.contains("AsyncFuncExec"), rdns, "{one}");
        }
        assert!(sessions.one("9x", false).is_none());
    }

    async fn count(mut rows: Rows) -> usize {
        let mut count = 0;
        while let Some(batch) = rows.next().await {
            count += batch.unwrap().num_rows();
        }
        count
    }

    #[tokio::test]
    async fn statements_keep_their_plans_but_no_answers() {
        let registry = Registry::new();
        let service = Arc::new(Service::new("shop", "none"));
        let address = SocketAddr::from(([127, 0, 0, 1], 5433));
        let listener = Arc::new(Listener::new("in", &service, "postgresql", address));
        let register = || registry.register(&listener, Remote::Tcp(address)).unwrap();
        let (catalog, resources) = planned(&registry).await;
        let [sessions, services, ..] = resources.as_slice() else {
            panic!("several resources");
        };
        let mut guards: Vec<SessionGuard> = Vec::new();
        // The answers are right either way; plans without the lookup of names are kept for certain.
        for rdns in [false, true] {
            for _ in 0..3 {
                guards.push(register());
                let all = sessions.all(rdns);
                let none = ParamValues::List(Vec::new());
                assert_eq!(count(catalog.run(all, none, caller())).await, guards.len());
                assert!(all.is_kept());
                let found = async |id: u32| {
                    let (one, parameters) = sessions.one(&id.to_string(), rdns).unwrap();
                    let found = count(catalog.run(one, parameters, caller())).await;
                    assert!(one.is_kept());
                    found
                };
                let last = guards.last().unwrap().id().get();
                assert_eq!(found(last).await, 1);
                assert_eq!(found(last + 1).await, 0);
            }
        }
        // A plain table finds no row by itself: its filter wants a literal.
        let (one, parameters) = services.one("shop", false).unwrap();
        assert_eq!(count(catalog.run(one, parameters, caller())).await, 0);
        assert!(!one.is_kept());
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
