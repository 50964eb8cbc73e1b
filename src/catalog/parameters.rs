//! What types a statement's parameters have.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::datatype::DataTypeExt;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan};

use super::column::TYPE;
use super::error::CatalogError;
use super::functions::argument_type;
use super::resolve::ALIKE;

/// The parameter and the value of `value = ANY(parameter)`, when nothing says what the parameter is an array of.
fn any_of(expr: &Expr) -> Option<(&Placeholder, &Expr)> {
    match expr {
        Expr::ScalarFunction(call) if call.func.name() == "array_has" => match call.args.as_slice()
        {
            [Expr::Placeholder(parameter), element] if parameter.field.is_none() => {
                Some((parameter, element))
            }
            _ => None,
        },
        _ => None,
    }
}

/// What the place of a parameter says of it: the type that it is cast to, that a function takes there, or that other
/// places have given it.
fn place_of<'a>(expr: &'a Expr, schema: &DFSchema) -> Vec<(&'a Placeholder, FieldRef)> {
    match expr {
        Expr::Placeholder(parameter) => match &parameter.field {
            Some(field) => vec![(parameter, Arc::clone(field))],
            None => Vec::new(),
        },
        Expr::Not(operand) => match operand.as_ref() {
            Expr::Placeholder(parameter) => {
                vec![(parameter, DataType::Boolean.into_nullable_field_ref())]
            }
            _ => Vec::new(),
        },
        Expr::ScalarFunction(call) if ALIKE.contains(&call.func.name()) => {
            let typed = call.args.iter().find_map(|argument| {
                let is_open = matches!(
                    argument,
                    Expr::Placeholder(_) | Expr::Literal(ScalarValue::Utf8(_), _)
                );
                let (_, field) = argument.to_field(schema).ok().filter(|_| !is_open)?;
                (!field.data_type().is_null()).then_some(field)
            });
            let open = call.args.iter().filter_map(|argument| match argument {
                Expr::Placeholder(parameter) if parameter.field.is_none() => Some(parameter),
                _ => None,
            });
            let typed = |parameter| Some((parameter, typed.clone()?));
            open.filter_map(typed).collect()
        }
        Expr::Cast(Cast { expr: value, field }) => match value.as_ref() {
            Expr::Placeholder(parameter) => vec![(parameter, Arc::clone(field))],
            _ => Vec::new(),
        },
        Expr::ScalarFunction(call) => {
            let arguments = call.args.iter().enumerate();
            let taken = arguments.filter_map(|(place, argument)| match argument {
                Expr::Placeholder(parameter) => {
                    let taken = argument_type(&call.func, place, call.args.len())?;
                    Some((parameter, taken.into_nullable_field_ref()))
                }
                _ => None,
            });
            taken.collect()
        }
        _ => Vec::new(),
    }
}

/// The types of the parameters by position: what the plan wants, else what the client declared, else text. The plan
/// comes back with the types of those in it that it wants nothing of.
pub(super) fn settle(
    plan: LogicalPlan,
    declared: Vec<Option<FieldRef>>,
) -> Result<(LogicalPlan, Vec<FieldRef>)> {
    let plan = agreed(plan)?;
    let mut wanted: HashMap<String, Option<FieldRef>> = plan.get_parameter_fields()?;
    let mut placed: HashMap<String, FieldRef> = HashMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for bound in [&limit.skip, &limit.fetch].into_iter().flatten() {
                if let Expr::Placeholder(parameter) = bound.as_ref() {
                    let whole = DataType::Int64.into_nullable_field_ref();
                    wanted.insert(parameter.id.clone(), Some(whole));
                }
            }
        }
        let schema = merge_schema(&node.inputs());
        if let LogicalPlan::Filter(filter) = node
            && let Expr::Placeholder(parameter) = &filter.predicate
        {
            let truth = DataType::Boolean.into_nullable_field_ref();
            placed.entry(parameter.id.clone()).or_insert(truth);
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Some((parameter, element)) = any_of(expr)
                    && let Ok(element) = element.get_type(&schema)
                {
                    let list = DataType::List(Arc::new(Field::new_list_field(element, true)));
                    let list = list.into_nullable_field_ref();
                    wanted.insert(parameter.id.clone(), Some(list));
                }
                for (parameter, field) in place_of(expr, &schema) {
                    placed.entry(parameter.id.clone()).or_insert(field);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    let number = |name: &str| name.strip_prefix('$')?.parse::<usize>().ok();
    let possible = |name: &&String| match name.strip_prefix('$').map(str::parse::<u16>) {
        Some(Ok(number)) => number > 0,
        // Named parameters are the program's own.
        _ => name.contains(|c: char| c.is_ascii_alphabetic()),
    };
    if let Some(name) = wanted.keys().find(|name| !possible(name)) {
        return Err(CatalogError::NoParameter(name.clone()).into());
    }
    let highest = wanted.keys().filter_map(|name| number(name)).max();
    let len = declared.len().max(highest.unwrap_or(0));
    let text = DataType::Utf8.into_nullable_field_ref();
    let mut open = HashMap::new();
    let mut of = |position: usize| {
        let name = format!("${}", position + 1);
        if let Some(field) = wanted.get(&name).cloned().flatten() {
            return field;
        }
        let declared = declared.get(position).cloned().flatten();
        let Some(field) = declared.or_else(|| placed.get(&name).cloned()) else {
            return Arc::clone(&text);
        };
        if wanted.contains_key(&name) {
            open.insert(name, Arc::clone(&field));
        }
        field
    };
    let fields = (0..len).map(&mut of).collect();
    Ok((fill(plan, &open, false)?, fields))
}

/// The plan with one type for each parameter that stands in several places. The engine refuses a parameter that is
/// compared with columns of two types, or even of two descriptions, and forgets its type where a later place says
/// nothing (`id = $1 OR $1 IS NULL`); in PostgreSQL the first place that says something holds for all.
fn agreed(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut first: HashMap<String, FieldRef> = HashMap::new();
    let mut is_untyped: HashMap<String, bool> = HashMap::new();
    let mut differ = false;
    let is_same = |one: &Field, other: &Field| {
        one.data_type() == other.data_type() && one.metadata() == other.metadata()
    };
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Placeholder(Placeholder { id, field }) = expr {
                    let untyped = is_untyped.entry(id.clone()).or_default();
                    *untyped |= field.is_none();
                    differ |= match (first.get(id), field) {
                        (Some(_), None) => true,
                        (Some(known), Some(field)) => !is_same(known, field),
                        (None, Some(field)) => {
                            first.insert(id.clone(), Arc::clone(field));
                            *untyped
                        }
                        (None, None) => false,
                    };
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    if !differ {
        return Ok(plan);
    }
    first.values_mut().for_each(|field| *field = bare(field));
    fill(plan, &first, true)
}

/// What a column says of the type of its values, and nothing else of it.
fn bare(field: &Field) -> FieldRef {
    let named = field.metadata().get_key_value(TYPE);
    let named = named.map(|(key, name)| (key.clone(), name.clone()));
    let bare = Field::new("", field.data_type().clone(), true);
    Arc::new(bare.with_metadata(named.into_iter().collect()))
}

/// The plan with these types for parameters that have none, or for all.
fn fill(
    plan: LogicalPlan,
    open: &HashMap<String, FieldRef>,
    replaces: bool,
) -> Result<LogicalPlan> {
    if open.is_empty() {
        return Ok(plan);
    }
    let typed = |expr: Expr| {
        expr.transform_up(|expr| match expr {
            Expr::Placeholder(Placeholder { id, field })
                if field.is_none() || (replaces && open.contains_key(&id)) =>
            {
                let field = open.get(&id).cloned();
                Ok(Transformed::yes(Expr::Placeholder(
                    Placeholder::new_with_field(id, field),
                )))
            }
            other => Ok(Transformed::no(other)),
        })
    };
    let plan = plan.transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            Ok(typed(expr)?.update_data(|expr| name.restore(expr)))
        })?;
        node.map_data(LogicalPlan::recompute_schema)
    })?;
    Ok(plan.data)
}
