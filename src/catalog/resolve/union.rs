//! The columns of a UNION's inputs.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, Result, ScalarValue, TableReference};
use datafusion::logical_expr::{
    Cast, Expr, LogicalPlan, LogicalPlanBuilder, RecursiveQuery, Union,
};

use super::numerics::is_numeric;
use super::{ResolveTypes, Resolver, common, kind_of, wider};
use crate::catalog::column::{MODIFIER, TYPE};
use crate::catalog::functions::Kind;
use crate::catalog::operators::{read_literal, untyped};
use crate::catalog::type_names::common_type;
use crate::sql::encode::zone::Zone;

/// What a column of a UNION becomes.
enum Target {
    Kind(Kind),
    /// Only texts in quotes are read as this.
    Plain(DataType),
}

/// The text in quotes that a column of an input is.
fn text_at(input: &LogicalPlan, at: usize) -> Option<&str> {
    match input {
        LogicalPlan::Projection(projection) => match projection.expr.get(at)? {
            Expr::Alias(alias) => untyped(&alias.expr),
            expr => untyped(expr),
        },
        _ => None,
    }
}

/// The type of a column of an input, if it has one.
fn type_at(input: &LogicalPlan, at: usize) -> Option<&DataType> {
    let given = input.schema().fields().get(at)?.data_type();
    (!given.is_null() && text_at(input, at).is_none()).then_some(given)
}

/// What the columns of all inputs become at a place; `None` where the engine may decide.
fn target(inputs: &[Arc<LogicalPlan>], at: usize) -> Option<Target> {
    let types: Vec<&DataType> = inputs
        .iter()
        .filter_map(|input| type_at(input, at))
        .collect();
    let (first, rest) = types.split_first()?;
    match kind_of(first) {
        Some(kind) => rest
            .iter()
            .try_fold(kind, |so_far, given| common(so_far, kind_of(given)?))
            .map(Target::Kind),
        None => rest
            .iter()
            .try_fold((*first).clone(), |so_far, given| {
                wider(so_far, (*given).clone())
            })
            .map(Target::Plain),
    }
}

/// What the column at a place says of its type, if it is a text to the engine and the inputs say different things of it.
fn type_of(inputs: &[Arc<LogicalPlan>], at: usize) -> Option<HashMap<String, String>> {
    let typed = inputs.iter().filter(|input| type_at(input, at).is_some());
    let fields: Vec<&FieldRef> = typed
        .filter_map(|input| input.schema().fields().get(at))
        .collect();
    let is_text = |field: &&FieldRef| field.data_type().is_string();
    if fields.is_empty() || !fields.iter().all(is_text) {
        return None;
    }
    let says = |field: &FieldRef| {
        let metadata = field.metadata();
        (metadata.get(TYPE).cloned(), metadata.get(MODIFIER).cloned())
    };
    let first = says(fields.first()?);
    let is_same = fields.iter().all(|field| says(field) == first);
    if is_same && (fields.len() == inputs.len() || first.1.is_none()) {
        return None;
    }
    let text = || HashMap::from([(TYPE.to_owned(), "text".to_owned())]);
    let mut said = common_type(fields.iter().map(|field| field.as_ref())).unwrap_or_else(text);
    // Texts in quotes have any length.
    if fields.len() < inputs.len() {
        said.remove(MODIFIER);
    }
    Some(said)
}

/// The column of an input as one that says this of itself.
fn named(input: &LogicalPlan, at: usize, said: &HashMap<String, String>) -> Option<Expr> {
    let (table, field) = input.schema().qualified_field(at);
    let column = Expr::Column(Column::new(table.cloned(), field.name()));
    let data_type = match field.data_type() {
        given if given.is_string() => given.clone(),
        given if given.is_null() => DataType::Utf8View,
        _ => return None,
    };
    let named = Field::new("", data_type, true).with_metadata(said.clone());
    let cast = Cast::new_from_field(Box::new(column), Arc::new(named));
    Some(Expr::Cast(cast))
}

impl Resolver<'_> {
    /// A column of an input as what it becomes; `None` if it is that already.
    fn column(&self, input: &LogicalPlan, at: usize, target: &Target) -> Result<Option<Expr>> {
        let text = text_at(input, at);
        match (target, text) {
            (Target::Kind(kind), Some(text)) => {
                let literal = Expr::Literal(ScalarValue::Utf8(Some(text.to_owned())), None);
                self.converted(&literal, *kind)
            }
            (Target::Kind(kind), None) => {
                let (table, field) = input.schema().qualified_field(at);
                let column = Expr::Column(Column::new(table.cloned(), field.name()));
                match field.data_type().is_null() {
                    true => Ok(None),
                    false => self.converted(&column, *kind),
                }
            }
            (Target::Plain(wanted), Some(text)) => read_literal(text, wanted),
            (Target::Plain(wanted), None) => {
                let (table, field) = input.schema().qualified_field(at);
                let column = Expr::Column(Column::new(table.cloned(), field.name()));
                Ok(self.number(&column, wanted))
            }
        }
    }
}

/// Has the recursive term of a query say of its columns what the other term says: the engine wants them the same.
pub(super) fn recursive(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::RecursiveQuery(query) = plan else {
        return Ok(Transformed::no(plan));
    };
    let wanted = query.static_term.schema().fields();
    let given = query.recursive_term.schema();
    let differs = |(wanted, given): (&FieldRef, &FieldRef)| wanted.metadata() != given.metadata();
    if !wanted.iter().zip(given.fields()).any(differs) {
        return Ok(Transformed::no(LogicalPlan::RecursiveQuery(query)));
    }
    let item = |(wanted, (table, field)): (&FieldRef, (Option<&TableReference>, &FieldRef))| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        if wanted.metadata() == field.metadata() {
            return column;
        }
        // With a name it says exactly what is to be said, also if that is nothing.
        let said = Field::new(wanted.name(), field.data_type().clone(), true)
            .with_metadata(wanted.metadata().clone());
        let cast = Cast::new_from_field(Box::new(column), Arc::new(said));
        Expr::Cast(cast).alias_qualified(table.cloned(), field.name())
    };
    let items: Vec<Expr> = wanted.iter().zip(given.iter()).map(item).collect();
    let term = LogicalPlanBuilder::from(query.recursive_term.as_ref().clone()).project(items)?;
    Ok(Transformed::yes(LogicalPlan::RecursiveQuery(
        RecursiveQuery {
            recursive_term: Arc::new(term.build()?),
            ..query
        },
    )))
}

impl ResolveTypes {
    /// Makes the columns of a UNION's inputs alike.
    pub(super) fn union(&self, plan: LogicalPlan, zone: &Zone) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Union(union) = plan else {
            return Ok(Transformed::no(plan));
        };
        let columns = union.schema.fields().len();
        let targets: Vec<Option<Target>> =
            (0..columns).map(|at| target(&union.inputs, at)).collect();
        let said: Vec<_> = (0..columns).map(|at| type_of(&union.inputs, at)).collect();
        let mut inputs = Vec::with_capacity(union.inputs.len());
        let mut changed = false;
        for input in &union.inputs {
            let resolver = Resolver {
                functions: &self.functions,
                schema: input.schema(),
                zone,
            };
            let mut written = false;
            let mut items = Vec::with_capacity(columns);
            for (at, target) in targets.iter().enumerate() {
                let (table, field) = input.schema().qualified_field(at);
                let other = match (said.get(at).and_then(Option::as_ref), target) {
                    (Some(said), _) => named(input, at, said),
                    (None, Some(target)) => resolver.column(input, at, target)?,
                    (None, None) => None,
                };
                written |= other.is_some();
                items.push(match other {
                    Some(other) => other.alias_qualified(table.cloned(), field.name()),
                    None => Expr::Column(Column::new(table.cloned(), field.name())),
                });
            }
            inputs.push(match written {
                true => {
                    let plan = LogicalPlanBuilder::from(input.as_ref().clone()).project(items)?;
                    Arc::new(plan.build()?)
                }
                false => Arc::clone(input),
            });
            changed |= written;
        }
        // An input may have become another type itself.
        if let Some(first) = inputs.first() {
            let types = |schema: &DFSchema| -> Vec<DataType> {
                let fields = schema.fields().iter();
                fields.map(|field| field.data_type().clone()).collect()
            };
            let has_numerics = first
                .schema()
                .fields()
                .iter()
                .any(|f| is_numeric(f.data_type()));
            changed |= has_numerics && types(first.schema()) != types(&union.schema);
        }
        if !changed {
            return Ok(Transformed::no(LogicalPlan::Union(union)));
        }
        let union = Union::try_new_with_loose_types(inputs)?;
        Ok(Transformed::yes(LogicalPlan::Union(union)))
    }
}
