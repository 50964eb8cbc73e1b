//! From a statement's syntax tree to the engine's plan: what the engine needs to be told otherwise.

use std::ops::ControlFlow;

use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast;

use super::{apart, error, operators, whole_rows};

/// Most tables of a statement whose rows stand for values.
const WHOLE_ROWS_MAX: usize = 4;

/// Plans a statement. A function that there is not is named with the types of its arguments, which are not known before
/// everything around it is planned: so there is one by its name, that refuses to be called. A column that there is not
/// may be the row of a table.
pub(super) async fn plan_or_name(
    mut state: SessionState,
    mut statement: ast::Statement,
) -> Result<LogicalPlan> {
    let engine = |statement| EngineStatement::Statement(Box::new(statement));
    let mut rows_left = WHOLE_ROWS_MAX;
    let refused = loop {
        let refused = match state.statement_to_plan(engine(statement.clone())).await {
            Ok(plan) => return Ok(plan),
            Err(refused) => refused,
        };
        let Some(name) = error::missing_column(&refused).filter(|_| rows_left > 0) else {
            break refused;
        };
        let name = name.to_owned();
        if !whole_rows::write_out(&state, &mut statement, &name).await {
            break refused;
        }
        rows_left -= 1;
    };
    if apart::has_one_name(&refused) {
        apart::tell_apart(&mut statement);
        let told = state.statement_to_plan(engine(statement)).await;
        return told.map_err(|_| refused);
    }
    let Some(name) = operators::unknown_function(&refused) else {
        return Err(refused);
    };
    state.register_udf(operators::missing(&name))?;
    match state.statement_to_plan(engine(statement)).await {
        Ok(_) => Err(refused),
        Err(named) => Err(named),
    }
}

/// Gives each subquery in FROM a name. Without one the engine takes columns of nested ones for the same. Two subqueries
/// whose rows are set out by `unnest` have one name to it, too: each gets a condition of its own around it.
#[derive(Default)]
pub(super) struct NameSubqueries(usize);

impl ast::VisitorMut for NameSubqueries {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<()> {
        if let ast::TableFactor::Derived { alias, .. } = factor
            && alias.is_none()
        {
            self.0 += 1;
            *alias = Some(ast::TableAlias {
                explicit: true,
                name: ast::Ident::with_quote('"', format!("subquery {}", self.0)),
                columns: Vec::new(),
                at: None,
            });
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        let ast::Expr::Function(function) = expr else {
            return ControlFlow::Continue(());
        };
        let ast::FunctionArguments::List(list) = &mut function.args else {
            return ControlFlow::Continue(());
        };
        if !function.name.to_string().eq_ignore_ascii_case("unnest") {
            return ControlFlow::Continue(());
        }
        for argument in &mut list.args {
            if let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument)) = argument
                && matches!(argument, ast::Expr::Subquery(_))
            {
                self.0 += 1;
                let number = ast::Value::SingleQuotedString(self.0.to_string());
                let number = || Box::new(ast::Expr::Value(number.clone().into()));
                let subquery = std::mem::replace(argument, *number());
                *argument = ast::Expr::Case {
                    case_token: ast::helpers::attached_token::AttachedToken::empty(),
                    end_token: ast::helpers::attached_token::AttachedToken::empty(),
                    operand: None,
                    conditions: vec![ast::CaseWhen {
                        condition: ast::Expr::BinaryOp {
                            left: number(),
                            op: ast::BinaryOperator::Eq,
                            right: number(),
                        },
                        result: subquery,
                    }],
                    else_result: None,
                };
            }
        }
        ControlFlow::Continue(())
    }
}
