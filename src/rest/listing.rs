//! The plan of a list: a resource's query with the operators of a request.
//!
//! What a request names by its place in the document is the query's expression there, so that all operators meet
//! columns: a filter goes under the projection, from where the engine hands it to the table; members that are not
//! wanted are taken out of the projection, and their columns are not read; the order and the page stand above it, so
//! that documents are made of the page's rows only. The total counts the filtered rows, without the projection.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Projection, SortExpr, lit,
};

use super::compile::{Compiled, compile_with};
use super::document::{DocumentShape, Own};
use super::filter::conditions;
use super::operators::{Operators, Page, SortBy};
use super::parameters::shorten;
use super::paths::{Place, Step, places, pruned};
use super::refusal::Refusal;
use super::sorted::{Parts, Sorted};
use crate::catalog::{PageEnd, Prepared};

/// A planned list.
pub struct Listing {
    /// What the objects look like that are made of its rows.
    pub shape: Arc<DocumentShape>,
    /// The page's objects, or all of them.
    pub rows: Prepared,
    /// How many there are on all pages.
    pub total: Option<Prepared>,
    /// Where the page ends, if the list is in the order of ids.
    pub end: Option<PageEnd>,
    /// The objects by way of their ids, if they are to be found so.
    pub sorted: Option<Arc<Sorted>>,
}

impl Listing {
    /// Plans the list with these operators. `sorts_first`: the ids are sorted before the rows are read.
    ///
    /// # Errors
    /// 400 when an operator names what the resource does not have; the error of the planner, which is a defect.
    pub fn plan(
        resource: &'static str,
        prepared: &Prepared,
        projection: &Projection,
        operators: &Operators,
        sorts_first: bool,
    ) -> Result<Self, Refusal> {
        let key = key(projection)?;
        let sort = ordered_by(resource, projection, &operators.sort)?;
        let by_id = match &sort[..] {
            [] => Some(false),
            [(first, descending), ..] => first.is_id.then_some(*descending),
        };
        let shown = match &operators.fields {
            Some(fields) => with_fields(resource, projection, fields)?,
            None => projection.clone(),
        };
        let extra: Vec<Expr> = sort.iter().map(|(place, _)| place.expr.clone()).collect();
        let compiled = compile_with(&shown, &extra).map_err(Refusal::defect)?;
        let filtered = filtered(resource, projection, operators)?;
        let sorted = sorts_first.then(|| {
            let parts = Parts {
                projection,
                filtered: filtered.clone(),
                columns: compiled.queried.clone(),
                sort: &sort,
                page: operators.page,
            };
            Sorted::plan(prepared, parts).map(Arc::new)
        });
        let sorted = sorted.transpose()?;
        let mut order: Vec<SortExpr> = sort
            .iter()
            .zip(&compiled.extra)
            .map(|((_, descending), at)| output(&compiled, *at).sort(!descending, false))
            .collect();
        order.push(key.clone().sort(true, false));

        let columns = compiled.queried.clone();
        let rows = page_of(filtered.clone(), columns, order, operators.page)?;
        let total = LogicalPlanBuilder::from(filtered)
            .aggregate(Vec::<Expr>::new(), [count(lit(1_i64))])
            .and_then(LogicalPlanBuilder::build)
            .map_err(Refusal::defect)?;
        Ok(Self {
            shape: Arc::new(DocumentShape::new(resource, compiled, Own::Id)),
            rows: prepared.with_plan(rows),
            total: operators.page.map(|_| prepared.with_plan(total)),
            end: operators.page.zip(by_id).map(|(page, descending)| PageEnd {
                rows: page.skipped() + page.size,
                descending,
            }),
            sorted,
        })
    }
}

/// The columns of the filtered rows, in this order, and of those the page that is asked for.
///
/// # Errors
/// That of the planner, which is a defect.
pub(super) fn page_of(
    filtered: LogicalPlan,
    columns: Vec<Expr>,
    order: Vec<SortExpr>,
    page: Option<Page>,
) -> Result<LogicalPlan, Refusal> {
    LogicalPlanBuilder::from(filtered)
        .project(columns)
        .and_then(|rows| rows.sort(order))
        .and_then(|rows| match page {
            Some(page) => rows.limit(page.skipped(), Some(page.size)),
            None => Ok(rows),
        })
        .and_then(LogicalPlanBuilder::build)
        .map_err(Refusal::defect)
}

/// The plan of the ids of those that pass the filters.
///
/// # Errors
/// As those of [`Listing::plan`].
pub fn ids(
    resource: &'static str,
    prepared: &Prepared,
    projection: &Projection,
    operators: &Operators,
) -> Result<Prepared, Refusal> {
    let filtered = filtered(resource, projection, operators)?;
    let ids = LogicalPlanBuilder::from(filtered)
        .project([key(projection)?])
        .and_then(LogicalPlanBuilder::build);
    Ok(prepared.with_plan(ids.map_err(Refusal::defect)?))
}

/// The rows that pass the filters.
///
/// # Errors
/// 400 when one of them names what is not there.
pub fn filtered(
    resource: &'static str,
    projection: &Projection,
    operators: &Operators,
) -> Result<LogicalPlan, Refusal> {
    let mut input = LogicalPlanBuilder::from(Arc::clone(&projection.input));
    for condition in conditions(&operators.filters, resource, projection)? {
        input = input.filter(condition).map_err(Refusal::defect)?;
    }
    input.build().map_err(Refusal::defect)
}

/// The expression of the id.
///
/// # Errors
/// None of a resource's query, which has one.
pub fn key(projection: &Projection) -> Result<Expr, Refusal> {
    let key = projection.expr.first().cloned();
    key.map(Expr::unalias)
        .ok_or_else(|| Refusal::defect("a query without columns"))
}

/// A column of the rows, as what stands above them names it.
fn output(compiled: &Compiled, at: usize) -> Expr {
    match &compiled.queried[at] {
        Expr::Alias(alias) => Expr::Column(Column::from_name(&alias.name)),
        column => column.clone(),
    }
}

/// What stands at a path that is written from the object on, or from its attributes or relationships on.
fn found(projection: &Projection, path: &[String]) -> Vec<(Vec<String>, Place)> {
    let from = [None, Some("attributes"), Some("relationships")];
    let whole = from.map(|parent| {
        let parent = parent.into_iter().map(str::to_owned);
        parent.chain(path.iter().cloned()).collect::<Vec<_>>()
    });
    whole
        .into_iter()
        .find_map(|path| {
            let steps: Vec<Step> = path.iter().cloned().map(Step::Name).collect();
            let places = places(projection, &steps);
            let all = places.into_iter().map(|place| (path.clone(), place));
            Some(all.collect()).filter(|all: &Vec<_>| !all.is_empty())
        })
        .unwrap_or_default()
}

/// What the members stand for that a list is ordered by, and whether largest first.
///
/// # Errors
/// 400 when there is no such value.
pub fn ordered_by(
    resource: &str,
    projection: &Projection,
    sort: &[SortBy],
) -> Result<Vec<(Place, bool)>, Refusal> {
    let mut resolved = Vec::with_capacity(sort.len());
    for by in sort {
        let mut places = found(projection, &by.path);
        let place = match (places.pop(), places.is_empty()) {
            (Some((_, place)), true) if is_single(&place, projection) => place,
            _ => {
                let path = by.path.join("/");
                return Err(Refusal::bad_request(format!(
                    "sort: {resource} have no value {:?} to be ordered by",
                    shorten(&path)
                )));
            }
        };
        resolved.push((place, by.descending));
    }
    Ok(resolved)
}

fn is_single(place: &Place, projection: &Projection) -> bool {
    let data_type = place.expr.get_type(projection.input.schema());
    place.within.is_none() && data_type.is_ok_and(|found| !found.is_nested() && !found.is_null())
}

/// The projection with these members only.
///
/// # Errors
/// 400 when there is no such member.
pub fn with_fields(
    resource: &str,
    projection: &Projection,
    fields: &[Vec<String>],
) -> Result<Projection, Refusal> {
    let mut wanted: Vec<Vec<String>> = Vec::new();
    for field in fields {
        // These are always there.
        if matches!(&field[..], [only] if ["id", "type", "links"].contains(&only.as_str())) {
            continue;
        }
        let path = found(projection, field).pop().map(|(path, _)| path);
        let path = path.filter(|path| !only(projection, std::slice::from_ref(path)).is_empty());
        wanted.push(path.ok_or_else(|| {
            Refusal::bad_request(format!(
                "fields[{resource}]: {resource} have no member {:?}",
                shorten(&field.join("/"))
            ))
        })?);
    }
    let mut exprs = vec![key(projection)?];
    exprs.extend(only(projection, &wanted));
    Projection::try_new(exprs, Arc::clone(&projection.input)).map_err(Refusal::defect)
}

/// What is left of the members when only these paths are wanted.
fn only(projection: &Projection, wanted: &[Vec<String>]) -> Vec<Expr> {
    let names = projection.schema.fields().iter().map(|field| field.name());
    let members = projection.expr.iter().zip(names).skip(1);
    members
        .filter_map(|(expr, name)| {
            let within = wanted.iter().filter_map(|path| match &path[..] {
                [first, rest @ ..] if first == name => Some(rest),
                _ => None,
            });
            pruned(expr, &within.collect::<Vec<_>>())
        })
        .collect()
}
