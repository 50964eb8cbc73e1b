//! Functions that act: `kill_session`, `pg_terminate_backend`, `pg_cancel_backend`.
//!
//! The engine may evaluate a function for rows that are not in the result: in a filter, below a sort, while planning.
//! So a function that acts is never given to the engine. It may stand only by itself as an item of the top-level
//! SELECT list; there it is replaced by its arguments, and carried out on the rows that come out of the finished
//! plan, one row at a time as they are asked for.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::sqlparser::ast;
use futures::StreamExt;
use tokio::time::{Duration, sleep};

use super::error::CatalogError;
use super::statement::Statement;
use crate::session::{KillReason, Session, SessionId};

/// What is done to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `kill_session(id [, ttl_s])`: ends it, now or after so many seconds.
    Kill,
    /// `pg_terminate_backend(id)`: the same under PostgreSQL's name.
    Terminate,
    /// `pg_cancel_backend(id)`: ends the statement that it runs.
    Cancel,
}

impl Action {
    const ALL: [Self; 3] = [Self::Kill, Self::Terminate, Self::Cancel];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill_session",
            Self::Terminate => "pg_terminate_backend",
            Self::Cancel => "pg_cancel_backend",
        }
    }

    fn arguments_max(self) -> usize {
        match self {
            Self::Kill => 2,
            // PostgreSQL's own has an optional timeout in milliseconds to wait for the end.
            Self::Terminate => 2,
            Self::Cancel => 1,
        }
    }

    /// The action that a function name stands for, schema-qualified or not.
    fn named(name: &ast::ObjectName) -> Option<Self> {
        let last = name.0.last()?.as_ident()?;
        let is = |action: &Self| match last.quote_style {
            Some(_) => last.value == action.name(),
            None => last.value.eq_ignore_ascii_case(action.name()),
        };
        Self::ALL.into_iter().find(is)
    }
}

/// An action of a statement.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub action: Action,
    /// The name of the column that carries its arguments through the plan.
    argument: String,
    /// The name of its result column.
    name: String,
}

/// Takes the actions out of a query and leaves their arguments in their places.
pub(super) fn extract(query: &mut ast::Query) -> Result<Vec<Item>, CatalogError> {
    let mut items = Vec::new();
    if let ast::SetExpr::Select(select) = query.body.as_mut() {
        let mut ordinals = Vec::new();
        for (position, item) in select.projection.iter_mut().enumerate() {
            if let Some(found) = extract_item(item, items.len())? {
                ordinals.push(position + 1);
                items.push(found);
            }
        }
        if let Some(first) = items.first()
            && select.distinct.is_some()
        {
            return Err(CatalogError::ActionDistinct(first.action.name()));
        }
        check_order(query, &items, &ordinals)?;
    }
    match find(query) {
        Some(action) => Err(CatalogError::ActionPlacement(action.name())),
        None => Ok(items),
    }
}

fn extract_item(item: &mut ast::SelectItem, number: usize) -> Result<Option<Item>, CatalogError> {
    let (expr, alias) = match item {
        ast::SelectItem::UnnamedExpr(expr) => (expr, None),
        ast::SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.clone())),
        _ => return Ok(None),
    };
    let ast::Expr::Function(function) = expr else {
        return Ok(None);
    };
    let Some(action) = Action::named(&function.name) else {
        return Ok(None);
    };
    let arguments = arguments(action, function)?;
    let argument = format!("arguments of {} {}", action.name(), number + 1);
    let name = match alias {
        Some(alias) if alias.quote_style.is_none() => alias.value.to_lowercase(),
        Some(alias) => alias.value,
        None => action.name().to_owned(),
    };
    *item = ast::SelectItem::ExprWithAlias {
        expr: ast::Expr::Array(ast::Array {
            elem: arguments,
            named: true,
        }),
        alias: ast::Ident::with_quote('"', &argument),
    };
    Ok(Some(Item {
        action,
        argument,
        name,
    }))
}

/// The arguments as `bigint`s.
fn arguments(action: Action, function: &ast::Function) -> Result<Vec<ast::Expr>, CatalogError> {
    let plain = function.over.is_none() && function.filter.is_none();
    let wrong = || CatalogError::ActionArguments(function.to_string());
    let ast::FunctionArguments::List(list) = &function.args else {
        return Err(wrong());
    };
    if !plain || list.args.is_empty() || list.args.len() > action.arguments_max() {
        return Err(wrong());
    }
    let bigint = |argument: &ast::FunctionArg| match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Ok(ast::Expr::Cast {
            kind: ast::CastKind::Cast,
            expr: Box::new(expr.clone()),
            data_type: ast::DataType::BigInt(None),
            array: false,
            format: None,
        }),
        _ => Err(wrong()),
    };
    list.args.iter().map(bigint).collect()
}

fn check_order(query: &ast::Query, items: &[Item], ordinals: &[usize]) -> Result<(), CatalogError> {
    let Some(ast::OrderBy {
        kind: ast::OrderByKind::Expressions(order),
        ..
    }) = &query.order_by
    else {
        return Ok(());
    };
    for by in order {
        let uses = |(item, ordinal): &(&Item, &usize)| match &by.expr {
            ast::Expr::Identifier(name) => name.value.eq_ignore_ascii_case(&item.name),
            ast::Expr::Value(value) => {
                matches!(&value.value, ast::Value::Number(n, _) if *n == ordinal.to_string())
            }
            _ => false,
        };
        if let Some((item, _)) = items.iter().zip(ordinals).find(uses) {
            return Err(CatalogError::ActionOrder(item.action.name()));
        }
    }
    Ok(())
}

/// An action anywhere in the query.
fn find(query: &ast::Query) -> Option<Action> {
    let found = ast::visit_expressions(query, |expr| match expr {
        ast::Expr::Function(function) => match Action::named(&function.name) {
            Some(action) => ControlFlow::Break(action),
            None => ControlFlow::Continue(()),
        },
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Break(action) => Some(action),
        ControlFlow::Continue(()) => None,
    }
}

/// The schema of the result, with each action's outcome where its arguments stand.
pub(super) fn result_schema(schema: &SchemaRef, items: &[Item]) -> SchemaRef {
    if items.is_empty() {
        return Arc::clone(schema);
    }
    let outcome = |field: &Arc<Field>| match items.iter().find(|i| i.argument == *field.name()) {
        Some(item) => Arc::new(Field::new(&item.name, DataType::Boolean, true)),
        None => Arc::clone(field),
    };
    let fields: Vec<_> = schema.fields().iter().map(outcome).collect();
    Arc::new(Schema::new(fields))
}

/// Carries out the actions on the rows of the stream, each when it is wanted.
pub(super) fn act(
    input: SendableRecordBatchStream,
    items: Vec<Item>,
    statement: Arc<Statement>,
) -> SendableRecordBatchStream {
    let schema = result_schema(&input.schema(), &items);
    let columns: Vec<Option<Action>> = input
        .schema()
        .fields()
        .iter()
        .map(|field| {
            let item = items.iter().find(|item| item.argument == *field.name());
            item.map(|item| item.action)
        })
        .collect();
    let rows = input.flat_map(|batch| {
        let rows = match batch {
            Ok(batch) => (0..batch.num_rows())
                .map(|row| Ok(batch.slice(row, 1)))
                .collect(),
            Err(error) => vec![Err(error)],
        };
        futures::stream::iter(rows)
    });
    let output = Arc::clone(&schema);
    let acted = rows.then(move |row| {
        let statement = Arc::clone(&statement);
        let (columns, schema) = (columns.clone(), Arc::clone(&output));
        async move {
            let row = row?;
            statement.wanted().await?;
            act_on_row(&row, &columns, schema, &statement)
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, acted))
}

fn act_on_row(
    row: &RecordBatch,
    columns: &[Option<Action>],
    schema: SchemaRef,
    statement: &Statement,
) -> Result<RecordBatch> {
    let column = |(column, action): (&ArrayRef, &Option<Action>)| match action {
        Some(action) => {
            let outcome = carry_out(*action, column, statement);
            Arc::new(BooleanArray::from(vec![outcome])) as ArrayRef
        }
        None => Arc::clone(column),
    };
    let columns = row.columns().iter().zip(columns).map(column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// Does it; NULL for a NULL argument, false when there is nothing to do it to.
fn carry_out(action: Action, arguments: &ArrayRef, statement: &Statement) -> Option<bool> {
    let list = arguments.as_list::<i32>().value(0);
    if list.is_empty() || list.null_count() > 0 {
        return None;
    }
    let values = list.as_primitive::<Int64Type>().values();
    let session = SessionId::new(values[0]).and_then(|id| statement.lookup(id));
    let Some((session, _)) = session else {
        return Some(false);
    };
    Some(match (action, values.get(1)) {
        (Action::Cancel, _) => session.cancel_statement(),
        (Action::Kill, Some(ttl_s)) if *ttl_s > 0 => {
            kill_after(session, Duration::from_secs(ttl_s.unsigned_abs()))
        }
        (Action::Kill | Action::Terminate, _) => statement.kill(&session),
    })
}

/// Ends a session after a time; the timer ends with the session.
fn kill_after(session: Arc<Session>, ttl: Duration) -> bool {
    if session.is_ended() || session.kill_reason().is_some() {
        return false;
    }
    tokio::spawn(async move {
        tokio::select! {
            () = session.ending() => {}
            () = sleep(ttl) => {
                session.kill(KillReason::Administrator);
            }
        }
    });
    true
}
