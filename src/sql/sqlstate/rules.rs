//! What the engine says in words only: patterns, each with its SQLSTATE and PostgreSQL's sentence.

use super::{SqlError, engine, wording};

/// A text of the engine, where `{}` is anything, and what it is to a client, where `{0}` and `{1}` are what stood there.
pub(super) struct Rule(&'static str, &'static str, &'static str);

/// Of the short texts that come with names as they were written.
pub(super) const DIAGNOSTIC: &[Rule] = &[
    Rule(
        "table '{}' not found",
        "42P01",
        "relation \"{0}\" does not exist",
    ),
    Rule(
        "'{}' must appear in GROUP BY clause",
        "42803",
        "column \"{0}\" must appear in the GROUP BY clause or be used in an aggregate function",
    ),
];

/// Of planning.
pub(super) const PLAN: &[Rule] = &[
    Rule(
        "table function '{}' not found",
        "42883",
        "function {0} does not exist",
    ),
    Rule(
        "table '{}' not found",
        "42P01",
        "relation \"{0}\" does not exist",
    ),
    Rule(
        "Invalid function '{}'",
        "42883",
        "function {0} does not exist",
    ),
    Rule(
        "given name and argument types '{}({})'",
        "42883",
        "function {0}({1}) does not exist",
    ),
    Rule(
        "Invalid qualifier {}",
        "42P01",
        "missing FROM-clause entry for table \"{0}\"",
    ),
    Rule(
        "column \"{}\" must appear in the GROUP BY clause",
        "42803",
        "column \"{0}\" must appear in the GROUP BY clause or be used in an aggregate function",
    ),
    Rule(
        "HAVING clause references: {} must appear in the GROUP BY",
        "42803",
        "column \"{0}\" must appear in the GROUP BY clause or be used in an aggregate function",
    ),
    Rule(
        "Aggregate functions are not allowed in the {} clause",
        "42803",
        "aggregate functions are not allowed in {0}",
    ),
    Rule(
        "Aggregate function calls cannot be nested",
        "42803",
        "aggregate function calls cannot be nested",
    ),
    Rule(
        "to grouping function is not in grouping columns",
        "42803",
        "arguments to GROUPING must be grouping expressions",
    ),
    Rule(
        "Cannot coerce arithmetic expression {} to valid types",
        "42883",
        "operator does not exist: {0}",
    ),
    Rule(
        "Cannot infer common string type for string concat operation {}",
        "42883",
        "operator does not exist: {0}",
    ),
    Rule(
        "Cannot infer common type for bitwise operation {}",
        "42883",
        "operator does not exist: {0}",
    ),
    Rule(
        "Cannot infer common argument type for {} operation {}",
        "42883",
        "operator does not exist: {1}",
    ),
    Rule(
        "a common type to coerce {} and {} in LIKE expression",
        "42883",
        "operator does not exist: {0} ~~ {1}",
    ),
    Rule(
        "a common type to coerce {} and {} in",
        "42804",
        "types {0} and {1} cannot be matched",
    ),
    Rule(
        "Unary operator 'NOT' requires a boolean expression, got {}",
        "42804",
        "argument of NOT must be type boolean, not type {0}",
    ),
    Rule(
        "Unary operator '{}' only supports",
        "42883",
        "operator does not exist: {0} with an operand of this type",
    ),
    Rule(
        "non-boolean predicate '{}' returning {}",
        "42804",
        "argument of WHERE must be type boolean, not type {1}",
    ),
    Rule(
        "Incompatible inputs for Union: Previous inputs were of type {}, but got incompatible type {} on column",
        "42804",
        "UNION types {0} and {1} cannot be matched",
    ),
    Rule(
        "Failed to coerce then ({}) and else ({})",
        "42804",
        "CASE types {0} and {1} cannot be matched",
    ),
    Rule(
        "UNION queries have different number of columns",
        "42601",
        "each UNION query must have the same number of columns",
    ),
    Rule(
        "Union schemas have different number of fields",
        "42601",
        "each UNION query must have the same number of columns",
    ),
    Rule(
        "{} query must have the same number of columns. Left",
        "42601",
        "each {0} query must have the same number of columns",
    ),
    Rule(
        "Inconsistent data length across values list",
        "42601",
        "VALUES lists must all be the same length",
    ),
    Rule(
        "Too many columns! The subquery",
        "42601",
        "subquery must return only one column",
    ),
    Rule(
        "SELECT DISTINCT ON expressions must match",
        "42P10",
        "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
    ),
    Rule(
        "Join condition must be boolean type, but got {}",
        "42804",
        "argument of JOIN/ON must be type boolean, not type {0}",
    ),
    Rule(
        "SELECT * with no tables specified",
        "42601",
        "SELECT * with no tables specified is not valid",
    ),
    Rule(
        "Cannot find column with position {} in SELECT clause",
        "42P10",
        "GROUP BY position {0} is not in select list",
    ),
    Rule(
        "Order by column out of bounds, specified: {}, max",
        "42P10",
        "ORDER BY position {0} is not in select list",
    ),
    Rule(
        "For SELECT DISTINCT, ORDER BY expressions",
        "42P10",
        "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
    ),
    Rule(
        "Source table contains {} columns but only {} names",
        "42P10",
        "table has {0} columns available but {1} columns specified",
    ),
    Rule("LIMIT must be >= 0", "2201W", "LIMIT must not be negative"),
    Rule("OFFSET must be >=0", "2201X", "OFFSET must not be negative"),
    Rule(
        "Expected {} to be an integer or null, but got {}",
        "42804",
        "argument of {0} must be type bigint, not type {1}",
    ),
    Rule(
        "WITH query name \"{}\" specified more than once",
        "42712",
        "WITH query name \"{0}\" specified more than once",
    ),
    Rule(
        "require unique expression names but the expression \"{}\" at",
        "42701",
        "column \"{0}\" specified more than once",
    ),
    Rule(
        "Placeholder '{}' was not provided",
        "42P02",
        "there is no parameter {0}",
    ),
    Rule(
        "zero is not a valid index: {}",
        "42P02",
        "there is no parameter {0}",
    ),
    Rule(
        "No value found for placeholder with id {}",
        "42P02",
        "there is no parameter {0}",
    ),
    Rule(
        "Placeholder type for '{}' could not be resolved",
        "42P18",
        "could not determine data type of parameter {0}",
    ),
    Rule(
        "Invalid group by expressions",
        "42803",
        "grouping sets cannot be combined with other grouping expressions here",
    ),
];

/// Of what is not implemented.
pub(super) const NOT_IMPLEMENTED: &[Rule] = &[
    Rule(
        "Unsupported SQL type {}",
        "42704",
        "type \"{0}\" does not exist",
    ),
    Rule(
        "compound identifier: {}",
        "42601",
        "improper qualified name (too many dotted names): {0}",
    ),
    Rule(
        "Unsupported LIMIT expression",
        "0A000",
        "LIMIT and OFFSET must be constants or parameters with a value",
    ),
    Rule(
        "does not support logical expression Wildcard",
        "42601",
        "* is only allowed in count(*) and in a select list",
    ),
    Rule(
        "Unsupported ast node in sqltorel: {} {",
        "0A000",
        "not supported: {0}",
    ),
    Rule(
        "Unnest should be rewritten",
        "0A000",
        "set-returning functions are not allowed here",
    ),
];

/// Of running.
pub(super) const EXECUTION: &[Rule] = &[
    Rule(
        "subquery returned more than one row",
        "21000",
        "more than one row returned by a subquery used as an expression",
    ),
    Rule(
        "negative count not allowed",
        "22011",
        "negative substring length not allowed",
    ),
    Rule(
        "string size overflow",
        "54000",
        "requested length too large",
    ),
    Rule("requested length", "54000", "requested length too large"),
    Rule(
        "square root of a negative number",
        "2201F",
        "cannot take square root of a negative number",
    ),
    Rule(
        "{} value '{}' is out of range",
        "22008",
        "date field value out of range: {0} {1}",
    ),
    Rule(
        "Unsupported date_trunc granularity: '{}'",
        "22023",
        "unit \"{0}\" not recognized for date_trunc",
    ),
    Rule(
        "Date part '{}' not supported",
        "22023",
        "unit \"{0}\" not recognized",
    ),
    Rule("verflow", "22003", "value out of range"),
    Rule("cannot be cast", "42846", "cannot cast between these types"),
];

/// Of values.
pub(super) const VALUE: &[Rule] = &[
    Rule(
        "Invalid input syntax for type interval: {}",
        "22007",
        "invalid input syntax for type interval: {0}",
    ),
    Rule(
        "Invalid timezone \"{}\"",
        "22023",
        "time zone \"{0}\" not recognized",
    ),
    Rule(
        "too large to store in a Decimal",
        "22003",
        "numeric field overflow",
    ),
    Rule(
        "too small to store in a Decimal",
        "22003",
        "numeric field overflow",
    ),
    Rule("Cannot cast to Decimal", "22003", "numeric field overflow"),
    Rule(
        "Can't cast value {} to type {}",
        "22003",
        "{1} out of range",
    ),
    Rule("verflow", "22003", "value out of range"),
];

/// Functions that exist only over a window.
pub(crate) const WINDOW_ONLY: [&str; 8] = [
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
];

/// The error of the first rule whose pattern stands in `text`.
pub(super) fn find(rules: &[Rule], text: &str) -> Option<SqlError> {
    if text.contains("Correlated scalar subquery")
        || text.contains("logical expression ScalarSubquery")
    {
        return Some(engine::correlated());
    }
    rules.iter().find_map(|Rule(pattern, code, message)| {
        let found = captures(pattern, text)?;
        let name = found.first().copied().unwrap_or_default();
        if *pattern == "Invalid function '{}'" && WINDOW_ONLY.contains(&name) {
            return Some(SqlError::new("42809", format!("window function {name} requires an OVER clause")));
        }
        let message = found.iter().enumerate().fold((*message).to_owned(), |message, (n, capture)| {
            message.replace(&format!("{{{n}}}"), &wording::sql_terms(capture))
        });
        let error = SqlError::new(code, message);
        Some(match *code {
            "42883" => {
                let what = match error.message.starts_with("operator ") {
                    true => "operator",
                    false => "function",
                };
                error.with_hint(format!(
                    "No {what} matches the given name and argument types. You might need to add explicit type casts."
                ))
            }
            _ => error,
        })
    })
}

/// What stands in `text` at the holes of `pattern`; the last hole, at its end, reaches to the end of the line.
fn captures<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let first = pieces.next()?;
    let mut rest = &text[text.find(first)? + first.len()..];
    let mut found = Vec::new();
    for piece in pieces {
        let end = if piece.is_empty() {
            rest.find('\n').unwrap_or(rest.len())
        } else {
            rest.find(piece)?
        };
        found.push(rest[..end].trim_end_matches('.'));
        rest = &rest[end + piece.len()..];
    }
    Some(found)
}
