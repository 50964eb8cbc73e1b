//! Statements that PostgreSQL knows and this door does not carry out, each with the reason. Only their first words are
//! read: what follows does not matter.

use super::session::peek_word;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

/// Words between the verb and the kind of object, and words that belong to the object after them.
const MODIFIERS: [&str; 12] = [
    "OR",
    "REPLACE",
    "TEMP",
    "TEMPORARY",
    "GLOBAL",
    "LOCAL",
    "UNLOGGED",
    "UNIQUE",
    "RECURSIVE",
    "TRUSTED",
    "PROCEDURAL",
    "CONSTRAINT",
];
/// Kinds of object with a name of two words.
const TWO_WORDS: [&str; 7] = [
    "MATERIALIZED",
    "FOREIGN",
    "EXTERNAL",
    "EVENT",
    "ACCESS",
    "TEXT",
    "DEFAULT",
];
/// Kinds of object that only a server's owner makes.
const PRIVILEGED: [&str; 12] = [
    "ROLE",
    "USER",
    "GROUP",
    "EXTENSION",
    "DATABASE",
    "TABLESPACE",
    "POLICY",
    "SERVER",
    "SUBSCRIPTION",
    "PUBLICATION",
    "SYSTEM",
    "LANGUAGE",
];

/// The error for the statement that begins at the next token, if PostgreSQL has such a statement.
pub(super) fn refusal(parser: &Parser<'_>) -> Option<SqlError> {
    let verb = peek_word(parser)?;
    match verb.as_str() {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "VACUUM" | "ANALYZE" | "REINDEX" | "CLUSTER"
        | "COMMENT" => Some(read_only(&verb)),
        "TRUNCATE" => Some(read_only("TRUNCATE TABLE")),
        "REFRESH" => Some(read_only("REFRESH MATERIALIZED VIEW")),
        "IMPORT" => Some(read_only("IMPORT FOREIGN SCHEMA")),
        "CREATE" | "ALTER" | "DROP" => {
            let object = object(parser);
            let statement = format!("{verb} {object}");
            let privileged = PRIVILEGED.iter().any(|kind| object == *kind);
            Some(if privileged {
                denied(statement.trim_end())
            } else {
                read_only(statement.trim_end())
            })
        }
        "GRANT" | "REVOKE" | "LOAD" | "DO" | "CHECKPOINT" | "REASSIGN" | "SECURITY" => {
            Some(denied(&verb))
        }
        "CALL" | "NOTIFY" => Some(SqlError::new("0A000", format!("{verb} is not supported"))),
        _ => None,
    }
}

/// PostgreSQL's sentence for a statement that would write.
pub(super) fn read_only(statement: &str) -> SqlError {
    SqlError::new(
        "25006",
        format!("cannot execute {statement} in a read-only transaction"),
    )
}

fn denied(statement: &str) -> SqlError {
    SqlError::new("42501", format!("permission denied to execute {statement}"))
}

/// The kind of object behind CREATE, ALTER or DROP.
fn object(parser: &Parser<'_>) -> String {
    let word = |n| match &parser.peek_nth_token_ref(n).token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
        _ => None,
    };
    // A verb and its modifiers are few words; a longer run of modifiers is no statement.
    let at = (1..8)
        .find(|n| word(*n).is_none_or(|word| !MODIFIERS.contains(&word.as_str())))
        .unwrap_or(1);
    match (word(at), word(at + 1)) {
        (Some(first), Some(second)) if TWO_WORDS.contains(&first.as_str()) => {
            format!("{first} {second}")
        }
        (first, _) => first.unwrap_or_default(),
    }
}
