//! From the engine's wording to a client's: types by their SQL names, no internal prefixes.

use super::SqlError;
use crate::sql::types::sql_name;
use arrow::datatypes::DataType;

/// Introductions that say where in the engine an error arose.
const PREFIXES: [&str; 10] = [
    "Error during planning: ",
    "Execution error: ",
    "Internal error: ",
    "This feature is not implemented: ",
    "Arrow error: ",
    "Cast error: ",
    "Parser error: ",
    "Schema error: ",
    "External error: ",
    "DataFusion error: ",
];

/// The first line of `text` without introductions, program syntax and final full stop, types in SQL.
pub(super) fn sentence(text: &str) -> String {
    let mut line = text.lines().next().unwrap_or_default().to_owned();
    for prefix in PREFIXES {
        line = line.replace(prefix, "");
    }
    // What follows is a dump of the syntax tree.
    let end = line.find(" { ").unwrap_or(line.len());
    sql_terms(line[..end].trim_end_matches(['.', ' ']))
}

/// `text` with the engine's types and typed constants in SQL: `Int64` is `bigint`, `Int64(1)` is `1`.
pub(super) fn sql_terms(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next()
            .unwrap_or_default();
        if word.is_empty() {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let behind = &rest[word.len()..];
        match (is_type(word), parenthesised(behind)) {
            (true, Some(inside)) => {
                out.push_str(&typed(word, inside));
                rest = &behind[inside.len() + 2..];
            }
            (true, None) => {
                out.push_str(type_name(word));
                rest = behind;
            }
            _ => {
                out.push_str(word);
                rest = behind;
            }
        }
    }
    out
}

fn is_type(word: &str) -> bool {
    word == "Null" || type_name(word) != word
}

/// The SQL name of a type given by its first word alone.
fn type_name(word: &str) -> &str {
    match word {
        "Boolean" => "boolean",
        "Int8" | "Int16" | "UInt8" => "smallint",
        "Int32" | "UInt16" => "integer",
        "Int64" | "UInt32" | "UInt64" => "bigint",
        "Float16" | "Float32" => "real",
        "Float64" => "double precision",
        "Utf8" | "LargeUtf8" | "Utf8View" => "text",
        "Binary" | "BinaryView" | "FixedSizeBinary" => "bytea",
        "Date32" | "Date64" => "date",
        "Time32" | "Time64" => "time",
        "Timestamp" => "timestamp",
        "Interval" | "Duration" => "interval",
        "LargeBinary" | "Decimal32" | "Decimal64" | "Decimal128" | "Decimal256" => "numeric",
        "List" | "LargeList" | "FixedSizeList" | "ListView" => "array",
        "Struct" => "record",
        "Dictionary" => "text",
        other => other,
    }
}

/// The SQL form of `word(inside)`: a type with parameters, or a constant.
fn typed(word: &str, inside: &str) -> String {
    if let Ok(data_type) = format!("{word}({inside})").parse::<DataType>() {
        return sql_name(&data_type).to_owned();
    }
    match word {
        "Timestamp" if inside.contains('"') => "timestamp with time zone".to_owned(),
        "Timestamp" => "timestamp without time zone".to_owned(),
        "List" | "LargeList" => format!("{}[]", sql_terms(inside)),
        "Interval" | "Duration" | "Struct" | "Dictionary" | "FixedSizeList" | "ListView"
        | "FixedSizeBinary" => type_name(word).to_owned(),
        // Constants: texts are quoted twice there.
        _ => inside.replace('"', "'"),
    }
}

/// What stands between the parenthesis that `text` begins with and its counterpart.
fn parenthesised(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return text.get(1..at);
        }
    }
    None
}

/// The error for a text that is no value of its type: `Cannot cast string 'x' to value of Int64 type`, or
/// `Error parsing timestamp from 'x': …`.
pub(super) fn unreadable_value(text: &str) -> Option<SqlError> {
    if let Some(rest) = text.strip_prefix("Error parsing timestamp from '") {
        let value = rest.rsplit_once("': ")?.0;
        return Some(unreadable(
            value,
            &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
        ));
    }
    let rest = text
        .strip_prefix("Cannot cast string '")
        .or_else(|| text.strip_prefix("Cannot cast value '"))?;
    let (value, rest) = rest.rsplit_once("' to value of ")?;
    let data_type = rest
        .strip_suffix(" type")?
        .parse()
        .unwrap_or(DataType::Utf8);
    Some(unreadable(value, &data_type))
}

/// The error for a text that is no value of `data_type`: out of range if it has the form of one.
pub(crate) fn unreadable(value: &str, data_type: &DataType) -> SqlError {
    // PostgreSQL leaves the long names to timestamps in its messages about types, not about values.
    let name = match sql_name(data_type) {
        "timestamp without time zone" => "timestamp",
        "time without time zone" => "time",
        name => name,
    };
    let trimmed = value.trim();
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = digits.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && digits.bytes().filter(|byte| *byte == b'-').count() >= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-:. TZ+".contains(&byte));
    match data_type {
        _ if data_type.is_integer() && is_number => SqlError::new(
            "22003",
            format!("value \"{value}\" is out of range for type {name}"),
        ),
        _ if data_type.is_temporal() && is_date => SqlError::new(
            "22008",
            format!("date/time field value out of range: \"{value}\""),
        ),
        _ => {
            let code = if data_type.is_temporal() {
                "22007"
            } else {
                "22P02"
            };
            SqlError::new(
                code,
                format!("invalid input syntax for type {name}: \"{value}\""),
            )
        }
    }
}
