//! What types a statement's parameters have.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use super::error::CatalogError;

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

/// The types of the parameters by position: what the plan wants, else what the client declared, else text.
pub(super) fn types(plan: &LogicalPlan, declared: Vec<Option<DataType>>) -> Result<Vec<DataType>> {
    let mut wanted: HashMap<String, Option<DataType>> = plan.get_parameter_types()?;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for bound in [&limit.skip, &limit.fetch].into_iter().flatten() {
                if let Expr::Placeholder(parameter) = bound.as_ref() {
                    wanted.insert(parameter.id.clone(), Some(DataType::Int64));
                }
            }
        }
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Some((parameter, element)) = any_of(expr)
                    && let Ok(element) = element.get_type(&schema)
                {
                    let list = DataType::List(Arc::new(Field::new_list_field(element, true)));
                    wanted.insert(parameter.id.clone(), Some(list));
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
    let of = |position: usize| {
        let wanted = wanted.get(&format!("${}", position + 1)).cloned().flatten();
        let declared = declared.get(position).cloned().flatten();
        wanted.or(declared).unwrap_or(DataType::Utf8)
    };
    Ok((0..len).map(of).collect())
}
