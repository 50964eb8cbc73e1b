//! The FROM clause: functions that make rows, with the columns that PostgreSQL gives them.

use std::ops::ControlFlow;

use super::arrays::{self, hidden};
use super::build::{alias, call, derived, folded, number, parts, quoted, select};
use super::empty::{empty, without_rows};
use super::functions::{TableFunction, is_set_returning, plain, typed_rows, unqualify};
use super::{records, unsupported};
use crate::sql::parse::words::ROWS_FROM;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName,
    SelectItem, TableAlias, TableFactor, TableFunctionArgs, UnaryOperator, Value,
    visit_expressions,
};

/// Rewrites a function in FROM, before its arguments are.
pub(super) fn rewrite(factor: &mut TableFactor) -> ControlFlow<SqlError> {
    let Some((mut function, old, ordinality)) = function_of(factor)? else {
        return ControlFlow::Continue(());
    };
    let beside = match function.name.as_str() {
        ROWS_FROM => side_by_side(&mut function)?,
        _ => Vec::new(),
    };
    if let Some(relation) = relation_of(&function.name) {
        *factor = table(
            relation,
            old.unwrap_or_else(|| alias(quoted(function.name), Vec::new())),
        );
        return ControlFlow::Continue(());
    }
    if let Some(columns) = empty(&function.name) {
        *factor = without_rows(&function.name, columns, old, ordinality);
        return ControlFlow::Continue(());
    }
    if let Some(records) = records::defined(&function, old.as_ref())? {
        *factor = records;
        return ControlFlow::Continue(());
    }
    let known = is_set_returning(&function.name);
    let table = match (&old, beside.first()) {
        (Some(alias), _) => alias.name.clone(),
        (None, Some(first)) => first.clone(),
        (None, None) => quoted(function.name.clone()),
    };
    let named: Vec<Ident> = match &old {
        Some(alias) => alias
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect(),
        None => Vec::new(),
    };
    let depends = function.arguments.iter().any(reads_columns);
    let lists = match function.name.as_str() {
        "unnest" => function.arguments.len(),
        _ => 1,
    };
    if !known {
        *factor = scalar(&function, table, named, depends, ordinality);
        return ControlFlow::Continue(());
    }
    // The engine streams the rows between whole numbers that are known now.
    if function.name == "generate_series"
        && !ordinality
        && let Some(bounds) = function
            .arguments
            .iter()
            .map(bound)
            .collect::<Option<Vec<i64>>>()
    {
        let is_cast = |argument: &Expr| matches!(argument, Expr::Cast { .. });
        let is_narrow = bounds.iter().all(|bound| i32::try_from(*bound).is_ok())
            && !function.arguments.iter().any(is_cast);
        set_arguments(factor, bounds);
        let columns = if named.is_empty() {
            vec![table.clone()]
        } else {
            named
        };
        // The second look at it is after the rewriting below.
        if table == hidden("numbers") || !is_narrow {
            set_alias(factor, alias(table, columns));
            return ControlFlow::Continue(());
        }
        // The engine's are bigints.
        let number = hidden("number");
        set_alias(factor, alias(hidden("numbers"), vec![number.clone()]));
        let item = SelectItem::ExprWithAlias {
            expr: super::build::cast(Expr::Identifier(number), DataType::Int(None)),
            alias: hidden("integer"),
        };
        *factor = derived(
            false,
            select(vec![item], Some(factor.clone()), None),
            alias(table, columns),
        );
        return ControlFlow::Continue(());
    }
    if let Some(fields) = fields_of(&function.name) {
        *factor = composite(&function, fields, old, ordinality);
        return ControlFlow::Continue(());
    }
    let mut columns = Vec::new();
    let mut items = Vec::new();
    for at in 0..lists {
        let Some(list) = function.list(at) else {
            return ControlFlow::Continue(());
        };
        let name = match (named.get(at), lists) {
            (Some(name), _) => name.clone(),
            (None, _) if has_values(&function.name) => quoted(VALUE),
            // A function of one column lends it its alias.
            (None, 1) => table.clone(),
            (None, _) => beside.get(at).cloned().unwrap_or_else(|| quoted("unnest")),
        };
        let inner = hidden(&format!("{}{}", folded(&name), at));
        items.push(SelectItem::ExprWithAlias {
            expr: typed_rows(&function.name, call("unnest", vec![list])),
            alias: inner,
        });
        columns.push(name);
    }
    if ordinality {
        let longest: Vec<Expr> = (0..lists)
            .filter_map(|at| function.list(at))
            .map(|list| call("cardinality", vec![list]))
            .collect();
        let length = match longest.len() {
            1 => longest.into_iter().next().unwrap_or_else(|| number(0)),
            _ => call("greatest", longest),
        };
        let first = super::build::cast(number(1), DataType::BigInt(None));
        items.push(SelectItem::ExprWithAlias {
            expr: call(
                "unnest",
                vec![call(super::functions::SERIES, vec![first, length])],
            ),
            alias: hidden("ordinality"),
        });
        columns.push(
            named
                .get(lists)
                .cloned()
                .unwrap_or_else(|| quoted("ordinality")),
        );
    }
    *factor = derived(depends, select(items, None, None), alias(table, columns));
    ControlFlow::Continue(())
}

/// Makes one `unnest` of the functions of ROWS FROM, with the names of its columns.
///
/// # Errors
/// 42601 for what is no function, 0A000 for one whose rows have several columns.
fn side_by_side(rows_from: &mut TableFunction) -> ControlFlow<SqlError, Vec<Ident>> {
    let (mut lists, mut names) = (Vec::new(), Vec::new());
    for argument in &rows_from.arguments {
        let called = match argument {
            Expr::Function(function) => {
                let mut name = function.name.clone();
                unqualify(&mut name);
                let arguments = super::build::arguments(function);
                let arguments = arguments.map(|list| list.into_iter().cloned().collect());
                parts(&name).zip(arguments)
            }
            _ => None,
        };
        let Some(((None, name), arguments)) = called else {
            let message = format!("{argument} cannot stand in ROWS FROM");
            return ControlFlow::Break(SqlError::new("42601", message));
        };
        let function = TableFunction { name, arguments };
        if fields_of(&function.name).is_some() || empty(&function.name).is_some() {
            return unsupported(&format!("ROWS FROM with {}", function.name));
        }
        let one = || {
            vec![arrays::array(vec![call(
                &function.name,
                function.arguments.clone(),
            )])]
        };
        let found = match (function.name.as_str(), is_set_returning(&function.name)) {
            ("unnest", _) => function.arguments.clone(),
            (_, true) => function.list(0).map_or_else(one, |list| vec![list]),
            (_, false) => one(),
        };
        names.extend(found.iter().map(|_| quoted(function.name.clone())));
        lists.extend(found);
    }
    *rows_from = TableFunction {
        name: "unnest".to_owned(),
        arguments: lists,
    };
    ControlFlow::Continue(names)
}

/// What functions of elements of JSON call their column, whatever their alias.
const VALUE: &str = "value";

/// The column of such a function, once it has been rewritten.
pub(crate) fn element(factor: &TableFactor) -> Option<&Ident> {
    let TableFactor::Derived {
        subquery,
        alias: Some(alias),
        ..
    } = factor
    else {
        return None;
    };
    let [column] = alias.columns.as_slice() else {
        return None;
    };
    let [SelectItem::ExprWithAlias { alias: inner, .. }] =
        subquery.body.as_select()?.projection.as_slice()
    else {
        return None;
    };
    (*inner == hidden(&format!("{VALUE}0"))).then_some(&column.name)
}

/// Whether a function calls its column `value`, whatever its alias.
fn has_values(function: &str) -> bool {
    let elements = function.strip_suffix("_text").unwrap_or(function);
    matches!(elements, "json_array_elements" | "jsonb_array_elements")
}

/// The relation that has the same rows as a function without arguments.
fn relation_of(function: &str) -> Option<&'static str> {
    Some(match function {
        "pg_cursor" => "pg_cursors",
        "pg_lock_status" => "pg_locks",
        "pg_prepared_statement" => "pg_prepared_statements",
        "pg_show_all_settings" => "pg_settings",
        "pg_timezone_abbrevs" => "pg_timezone_abbrevs",
        "pg_timezone_names" => "pg_timezone_names",
        _ => return None,
    })
}

/// A relation of `pg_catalog`.
fn table(relation: &str, alias: TableAlias) -> TableFactor {
    TableFactor::Table {
        name: ObjectName::from(vec![Ident::new("pg_catalog"), Ident::new(relation)]),
        alias: Some(alias),
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

/// The columns of a function whose rows have several.
fn fields_of(function: &str) -> Option<&'static [&'static str]> {
    Some(match function {
        "_pg_expandarray" => &["x", "n"],
        "aclexplode" => &["grantor", "grantee", "privilege_type", "is_grantable"],
        "pg_get_keywords" => &["word", "catcode", "barelabel", "catdesc", "baredesc"],
        "pg_options_to_table" => &["option_name", "option_value"],
        "json_each" | "json_each_text" | "jsonb_each" | "jsonb_each_text" => &["key", "value"],
        _ => return None,
    })
}

/// The whole number that an argument is, and that the engine can be told in digits with a sign before them.
fn bound(expr: &Expr) -> Option<i64> {
    constant(expr).filter(|number| *number > i64::MIN)
}

/// The whole number that an expression is, if nothing has to be asked for it. Arithmetic whose result could depend on a
/// type is the engine's.
fn constant(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Nested(expr) => constant(expr),
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => constant(expr)?.checked_neg(),
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (constant(left)?, constant(right)?);
            match op {
                BinaryOperator::Plus => left.checked_add(right),
                BinaryOperator::Minus => left.checked_sub(right),
                BinaryOperator::Multiply => left.checked_mul(right),
                _ => None,
            }
        }
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            format: None,
            ..
        } => {
            let number = constant(expr)?;
            match data_type {
                DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => {
                    i32::try_from(number).ok().map(i64::from)
                }
                DataType::BigInt(None) | DataType::Int8(None) => Some(number),
                _ => None,
            }
        }
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// A function that makes one value: a table of one row.
fn scalar(
    function: &TableFunction,
    table: Ident,
    named: Vec<Ident>,
    depends: bool,
    ordinality: bool,
) -> TableFactor {
    let mut names = named.into_iter();
    let mut columns = vec![names.next().unwrap_or_else(|| table.clone())];
    let mut items = vec![SelectItem::ExprWithAlias {
        expr: call(&function.name, function.arguments.clone()),
        alias: hidden("value"),
    }];
    if ordinality {
        columns.push(names.next().unwrap_or_else(|| quoted("ordinality")));
        items.push(SelectItem::ExprWithAlias {
            expr: super::build::cast(number(1), DataType::BigInt(None)),
            alias: hidden("ordinality"),
        });
    }
    // More names than columns are the engine's to refuse.
    columns.extend(names);
    derived(depends, select(items, None, None), alias(table, columns))
}

/// A function whose rows have several columns.
fn composite(
    function: &TableFunction,
    fields: &[&str],
    old: Option<TableAlias>,
    ordinality: bool,
) -> TableFactor {
    let (row, place) = (quoted("row"), quoted("ordinality"));
    let list = function.quoted_call(&function.name);
    let mut inner = vec![SelectItem::ExprWithAlias {
        expr: call("unnest", vec![list.clone()]),
        alias: row.clone(),
    }];
    let item = |field: &&str| SelectItem::ExprWithAlias {
        expr: call(
            "get_field",
            vec![Expr::Identifier(row.clone()), super::build::text(*field)],
        ),
        alias: quoted(*field),
    };
    let mut items: Vec<SelectItem> = fields.iter().map(item).collect();
    if ordinality {
        let length = call("cardinality", vec![list]);
        let first = super::build::cast(number(1), DataType::BigInt(None));
        let places = call(super::functions::SERIES, vec![first, length]);
        inner.push(SelectItem::ExprWithAlias {
            expr: call("unnest", vec![places]),
            alias: place.clone(),
        });
        items.push(SelectItem::UnnamedExpr(Expr::Identifier(place)));
    }
    let from = derived(
        false,
        select(inner, None, None),
        alias(quoted("rows"), Vec::new()),
    );
    derived(
        function.arguments.iter().any(reads_columns),
        select(items, Some(from), None),
        old.unwrap_or_else(|| alias(quoted(function.name.clone()), Vec::new())),
    )
}

/// The function that a table of FROM is, its alias, and whether its rows are numbered.
type Called = (TableFunction, Option<TableAlias>, bool);

fn function_of(factor: &mut TableFactor) -> ControlFlow<SqlError, Option<Called>> {
    let (name, arguments, alias, ordinality) = match factor {
        TableFactor::Table {
            name,
            args: Some(TableFunctionArgs { args, .. }),
            alias,
            with_ordinality,
            ..
        } => {
            unqualify(name);
            (parts(name), plain(args), alias.clone(), *with_ordinality)
        }
        TableFactor::Function {
            name,
            args,
            alias,
            with_ordinality,
            ..
        } => {
            unqualify(name);
            (parts(name), plain(args), alias.clone(), *with_ordinality)
        }
        TableFactor::UNNEST {
            alias,
            array_exprs,
            with_ordinality,
            ..
        } => (
            Some((None, "unnest".to_owned())),
            Some(array_exprs.clone()),
            alias.clone(),
            *with_ordinality,
        ),
        _ => return ControlFlow::Continue(None),
    };
    let (Some((None, name)), Some(arguments)) = (name, arguments) else {
        return ControlFlow::Continue(None);
    };
    let function = TableFunction { name, arguments };
    ControlFlow::Continue(Some((function, alias, ordinality)))
}

/// Puts these numbers in the place of the arguments.
fn set_arguments(factor: &mut TableFactor, numbers: Vec<i64>) {
    let number = |number: i64| {
        let digits = Value::Number(number.unsigned_abs().to_string(), false);
        let digits = Expr::Value(digits.into());
        let number = match number < 0 {
            true => Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr: Box::new(digits),
            },
            false => digits,
        };
        FunctionArg::Unnamed(FunctionArgExpr::Expr(number))
    };
    let numbers = numbers.into_iter().map(number).collect();
    match factor {
        TableFactor::Table {
            args: Some(TableFunctionArgs { args, .. }),
            ..
        }
        | TableFactor::Function { args, .. } => *args = numbers,
        _ => {}
    }
}

fn set_alias(factor: &mut TableFactor, new: TableAlias) {
    if let TableFactor::Table { alias, .. }
    | TableFactor::Function { alias, .. }
    | TableFactor::UNNEST { alias, .. } = factor
    {
        *alias = Some(new);
    }
}

/// Whether an argument reads something of the tables before it.
pub(super) fn reads_columns(expr: &Expr) -> bool {
    visit_expressions(expr, |expr| match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { .. }
        | Expr::Subquery(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}
