//! The keys of windows. They are computed below the window, as columns: the engine finds no order by some that it would
//! have to compute itself (a function compared with a constant), and refuses the plan.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Window};

/// The keys of a window's functions that are no columns yet, and their names.
#[derive(Default)]
struct Keys {
    computed: Vec<Expr>,
}

impl Keys {
    /// The column that an expression becomes.
    fn column(&mut self, expr: &mut Expr) {
        if matches!(expr, Expr::Column(_) | Expr::Literal(..)) || expr.is_volatile() {
            return;
        }
        let known = self.computed.iter().position(|computed| computed == expr);
        let at = known.unwrap_or_else(|| {
            self.computed.push(expr.clone());
            self.computed.len() - 1
        });
        *expr = Expr::Column(Column::from_name(name(at)));
    }

    fn of(&mut self, function: &mut WindowFunction) {
        for expr in &mut function.params.partition_by {
            self.column(expr);
        }
        for sort in &mut function.params.order_by {
            self.column(&mut sort.expr);
        }
    }
}

fn name(at: usize) -> String {
    format!("window key {at}")
}

/// A window whose keys are columns.
pub(super) fn with_columns(window: Window) -> Result<Transformed<LogicalPlan>> {
    let mut keys = Keys::default();
    let plan = LogicalPlan::Window(window.clone());
    let names = NamePreserver::new(&plan);
    let functions = window.window_expr.iter().map(|expr| {
        let saved = names.save(expr);
        let mut expr = expr.clone();
        match &mut expr {
            Expr::WindowFunction(function) => keys.of(function),
            Expr::Alias(alias) => {
                if let Expr::WindowFunction(function) = alias.expr.as_mut() {
                    keys.of(function);
                }
            }
            _ => {}
        }
        saved.restore(expr)
    });
    let functions: Vec<Expr> = functions.collect();
    if keys.computed.is_empty() {
        return Ok(Transformed::no(plan));
    }
    let input = window
        .input
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column);
    let computed = (0..)
        .zip(keys.computed)
        .map(|(at, key)| key.alias(name(at)));
    let shown = window.schema.columns().into_iter().map(Expr::Column);
    let plan = LogicalPlanBuilder::from(Arc::clone(&window.input))
        .project(input.chain(computed))?
        .window(functions)?
        .project(shown)?
        .build()?;
    Ok(Transformed::yes(plan))
}
