//! Filters as requests write them: a path into the document and what must hold of the value there.
//!
//! ```text
//! filter=/attributes/user="maxuser"              a JSON pointer and a value
//! filter=/attributes/idle=and(ge(5),lt(60))      or an expression
//! filter[relationships.services.data[*].id]=ne("catalog")   a JSONPath, of whose hits one suffices
//! ```
//!
//! A filter becomes a condition on the expression that the query has at the path. Values compare as JSON values do:
//! numbers by value, strings by their bytes, and values of different kinds are different and in no order. Only the id,
//! which documents write as a string, compares as the number that it is. Where there is no value, nothing holds of it.

mod lists;
mod syntax;
#[cfg(test)]
mod tests;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{
    Expr, ExprSchemable, Operator, Projection, ScalarUDF, binary_expr, lit, not,
};
use serde_json::Value;

use super::parameters::shorten;
use super::paths::{Place, Step, places};
use super::refusal::Refusal;
use super::resource::integer_id;
use lists::{AnyValue, Found};
use syntax::{Parser, json_path, pointer};

/// Of how many comparisons a condition on a computed value may consist to be an expression of the engine's. What the
/// engine's planner takes for such an expression grows with the square of their number.
const PLANNED_TERMS_MAX: usize = 16;
/// To how many expressions all filters of a request may come, each counted for every member that its path leads to:
/// wildcards multiply them.
const EXPRESSIONS_MAX: usize = 256;

/// What must hold of the value at a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    path: Vec<Step>,
    /// The path as the request has it, for errors.
    written: String,
    condition: Condition,
    /// Of how many comparisons the condition consists.
    terms: usize,
}

/// Something that is true or false of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// It compares so with this one.
    Compare(Comparison, Value),
    /// All of these hold.
    And(Vec<Condition>),
    /// One of these holds.
    Or(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
}

/// How one value compares with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
}

impl Comparison {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn operator(self) -> Operator {
        match self {
            Self::Equal => Operator::Eq,
            Self::NotEqual => Operator::NotEq,
            Self::Less => Operator::Lt,
            Self::LessOrEqual => Operator::LtEq,
            Self::Greater => Operator::Gt,
            Self::GreaterOrEqual => Operator::GtEq,
        }
    }

    /// What it says of two values of different kinds.
    fn of_strangers(self) -> bool {
        self == Self::NotEqual
    }
}

impl Filter {
    /// Reads `filter=PATH=WHAT`: the path is a JSON pointer, whose first slash may be missing.
    ///
    /// # Errors
    /// 400, with the place.
    pub fn of_pointer(text: &str) -> Result<Self, Refusal> {
        let (path, what) = text.split_once('=').ok_or_else(|| {
            Refusal::bad_request(format!(
                "filter {:?} has no '=' between the path and the value",
                shorten(text)
            ))
        })?;
        Self::new(pointer(path), path, what)
    }

    /// Reads `filter[PATH]=WHAT`: the path is a JSONPath, or a JSON pointer when it begins with a slash.
    ///
    /// # Errors
    /// 400, with the place.
    pub fn of_path(path: &str, what: &str) -> Result<Self, Refusal> {
        let steps = match path.starts_with('/') {
            true => pointer(path),
            false => json_path(path)?,
        };
        Self::new(steps, path, what)
    }

    fn new(path: Vec<Step>, written: &str, what: &str) -> Result<Self, Refusal> {
        let mut parser = Parser::new(what);
        let condition = parser.whole().map_err(|wrong| {
            Refusal::bad_request(format!(
                "filter {:?}: {}, at character {} of {:?}",
                shorten(written),
                wrong,
                what[..parser.at].chars().count() + 1,
                shorten(what),
            ))
        })?;
        Ok(Self {
            path,
            written: written.to_owned(),
            condition,
            terms: parser.terms,
        })
    }

    /// Whether the condition on this place is one for the planner.
    fn is_planned(&self, place: &Place) -> bool {
        let is_column = place.is_id || matches!(place.expr, Expr::Column(_));
        place.within.is_none() && (is_column || self.terms <= PLANNED_TERMS_MAX)
    }

    /// How many expressions the condition on these places comes to.
    fn expressions(&self, places: &[Place]) -> usize {
        let of = |place| match self.is_planned(place) {
            true => self.terms,
            false => 1,
        };
        places.iter().map(of).sum()
    }

    /// The condition on what stands at these places.
    fn condition(
        &self,
        resource: &str,
        projection: &Projection,
        places: Vec<Place>,
    ) -> Result<Expr, Refusal> {
        let schema = projection.input.schema();
        let hits = places.into_iter().filter_map(|place| {
            let kind = match &place.within {
                Some(_) => None,
                None => Some(Kind::of(&place.expr.get_type(schema).ok()?)?),
            };
            Some(match kind.filter(|_| self.is_planned(&place)) {
                Some(kind) => self.condition.at(&place, kind),
                None => {
                    let any = AnyValue::new(place.within.as_deref(), self.condition.clone());
                    ScalarUDF::from(any).call(vec![place.expr])
                }
            })
        });
        hits.reduce(Expr::or).ok_or_else(|| {
            let path = shorten(&self.written);
            Refusal::bad_request(format!("filter: {resource} have no value at {path:?}"))
        })
    }
}

/// The filters with one for each path that leads to one value.
fn joined(filters: &[Filter]) -> Vec<Filter> {
    let mut joined: Vec<Filter> = Vec::with_capacity(filters.len());
    for filter in filters {
        let same = joined.iter_mut().find(|other| other.path == filter.path);
        match same.filter(|_| !filter.path.contains(&Step::All)) {
            Some(other) => {
                other.terms += filter.terms;
                match &mut other.condition {
                    Condition::And(all) => all.push(filter.condition.clone()),
                    one => {
                        let first = std::mem::replace(one, Condition::And(Vec::new()));
                        *one = Condition::And(vec![first, filter.condition.clone()]);
                    }
                }
            }
            None => joined.push(filter.clone()),
        }
    }
    joined
}

/// The filters' conditions on the columns below the projection.
///
/// # Errors
/// 400 when there is nothing at a path, or nothing that can be compared, and when all together are too much.
pub fn conditions(
    filters: &[Filter],
    resource: &str,
    projection: &Projection,
) -> Result<Vec<Expr>, Refusal> {
    let mut expressions = 0;
    let mut conditions = Vec::with_capacity(filters.len());
    for filter in &joined(filters) {
        let places = match &filter.path[..] {
            [only] if *only == Step::Name("type".to_owned()) => vec![Place::of_all(resource)],
            path => places(projection, path),
        };
        expressions += filter.expressions(&places);
        if expressions > EXPRESSIONS_MAX {
            let path = shorten(&filter.written);
            return Err(Refusal::bad_request(format!(
                "filter {path:?}: there are more than {EXPRESSIONS_MAX} comparisons in the request's filters, each \
                 counted for every member that its path leads to"
            )));
        }
        conditions.push(filter.condition(resource, projection, places)?);
    }
    Ok(conditions)
}

/// What is known of a condition on a value that is there.
enum Known {
    Always,
    Never,
    /// It depends on the value: NULL where there is none.
    Depends(Expr),
}

impl Condition {
    /// The condition on the single value at a place: not true where there is none.
    fn at(&self, place: &Place, kind: Kind) -> Expr {
        match self.known(place, kind) {
            Known::Always => place.expr.clone().is_not_null(),
            Known::Never => lit(false),
            Known::Depends(condition) => condition,
        }
    }

    fn known(&self, place: &Place, kind: Kind) -> Known {
        match self {
            Self::Compare(comparison, value) => compare(place, kind, *comparison, value),
            Self::Not(negated) => match negated.known(place, kind) {
                Known::Always => Known::Never,
                Known::Never => Known::Always,
                Known::Depends(condition) => Known::Depends(not(condition)),
            },
            Self::And(all) => {
                let mut joined = Known::Always;
                for one in all {
                    joined = match (joined, one.known(place, kind)) {
                        (Known::Never, _) | (_, Known::Never) => return Known::Never,
                        (Known::Always, other) | (other, Known::Always) => other,
                        (Known::Depends(one), Known::Depends(other)) => {
                            Known::Depends(one.and(other))
                        }
                    };
                }
                joined
            }
            Self::Or(any) => {
                let mut joined = Known::Never;
                for one in any {
                    joined = match (joined, one.known(place, kind)) {
                        (Known::Always, _) | (_, Known::Always) => return Known::Always,
                        (Known::Never, other) | (other, Known::Never) => other,
                        (Known::Depends(one), Known::Depends(other)) => {
                            Known::Depends(one.or(other))
                        }
                    };
                }
                joined
            }
        }
    }

    /// Whether it holds of a value.
    fn holds(&self, value: &Found<'_>) -> bool {
        match self {
            Self::Compare(comparison, wanted) => value.compares(*comparison, wanted),
            Self::And(all) => all.iter().all(|one| one.holds(value)),
            Self::Or(any) => any.iter().any(|one| one.holds(value)),
            Self::Not(negated) => !negated.holds(value),
        }
    }
}

/// Kinds of JSON values, as columns have them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Float,
    Boolean,
}

impl Kind {
    fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Int32 | DataType::Int64 => Self::Integer,
            DataType::Float64 => Self::Float,
            DataType::Boolean => Self::Boolean,
            _ => return None,
        })
    }
}

fn compare(place: &Place, kind: Kind, comparison: Comparison, value: &Value) -> Known {
    let with = |literal: Expr| {
        let operator = comparison.operator();
        Known::Depends(binary_expr(place.expr.clone(), operator, literal))
    };
    // An id is a string of digits that stands for its number.
    let id;
    let value = match value {
        Value::String(text) if place.is_id && kind == Kind::Integer => {
            id = integer_id(text).map_or(Value::Null, Value::from);
            &id
        }
        value => value,
    };
    match (kind, value) {
        (Kind::Text, Value::String(text)) => with(lit(text.as_str())),
        (Kind::Boolean, Value::Bool(flag))
            if matches!(comparison, Comparison::Equal | Comparison::NotEqual) =>
        {
            with(lit(*flag))
        }
        (Kind::Float, Value::Number(number)) => with(lit(number.as_f64().unwrap_or(f64::NAN))),
        (Kind::Integer, Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => with(lit(integer)),
            (None, Some(float)) => compare_integer(place, comparison, float),
            (None, None) => strangers(comparison),
        },
        _ => strangers(comparison),
    }
}

fn strangers(comparison: Comparison) -> Known {
    match comparison.of_strangers() {
        true => Known::Always,
        false => Known::Never,
    }
}

/// A whole number compared with one that is none, or is out of its range: by value, without rounding either.
fn compare_integer(place: &Place, comparison: Comparison, float: f64) -> Known {
    // Both ends are powers of two, which floats have.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let (above, below) = (float >= END, float < -END);
    let is_whole = float.fract() == 0.0 && !above && !below;
    let with = |operator, bound: f64| {
        Known::Depends(binary_expr(place.expr.clone(), operator, lit(bound as i64)))
    };
    let sure = |holds| match holds {
        true => Known::Always,
        false => Known::Never,
    };
    match comparison {
        Comparison::Equal | Comparison::NotEqual if !is_whole => strangers(comparison),
        Comparison::Equal => with(Operator::Eq, float),
        Comparison::NotEqual => with(Operator::NotEq, float),
        Comparison::Less | Comparison::LessOrEqual if above || below => sure(above),
        Comparison::Greater | Comparison::GreaterOrEqual if above || below => sure(below),
        Comparison::Less => with(Operator::Lt, float.ceil()),
        Comparison::LessOrEqual => with(Operator::LtEq, float.floor()),
        Comparison::Greater => with(Operator::Gt, float.floor()),
        Comparison::GreaterOrEqual => with(Operator::GtEq, float.ceil()),
    }
}
