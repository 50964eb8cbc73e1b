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

mod definitions;
mod relationship;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{ExprSchema, ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection};
use moka::sync::Cache;

pub use self::definitions::{DEFINITIONS, Definition, Kind, SESSIONS};
use self::relationship::Relationship;
use super::compile::{compile, compile_with};
use super::document::{DocumentShape, Own};
use super::flat::Flat;
use super::listing::{Listing, ids, with_fields};
use super::openapi;
use super::operators::Operators;
use super::refusal::Refusal;
use super::values::UnsupportedType;
use crate::catalog::{Caller, Catalog, PASSING, Prepared};
use serde_json::Value;

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
/// The parameter that is how many of its last statements a session retains.
const RETAINED: &str = "retained";
/// The parameter that is the program's version.
const VERSION: &str = "version";
/// The parameter that an id is: the first.
const KEY: &str = "$1";

/// A planned resource.
pub struct Resource {
    /// What is known of it besides its query.
    pub definition: &'static Definition,
    key_type: DataType,
    prepared: Prepared,
    with_addresses: Arc<Statements>,
    with_names: Arc<Statements>,
    relationships: Vec<Relationship>,
    /// The JSON schemas of its objects' members, by name.
    pub members: Vec<(String, Value)>,
    /// The columns that tell whether one of them is still the same.
    lasting: Vec<Expr>,
    /// What was asked with operators before.
    selected: Cache<Asked, Arc<Statements>>,
    listings: Cache<Asked, Arc<Listing>>,
    flats: Cache<Asked, Arc<Flat>>,
}

/// Lists and selections of members whose plans are remembered.
const REMEMBERED_MAX: u64 = 128;
/// Length of the operators that are remembered, in bytes.
const REMEMBERED_BYTES_MAX: usize = 4096;

/// Rows of a page that are sorted as they are.
const SORTED_ROWS_MAX: usize = 4096;

/// The member that a list without an order is in the order of.
const ID: &str = "id";

/// Whether host names are wanted, and the operators as text.
type Asked = (bool, String);

/// What can be asked of a resource.
pub struct Statements {
    /// What the objects look like that are made of their rows.
    pub shape: Arc<DocumentShape>,
    /// All of them, in id order.
    pub all: Prepared,
    /// The one whose id is the parameter.
    pub one: Prepared,
    /// The columns that tell whether it is still the same.
    pub lasting: Vec<usize>,
    projection: Projection,
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
        let (_, key_type) = key(projection).ok_or(ResourceError::Key { name })?;
        let failed = |source| ResourceError::Plan { name, source };
        let topology = catalog.registry().topology();
        let services = topology.services.iter();
        let retained = services.map(|service| service.retains).max();
        let settled = |rdns| settled(&prepared, rdns, retained.unwrap_or(0)).map_err(failed);
        let (with_addresses, with_names) = (settled(false)?, settled(true)?);
        let lasting = lasting(name, &with_addresses)?;
        let plan = |projection: Projection| {
            Statements::plan(definition, &prepared, projection, &lasting, &key_type)
        };
        Ok(Self {
            definition,
            relationships: Relationship::all(definition, &prepared, &with_addresses, &key_type)?,
            members: openapi::members(&with_addresses),
            with_addresses: Arc::new(plan(with_addresses)?),
            with_names: Arc::new(plan(with_names)?),
            lasting,
            prepared,
            key_type,
            selected: Cache::new(REMEMBERED_MAX),
            listings: Cache::new(REMEMBERED_MAX),
            flats: Cache::new(REMEMBERED_MAX),
        })
    }

    /// What is asked with these members only; `rdns` asks for host names instead of addresses.
    ///
    /// # Errors
    /// 400 when there is no such member.
    pub fn selected(&self, operators: &Operators, rdns: bool) -> Result<Arc<Statements>, Refusal> {
        let whole = self.statements(rdns);
        let Some(fields) = &operators.fields else {
            return Ok(Arc::clone(whole));
        };
        remembered(&self.selected, (rdns, format!("{fields:?}")), || {
            let projection = with_fields(self.definition.name, &whole.projection, fields)?;
            let prepared = &self.prepared;
            let (definition, key_type) = (self.definition, &self.key_type);
            Statements::plan(definition, prepared, projection, &self.lasting, key_type)
                .map_err(Refusal::defect)
        })
    }

    /// The list with these operators.
    ///
    /// # Errors
    /// 400 when one of them names what is not there.
    pub fn listing(&self, operators: &Operators, rdns: bool) -> Result<Arc<Listing>, Refusal> {
        remembered(&self.listings, (rdns, format!("{operators:?}")), || {
            let projection = &self.statements(rdns).projection;
            let sorts_first = self.sorts_first(operators, rdns);
            let Self {
                definition,
                prepared,
                ..
            } = self;
            Listing::plan(
                definition.name,
                prepared,
                projection,
                operators,
                sorts_first,
            )
        })
    }

    /// The same list as a table.
    ///
    /// # Errors
    /// As [`Self::listing`].
    pub fn flat(&self, operators: &Operators, rdns: bool) -> Result<Arc<Flat>, Refusal> {
        remembered(&self.flats, (rdns, format!("{operators:?}")), || {
            let projection = &self.statements(rdns).projection;
            let sorts_first = self.sorts_first(operators, rdns);
            let Self {
                definition,
                prepared,
                ..
            } = self;
            Flat::plan(
                definition.name,
                prepared,
                projection,
                operators,
                sorts_first,
            )
        })
    }

    /// Whether a list's ids are sorted before its rows are read: it is long, and the table does not deliver it in order.
    fn sorts_first(&self, operators: &Operators, rdns: bool) -> bool {
        let is_long = operators
            .page
            .is_none_or(|page| page.skipped() + page.size > SORTED_ROWS_MAX);
        let first = operators.sort.first();
        let is_delivered = first.is_none_or(|by| by.path == [ID]) && !rdns;
        self.key_type == DataType::Int64 && is_long && !is_delivered
    }

    /// The statement of the ids of those that pass the filters.
    ///
    /// # Errors
    /// As [`Self::listing`].
    pub fn ids(&self, operators: &Operators) -> Result<Prepared, Refusal> {
        let projection = &self.statements(false).projection;
        ids(self.definition.name, &self.prepared, projection, operators)
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

    /// The parameters of the statement that finds the one with this id; `None` when the text cannot be an id.
    pub fn id(&self, id: &str) -> Option<ParamValues> {
        let value = match &self.key_type {
            DataType::Int64 => ScalarValue::Int64(Some(integer_id(id)?)),
            DataType::Utf8View => ScalarValue::Utf8View(Some(id.to_owned())),
            _ => ScalarValue::Utf8(Some(id.to_owned())),
        };
        Some(ParamValues::from(vec![value]))
    }

    fn statements(&self, rdns: bool) -> &Arc<Statements> {
        match rdns {
            true => &self.with_names,
            false => &self.with_addresses,
        }
    }
}

/// What is planned once for many requests.
fn remembered<T>(
    cache: &Cache<Asked, Arc<T>>,
    asked: Asked,
    plan: impl FnOnce() -> Result<T, Refusal>,
) -> Result<Arc<T>, Refusal>
where
    T: Send + Sync + 'static,
{
    if let Some(known) = cache.get(&asked) {
        return Ok(known);
    }
    let planned = Arc::new(plan()?);
    if asked.1.len() <= REMEMBERED_BYTES_MAX {
        cache.insert(asked, Arc::clone(&planned));
    }
    Ok(planned)
}

/// The columns of a query that neither traffic nor time alone change.
fn lasting(name: &'static str, projection: &Projection) -> Result<Vec<Expr>, ResourceError> {
    let compiled = compile(projection).map_err(|source| ResourceError::Shape { name, source })?;
    let schema = projection.input.schema();
    let is_lasting = |expr: &Expr| match expr {
        Expr::Column(column) => schema
            .field_from_column(column)
            .is_ok_and(|field| !field.metadata().contains_key(PASSING)),
        _ => false,
    };
    Ok(compiled.queried.into_iter().filter(is_lasting).collect())
}

impl Statements {
    fn plan(
        definition: &Definition,
        prepared: &Prepared,
        projection: Projection,
        lasting: &[Expr],
        key_type: &DataType,
    ) -> Result<Self, ResourceError> {
        let name = definition.name;
        let failed = |source| ResourceError::Plan { name, source };
        let (key, _) = key(&projection).ok_or(ResourceError::Key { name })?;
        let compiled = compile_with(&projection, lasting)
            .map_err(|source| ResourceError::Shape { name, source })?;
        let columns = compiled.queried.clone();
        let all = LogicalPlanBuilder::from(Arc::clone(&projection.input))
            .project(columns.clone())
            .and_then(|all| all.sort([key.clone().sort(true, false)]))
            .and_then(LogicalPlanBuilder::build);
        let one = one(&projection, columns, &key, key_type);
        let own = match definition.kind {
            Kind::Collection => Own::Id,
            Kind::Single => Own::Path,
        };
        Ok(Self {
            lasting: compiled.extra.clone(),
            shape: Arc::new(DocumentShape::new(name, compiled, own)),
            all: prepared.with_plan(all.map_err(failed)?),
            one: prepared.with_plan(one.map_err(failed)?),
            projection,
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

/// The query's projection, with or without host names.
fn settled(
    prepared: &Prepared,
    rdns: bool,
    retained: usize,
) -> Result<Projection, DataFusionError> {
    let retained = i64::try_from(retained).unwrap_or(i64::MAX);
    let settled = ParamValues::from(vec![
        (RDNS, ScalarValue::from(rdns)),
        (RETAINED, ScalarValue::from(retained)),
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
