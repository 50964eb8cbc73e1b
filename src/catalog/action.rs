//! Functions that act: `kill_session`, `pg_terminate_backend`, `pg_cancel_backend`, `set_server_state`.
//!
//! The engine may evaluate a function for rows that are not in the result: in a filter, below a sort, while planning.
//! So a function that acts is never given to the engine. It may stand only by itself as an item of the top-level
//! SELECT list; there it is replaced by its arguments, and carried out on the rows that come out of the finished
//! plan, one row at a time as they are asked for.

use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::sqlparser::ast;
use futures::StreamExt;

use super::error::CatalogError;
use super::statement::Statement;
use crate::session::SessionId;

/// What is done to a session or a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `kill_session(id [, ttl_s])`: ends it, now or after so many seconds.
    Kill,
    /// `pg_terminate_backend(id)`: the same under PostgreSQL's name.
    Terminate,
    /// `pg_cancel_backend(id)`: ends the statement that it runs.
    Cancel,
    /// `set_server_state(server, state)`: `maintenance` keeps new sessions away from it, `running` ends that. Whether it
    /// is up is its monitor's to say.
    SetServerState,
}

impl Action {
    const ALL: [Self; 4] = [
        Self::Kill,
        Self::Terminate,
        Self::Cancel,
        Self::SetServerState,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill_session",
            Self::Terminate => "pg_terminate_backend",
            Self::Cancel => "pg_cancel_backend",
            Self::SetServerState => "set_server_state",
        }
    }

    /// How many arguments it takes.
    fn arity(self) -> RangeInclusive<usize> {
        match self {
            Self::Kill => 1..=2,
            // PostgreSQL's own has an optional timeout in milliseconds to wait for the end.
            Self::Terminate => 1..=2,
            Self::Cancel => 1..=1,
            Self::SetServerState => 2..=2,
        }
    }

    /// The type that all of its arguments are of.
    fn argument_type(self) -> ast::DataType {
        match self {
            Self::Kill | Self::Terminate | Self::Cancel => ast::DataType::BigInt(None),
            Self::SetServerState => ast::DataType::Text,
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

/// The arguments, each as the type that the action takes.
fn arguments(action: Action, function: &ast::Function) -> Result<Vec<ast::Expr>, CatalogError> {
    let plain = function.over.is_none() && function.filter.is_none();
    let wrong = || CatalogError::ActionArguments(function.to_string());
    let ast::FunctionArguments::List(list) = &function.args else {
        return Err(wrong());
    };
    if !plain || !action.arity().contains(&list.args.len()) {
        return Err(wrong());
    }
    let typed = |argument: &ast::FunctionArg| match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Ok(ast::Expr::Cast {
            kind: ast::CastKind::Cast,
            expr: Box::new(expr.clone()),
            data_type: action.argument_type(),
            array: false,
            format: None,
        }),
        _ => Err(wrong()),
    };
    list.args.iter().map(typed).collect()
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
            let outcome = carry_out(*action, column, statement)?;
            Ok(Arc::new(BooleanArray::from(vec![outcome])) as ArrayRef)
        }
        None => Ok(Arc::clone(column)),
    };
    let columns = row.columns().iter().zip(columns).map(column);
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// Does it; NULL for a NULL argument, false when there is nothing to do.
fn carry_out(action: Action, arguments: &ArrayRef, statement: &Statement) -> Result<Option<bool>> {
    let arguments = arguments.as_list::<i32>().value(0);
    if arguments.is_empty() || arguments.null_count() > 0 {
        return Ok(None);
    }
    if action == Action::SetServerState {
        let texts = cast(&arguments, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        let changed = set_server_state(texts.value(0), texts.value(1), statement)?;
        return Ok(Some(changed));
    }
    let values = arguments.as_primitive::<Int64Type>().values();
    Ok(Some(end(
        action,
        values[0],
        values.get(1).copied(),
        statement,
    )))
}

/// Ends a session, or what it runs.
fn end(action: Action, id: i64, ttl_s: Option<i64>, statement: &Statement) -> bool {
    let session = SessionId::new(id).and_then(|id| statement.lookup(id));
    let Some((session, _)) = session else {
        return false;
    };
    if action == Action::Cancel {
        return session.cancel_statement();
    }
    let ttl = match (action, ttl_s) {
        (Action::Kill, Some(ttl_s @ 1..)) => Some(Duration::from_secs(ttl_s.unsigned_abs())),
        _ => None,
    };
    let user = statement.user();
    tracing::info!(session = %session.id(), user, ?ttl, "an administrator closes a session");
    match ttl {
        Some(ttl) => session.kill_after(ttl),
        None => statement.kill(&session),
    }
}

/// Puts a server into maintenance, or back; false when it is so already.
fn set_server_state(name: &str, state: &str, statement: &Statement) -> Result<bool, CatalogError> {
    let servers = &statement.topology().servers;
    let Some(server) = servers.iter().find(|server| *server.name == *name) else {
        return Err(CatalogError::NoServer(name.to_owned()));
    };
    let changed = match state.to_ascii_lowercase().as_str() {
        "maintenance" => server.set_maintenance(true),
        "running" => server.set_maintenance(false),
        _ => return Err(CatalogError::ServerState(state.to_owned())),
    };
    if changed {
        let user = statement.user();
        tracing::info!(server = %server.name, user, state, "an administrator sets a server's state");
    }
    Ok(changed)
}
