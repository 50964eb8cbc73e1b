//! Where in a resource object something stands, and the expression of the query that says it.
//!
//! A path is followed through the query's projection, not through documents: what a request names by its place becomes
//! a column or an expression of columns, before there is any document.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_nested::expr_fn::array_element;
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, Projection, lit};

/// One step into an object or an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The member of this name; the element with this number, in an array.
    Name(String),
    /// The element at this place, from 0.
    At(usize),
    /// All members or elements.
    All,
}

impl Step {
    fn place(&self) -> Option<usize> {
        match self {
            Self::At(place) => Some(*place),
            Self::Name(name) => name.parse().ok(),
            Self::All => None,
        }
    }

    fn names(&self, name: &str) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::At(place) => name == place.to_string(),
            Self::All => true,
        }
    }
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its value, or the list that it is an element of.
    pub expr: Expr,
    /// The way on from each element of that list; `None` when the value is no part of a list column.
    pub within: Option<Vec<Step>>,
    /// Whether it is the resource's id.
    pub is_id: bool,
}

impl Place {
    /// What stands in every object.
    pub fn of_all(text: &str) -> Self {
        Self {
            expr: lit(text),
            within: None,
            is_id: false,
        }
    }
}

/// All that stands at a path from the resource object on, in the order of the query. Its first expression is the id.
pub fn places(projection: &Projection, path: &[Step]) -> Vec<Place> {
    let mut found = Vec::new();
    let [first, rest @ ..] = path else {
        return found;
    };
    let schema = projection.input.schema();
    let names = projection.schema.fields().iter().map(|field| field.name());
    for (at, (expr, name)) in projection.expr.iter().zip(names).enumerate() {
        match at {
            0 if first.names("id") && rest.is_empty() => found.push(Place {
                expr: expr.clone().unalias(),
                within: None,
                is_id: true,
            }),
            0 => {}
            _ if first.names(name) => follow(expr, rest, schema, &mut found),
            _ => {}
        }
    }
    found
}

fn follow(expr: &Expr, path: &[Step], schema: &DFSchema, found: &mut Vec<Place>) {
    let [step, rest @ ..] = path else {
        found.push(Place {
            expr: expr.clone().unalias(),
            within: None,
            is_id: false,
        });
        return;
    };
    match expr {
        Expr::Alias(alias) => follow(&alias.expr, path, schema, found),
        Expr::ScalarFunction(call) if call.func.name() == "named_struct" => {
            for (name, value) in members(call) {
                if step.names(name) {
                    follow(value, rest, schema, found);
                }
            }
        }
        Expr::ScalarFunction(call) if call.func.name() == "make_array" => {
            for (place, element) in call.args.iter().enumerate() {
                if *step == Step::All || step.place() == Some(place) {
                    follow(element, rest, schema, found);
                }
            }
        }
        Expr::Case(case) if case.expr.is_none() => follow_case(case, path, schema, found),
        other => follow_value(other, path, schema, found),
    }
}

/// The members of an object that a query makes.
pub fn members(call: &ScalarFunction) -> impl Iterator<Item = (&str, &Expr)> {
    let (pairs, _) = call.args.as_chunks::<2>();
    pairs.iter().filter_map(|[name, value]| match name {
        Expr::Literal(name, _) => Some((name.try_as_str().flatten()?, value)),
        _ => None,
    })
}

/// What stands in a branch is there in the rows of the branch.
fn follow_case(case: &Case, path: &[Step], schema: &DFSchema, found: &mut Vec<Place>) {
    let thens = case.when_then_expr.iter().map(|(_, then)| &**then);
    for (branch, then) in thens.chain(case.else_expr.as_deref()).enumerate() {
        let mut within = Vec::new();
        follow(then, path, schema, &mut within);
        found.extend(within.into_iter().filter_map(|place| {
            let absent = ScalarValue::try_from(&place.expr.get_type(schema).ok()?).ok()?;
            let then = |at: usize| match at == branch {
                true => Box::new(place.expr.clone()),
                false => Box::new(lit(absent.clone())),
            };
            let whens = case.when_then_expr.iter().enumerate();
            let whens = whens.map(|(at, (when, _))| (when.clone(), then(at)));
            let otherwise = case.else_expr.as_ref();
            let otherwise = otherwise.map(|_| then(case.when_then_expr.len()));
            let guarded = Case::new(None, whens.collect(), otherwise);
            Some(Place {
                expr: Expr::Case(guarded),
                ..place
            })
        }));
    }
}

/// Into a column that is an object or an array itself.
fn follow_value(expr: &Expr, path: &[Step], schema: &DFSchema, found: &mut Vec<Place>) {
    let [step, rest @ ..] = path else {
        return;
    };
    match expr.get_type(schema) {
        Ok(DataType::Struct(fields)) => {
            for field in fields.iter().filter(|field| step.names(field.name())) {
                let member = get_field(expr.clone(), field.name().as_str());
                follow(&member, rest, schema, found);
            }
        }
        Ok(DataType::Map(..)) => match step {
            Step::Name(name) => {
                let member = get_field(expr.clone(), name.as_str());
                follow(&member, rest, schema, found);
            }
            Step::All if rest.is_empty() => found.push(Place {
                expr: expr.clone(),
                within: Some(Vec::new()),
                is_id: false,
            }),
            Step::All | Step::At(_) => {}
        },
        Ok(DataType::List(element)) => match step.place() {
            Some(place) => {
                let place = i64::try_from(place).ok().and_then(|at| at.checked_add(1));
                if let Some(place) = place {
                    let element = array_element(expr.clone(), lit(place));
                    follow(&element, rest, schema, found);
                }
            }
            None if *step == Step::All && is_inside(element.data_type(), rest) => {
                found.push(Place {
                    expr: expr.clone(),
                    within: Some(rest.to_vec()),
                    is_id: false,
                });
            }
            None => {}
        },
        _ => {}
    }
}

/// Whether values of a type have something at a path.
fn is_inside(data_type: &DataType, path: &[Step]) -> bool {
    let [step, rest @ ..] = path else {
        return true;
    };
    match data_type {
        DataType::Struct(fields) => fields
            .iter()
            .any(|field| step.names(field.name()) && is_inside(field.data_type(), rest)),
        DataType::List(element) => {
            (*step == Step::All || step.place().is_some()) && is_inside(element.data_type(), rest)
        }
        _ => false,
    }
}

/// The object with those members only that these paths lead to or through; `None` without any.
pub fn pruned(expr: &Expr, wanted: &[&[String]]) -> Option<Expr> {
    if wanted.is_empty() {
        return None;
    }
    if wanted.iter().any(|path| path.is_empty()) {
        return Some(expr.clone());
    }
    match expr {
        Expr::Alias(alias) => {
            let inner = pruned(&alias.expr, wanted)?;
            Some(inner.alias(alias.name.clone()))
        }
        Expr::ScalarFunction(call) if call.func.name() == "named_struct" => {
            let mut args = Vec::new();
            for (name, value) in members(call) {
                let further = wanted.iter().filter_map(|path| match path {
                    [first, rest @ ..] if first == name => Some(rest),
                    _ => None,
                });
                if let Some(value) = pruned(value, &further.collect::<Vec<_>>()) {
                    args.extend([lit(name), value]);
                }
            }
            let func = std::sync::Arc::clone(&call.func);
            (!args.is_empty()).then(|| Expr::ScalarFunction(ScalarFunction { func, args }))
        }
        Expr::Case(case) if case.expr.is_none() => {
            let mut whens = Vec::new();
            for (when, then) in &case.when_then_expr {
                whens.push((when.clone(), Box::new(pruned(then, wanted)?)));
            }
            let otherwise = match &case.else_expr {
                Some(otherwise) => Some(Box::new(pruned(otherwise, wanted)?)),
                None => None,
            };
            Some(Expr::Case(Case::new(None, whens, otherwise)))
        }
        _ => None,
    }
}
