//! LOCK TABLE. Nobody here writes or drops tables, so whoever only wants them to stay as they are has that already; a lock
//! that others would have to wait for cannot be had.

use super::copy::parse_text;
use super::refuse::read_only;
use super::session::{Trouble, next_are, next_is};
use super::{Kind, ParsedStatement, syntax_error};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

/// The modes, from the weakest; those that no reader has to wait for come first.
const MODES: [&[&str]; 8] = [
    &["ACCESS", "SHARE"],
    &["ROW", "SHARE"],
    &["ROW", "EXCLUSIVE"],
    &["SHARE", "UPDATE", "EXCLUSIVE"],
    &["SHARE", "ROW", "EXCLUSIVE"],
    &["SHARE"],
    &["EXCLUSIVE"],
    &["ACCESS", "EXCLUSIVE"],
];
/// How many of them a standby server of PostgreSQL grants, too.
const GRANTED: usize = 3;

/// Reads what follows `LOCK`.
pub(super) fn lock(sql: &str, parser: &mut Parser<'_>) -> Result<ParsedStatement, SqlError> {
    let _ = next_is(parser, "TABLE");
    let mut tables: Vec<String> = Vec::new();
    loop {
        let _ = next_is(parser, "ONLY");
        let table = parser.parse_object_name(false);
        let table = table.map_err(|error| syntax_error(sql, &error))?;
        let _ = parser.consume_token(&Token::Mul);
        let table = table.to_string();
        if !tables.contains(&table) {
            tables.push(table);
        }
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    let mode = mode(parser).map_err(|trouble| trouble.locate(sql, parser))?;
    let _ = next_is(parser, "NOWAIT");
    if mode >= GRANTED {
        return Err(read_only("LOCK TABLE"));
    }
    let (query, _) = parse_text(&format!("SELECT FROM {}", tables.join(", ")))?;
    Ok(ParsedStatement {
        kind: Kind::Lock { query },
        tag: "LOCK TABLE",
    })
}

/// `IN … MODE`, by its number; the strongest where nothing is said.
fn mode(parser: &mut Parser<'_>) -> Result<usize, Trouble> {
    if !next_is(parser, "IN") {
        return Ok(MODES.len() - 1);
    }
    let mode = MODES.iter().position(|words| next_are(parser, words));
    match (mode, next_is(parser, "MODE")) {
        (Some(mode), true) => Ok(mode),
        _ => Err(Trouble::Syntax),
    }
}
