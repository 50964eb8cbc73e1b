//! Calls: functions under names of the catalog's schemas, functions that are written without parentheses, and functions
//! that make rows in a SELECT list.

use std::ops::ControlFlow;

use super::build::{argument, arguments, call, cast, number, parts, type_named};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, TimezoneInfo,
};

/// Schemas of the catalog, which the engine's functions are not in.
const SCHEMAS: [&str; 2] = ["pg_catalog", "information_schema"];

/// `now` by PostgreSQL's other names.
pub(crate) const MOMENTS: [&str; 2] = ["statement_timestamp", "transaction_timestamp"];

/// Functions that make a list to the engine and rows to PostgreSQL.
const SET_RETURNING: [&str; 22] = [
    "generate_series",
    "generate_subscripts",
    "_pg_expandarray",
    "aclexplode",
    "pg_get_keywords",
    "pg_options_to_table",
    "regexp_split_to_table",
    "regexp_matches",
    "string_to_table",
    "json_array_elements",
    "json_array_elements_text",
    "json_each",
    "json_each_text",
    "json_object_keys",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_object_keys",
    "pg_listening_channels",
    "pg_partition_ancestors",
    "unnest",
];

/// Whether a function makes rows.
pub(super) fn is_set_returning(name: &str) -> bool {
    SET_RETURNING.contains(&name)
}

/// The function that makes the list of `generate_series` in a SELECT list.
pub(super) const SERIES: &str = "series";

/// Takes the schemas of the catalog off the name of a function.
pub(super) fn unqualify(name: &mut ObjectName) {
    let is_schema = |part: &ObjectNamePart| {
        let ident = part.as_ident().map(super::build::folded);
        ident.is_some_and(|schema| SCHEMAS.contains(&schema.as_str()))
    };
    if name.0.len() == 2 && name.0.first().is_some_and(is_schema) {
        name.0.remove(0);
    }
}

/// Rewrites a call whose arguments have been rewritten already. `reads` tells whether the SELECT around it has a FROM.
pub(super) fn rewrite(expr: &mut Expr, reads: bool) -> ControlFlow<SqlError> {
    if let Some(word) = bare_word(expr) {
        if let Some(written) = keyword(&word.value.to_ascii_lowercase(), reads) {
            *expr = written;
        }
        return ControlFlow::Continue(());
    }
    let Expr::Function(function) = expr else {
        return ControlFlow::Continue(());
    };
    unqualify(&mut function.name);
    let Some((None, name)) = parts(&function.name) else {
        return ControlFlow::Continue(());
    };
    by_position(function, &name);
    // A statement is a transaction's moment here. What the engine knows as `now` is read when a kept plan runs.
    if MOMENTS.contains(&name.as_str()) && arguments(function).is_some_and(|list| list.is_empty()) {
        *expr = call("now", Vec::new());
        return ControlFlow::Continue(());
    }
    if let Some(data_type) = cast_by_name(&name)
        && let Some([operand]) = arguments(function).as_deref()
    {
        *expr = cast((*operand).clone(), data_type);
        return ControlFlow::Continue(());
    }
    // current_timestamp(3) and the like round; the engine has microseconds throughout.
    if is_keyword_function(&name) && arguments(function).is_some_and(|list| list.len() == 1) {
        if let Some(written) = keyword(&name, reads) {
            *expr = written;
        }
        return ControlFlow::Continue(());
    }
    let is_quoted = function
        .name
        .0
        .last()
        .and_then(|part| part.as_ident())
        .is_some_and(|ident| ident.quote_style.is_some());
    if name != "unnest" && is_set_returning(&name) && !is_quoted {
        if name == "generate_series" {
            function.name = ObjectName::from(vec![Ident::new(SERIES)]);
        }
        let list = expr.clone();
        *expr = typed_rows(&name, call("unnest", vec![list]));
    }
    ControlFlow::Continue(())
}

/// The rows of a function as values of their type, which an array of them does not tell.
pub(super) fn typed_rows(name: &str, rows: Expr) -> Expr {
    match name {
        "json_array_elements" => call("json_in", vec![rows]),
        "jsonb_array_elements" => call("jsonb_in", vec![rows]),
        _ => rows,
    }
}

/// The type whose name is called as a function, where there is no function of that name: `uuid('…')`.
fn cast_by_name(name: &str) -> Option<DataType> {
    const TYPES: [&str; 8] = [
        "bool", "bpchar", "json", "jsonb", "pg_lsn", "uuid", "xid", "xid8",
    ];
    let known = TYPES.iter().find(|known| **known == name)?;
    Some(type_named(known))
}

/// Functions whose arguments may be named, in their order, and whether those that are missing are 0.
const NAMED: [(&str, &[&str], bool); 5] = [
    (
        "make_interval",
        &["years", "months", "weeks", "days", "hours", "mins", "secs"],
        true,
    ),
    ("make_date", &["year", "month", "day"], false),
    ("make_time", &["hour", "min", "sec"], false),
    (
        "make_timestamp",
        &["year", "month", "mday", "hour", "min", "sec"],
        false,
    ),
    (
        "make_timestamptz",
        &["year", "month", "mday", "hour", "min", "sec", "timezone"],
        false,
    ),
];

/// Puts arguments that come with names in their places. What does not fit is left for the engine to refuse.
fn by_position(function: &mut Function, name: &str) {
    let FunctionArguments::List(list) = &mut function.args else {
        return;
    };
    let is_named = |argument: &FunctionArg| matches!(argument, FunctionArg::Named { .. });
    if !list.args.iter().any(is_named) {
        return;
    }
    let Some((_, parameters, has_defaults)) = NAMED.iter().find(|(known, ..)| *known == name)
    else {
        return;
    };
    let mut placed: Vec<Option<FunctionArg>> = vec![None; parameters.len()];
    for (at, argument) in list.args.iter().enumerate() {
        let (at, value) = match argument {
            FunctionArg::Named { name, arg, .. } => {
                let name = super::build::folded(name);
                match parameters.iter().position(|parameter| *parameter == name) {
                    Some(at) => (at, arg.clone()),
                    None => return,
                }
            }
            FunctionArg::Unnamed(arg) => (at, arg.clone()),
            FunctionArg::ExprNamed { .. } => return,
        };
        match placed.get_mut(at) {
            Some(place @ None) => *place = Some(FunctionArg::Unnamed(value)),
            _ => return,
        }
    }
    let zero = || FunctionArg::Unnamed(FunctionArgExpr::Expr(number(0)));
    let given = placed
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |at| at + 1);
    placed.truncate(given);
    if !has_defaults && placed.iter().any(Option::is_none) {
        return;
    }
    list.args = placed
        .into_iter()
        .map(|argument| argument.unwrap_or_else(zero))
        .collect();
}

/// A function of the FROM clause.
pub(super) struct TableFunction {
    /// Its name, without a schema of the catalog.
    pub name: String,
    pub arguments: Vec<Expr>,
}

impl TableFunction {
    /// The call that makes the list of its rows.
    pub fn list(&self, at: usize) -> Option<Expr> {
        match self.name.as_str() {
            "unnest" => self.arguments.get(at).cloned(),
            "generate_series" => Some(call(SERIES, self.arguments.clone())),
            name => Some(self.quoted_call(name)),
        }
    }

    /// The call as it stands: a quoted name is not taken for rows once more.
    pub fn quoted_call(&self, name: &str) -> Expr {
        let mut list = call(name, self.arguments.clone());
        if let Expr::Function(function) = &mut list {
            function.name = ObjectName::from(vec![Ident::with_quote('"', name)]);
        }
        list
    }
}

/// The plain arguments of a function.
pub(super) fn plain(list: &[datafusion::sql::sqlparser::ast::FunctionArg]) -> Option<Vec<Expr>> {
    list.iter().map(|arg| argument(arg).cloned()).collect()
}

fn is_keyword_function(name: &str) -> bool {
    matches!(
        name,
        "current_timestamp" | "localtimestamp" | "current_time" | "localtime"
    )
}

/// Whether an expression is a word that may call a function.
pub(super) fn is_keyword(expr: &Expr) -> bool {
    bare_word(expr).is_some_and(|word| keyword(&word.value.to_ascii_lowercase(), false).is_some())
}

/// What a word without parentheses calls; `user` is a column where there can be columns.
fn keyword(word: &str, reads: bool) -> Option<Expr> {
    let now = || call("now", Vec::new());
    Some(match word {
        "user" if reads => Expr::Identifier(Ident::with_quote('"', "user")),
        "user" => call("current_user", Vec::new()),
        "current_user" | "session_user" | "current_role" | "current_catalog" | "current_schema" => {
            call(word, Vec::new())
        }
        "current_timestamp" => now(),
        "localtimestamp" => cast(now(), DataType::Timestamp(None, TimezoneInfo::None)),
        "localtime" | "current_time" => cast(now(), DataType::Time(None, TimezoneInfo::None)),
        _ => return None,
    })
}

/// An unquoted name without parentheses: a column, or one of the functions that are written so.
fn bare_word(expr: &Expr) -> Option<&Ident> {
    let ident = match expr {
        Expr::Identifier(ident) => ident,
        Expr::Function(Function {
            name,
            args: FunctionArguments::None,
            ..
        }) => match name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => ident,
            _ => return None,
        },
        _ => return None,
    };
    ident.quote_style.is_none().then_some(ident)
}
