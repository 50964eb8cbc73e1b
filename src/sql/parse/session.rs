//! Statements about the session and its transactions, which the door carries out itself. Their grammar is small and
//! PostgreSQL's own, so it is read here, word by word.

use super::{Kind, ParsedStatement, Scope, TransactionModes, near_next};
use crate::sql::encode::zone::{Zone, offset_east_s};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

/// Why a statement cannot be read.
pub(super) enum Trouble {
    /// The next token does not belong there.
    Syntax,
    /// Something else.
    Other(SqlError),
}

impl Trouble {
    pub(super) fn locate(self, sql: &str, parser: &Parser<'_>) -> SqlError {
        match self {
            Self::Syntax => near_next(sql, parser),
            Self::Other(error) => error,
        }
    }
}

/// The next token as an upper-case word, if it is an unquoted one.
pub(super) fn peek_word(parser: &Parser<'_>) -> Option<String> {
    unquoted(&parser.peek_token_ref().token)
}

pub(super) fn unquoted(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
        _ => None,
    }
}

/// Whether a word that does not begin a query follows an opening parenthesis: the options of EXPLAIN.
pub(super) fn peek_word_after_paren(parser: &Parser<'_>) -> bool {
    let word = unquoted(&parser.peek_nth_token_ref(1).token);
    word.is_some_and(|word| !matches!(word.as_str(), "SELECT" | "WITH" | "VALUES"))
}

/// Takes the next token if it is this word.
pub(super) fn next_is(parser: &mut Parser<'_>, word: &str) -> bool {
    let found = peek_word(parser).as_deref() == Some(word);
    if found {
        parser.next_token();
    }
    found
}

/// Takes the next tokens if they are these words; takes none otherwise.
pub(super) fn next_are(parser: &mut Parser<'_>, words: &[&str]) -> bool {
    let found = words
        .iter()
        .enumerate()
        .all(|(n, word)| unquoted(&parser.peek_nth_token_ref(n).token).as_deref() == Some(*word));
    if found {
        words.iter().for_each(|_| drop(parser.next_token()));
    }
    found
}

/// Takes a name: a word, in lower case unless it is quoted.
pub(super) fn name(parser: &mut Parser<'_>) -> Result<String, Trouble> {
    let Token::Word(word) = &parser.peek_token_ref().token else {
        return Err(Trouble::Syntax);
    };
    let name = if word.quote_style.is_some() {
        word.value.clone()
    } else {
        word.value.to_lowercase()
    };
    parser.next_token();
    Ok(name)
}

/// Takes `ALL` or a name.
fn all_or_name(parser: &mut Parser<'_>) -> Result<Option<String>, Trouble> {
    if next_is(parser, "ALL") {
        Ok(None)
    } else {
        name(parser).map(Some)
    }
}

/// Reads a statement that begins with `word`, or `None` if that is not a word of this file.
pub(super) fn statement(
    word: &str,
    parser: &mut Parser<'_>,
) -> Result<Option<ParsedStatement>, Trouble> {
    const WORDS: [&str; 16] = [
        "SET",
        "RESET",
        "SHOW",
        "BEGIN",
        "START",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT",
        "RELEASE",
        "DEALLOCATE",
        "DISCARD",
        "CLOSE",
        "LISTEN",
        "UNLISTEN",
    ];
    if !WORDS.contains(&word) {
        return Ok(None);
    }
    parser.next_token();
    let (kind, tag) = match word {
        "SET" => match set(parser)? {
            Kind::SetConstraints => (Kind::SetConstraints, "SET CONSTRAINTS"),
            kind => (kind, "SET"),
        },
        "RESET" => (Kind::Reset(parameter_or_all(parser)?), "RESET"),
        "SHOW" => (Kind::Show(parameter_or_all(parser)?), "SHOW"),
        "BEGIN" => {
            let _ = next_is(parser, "WORK") || next_is(parser, "TRANSACTION");
            (Kind::Begin(modes(parser)?), "BEGIN")
        }
        "START" => {
            if !next_is(parser, "TRANSACTION") {
                return Err(Trouble::Syntax);
            }
            (Kind::Begin(modes(parser)?), "START TRANSACTION")
        }
        "COMMIT" | "END" => {
            let _ = next_is(parser, "WORK") || next_is(parser, "TRANSACTION");
            if word == "COMMIT" && next_is(parser, "PREPARED") {
                return Err(Trouble::Other(SqlError::new(
                    "0A000",
                    "prepared transactions are not supported",
                )));
            }
            (
                Kind::Commit {
                    chain: chain(parser)?,
                },
                "COMMIT",
            )
        }
        "ROLLBACK" | "ABORT" => {
            let _ = next_is(parser, "WORK") || next_is(parser, "TRANSACTION");
            if word == "ROLLBACK" && next_is(parser, "TO") {
                let _ = next_is(parser, "SAVEPOINT");
                (Kind::RollbackTo(name(parser)?), "ROLLBACK")
            } else if word == "ROLLBACK" && next_is(parser, "PREPARED") {
                return Err(Trouble::Other(SqlError::new(
                    "0A000",
                    "prepared transactions are not supported",
                )));
            } else {
                (
                    Kind::Rollback {
                        chain: chain(parser)?,
                    },
                    "ROLLBACK",
                )
            }
        }
        "SAVEPOINT" => (Kind::Savepoint(name(parser)?), "SAVEPOINT"),
        "RELEASE" => {
            let _ = next_is(parser, "SAVEPOINT");
            (Kind::Release(name(parser)?), "RELEASE")
        }
        "DEALLOCATE" => {
            let _ = next_is(parser, "PREPARE");
            match all_or_name(parser)? {
                None => (Kind::Deallocate(None), "DEALLOCATE ALL"),
                name => (Kind::Deallocate(name), "DEALLOCATE"),
            }
        }
        "CLOSE" => match all_or_name(parser)? {
            None => (Kind::Close(None), "CLOSE CURSOR ALL"),
            name => (Kind::Close(name), "CLOSE CURSOR"),
        },
        "DISCARD" => discard(parser)?,
        "LISTEN" => (Kind::Listen(name(parser)?), "LISTEN"),
        _ => {
            let every = parser.consume_token(&Token::Mul);
            (
                Kind::Unlisten(if every { None } else { Some(name(parser)?) }),
                "UNLISTEN",
            )
        }
    };
    Ok(Some(ParsedStatement { kind, tag }))
}

/// What follows `SET CONSTRAINTS`. None of them can be deferred.
fn constraints(parser: &mut Parser<'_>) -> Result<Kind, Trouble> {
    let named = match all_or_name(parser)? {
        None => None,
        Some(mut name_of_one) => {
            while parser.consume_token(&Token::Period) {
                name_of_one = name(parser)?;
            }
            while parser.consume_token(&Token::Comma) || parser.consume_token(&Token::Period) {
                name(parser)?;
            }
            Some(name_of_one)
        }
    };
    if !next_is(parser, "IMMEDIATE") && !next_is(parser, "DEFERRED") {
        return Err(Trouble::Syntax);
    }
    match named {
        None => Ok(Kind::SetConstraints),
        Some(name) => Err(Trouble::Other(SqlError::new(
            "42809",
            format!("constraint \"{name}\" is not deferrable"),
        ))),
    }
}

fn discard(parser: &mut Parser<'_>) -> Result<(Kind, &'static str), Trouble> {
    let targets = [
        ("ALL", "ALL", "DISCARD ALL"),
        ("PLANS", "PLANS", "DISCARD PLANS"),
        ("SEQUENCES", "SEQUENCES", "DISCARD SEQUENCES"),
        ("TEMP", "TEMP", "DISCARD TEMP"),
        ("TEMPORARY", "TEMP", "DISCARD TEMP"),
    ];
    let found = targets.into_iter().find(|(word, ..)| next_is(parser, word));
    found
        .map(|(_, target, tag)| (Kind::Discard(target), tag))
        .ok_or(Trouble::Syntax)
}

/// `[AND [NO] CHAIN]`.
fn chain(parser: &mut Parser<'_>) -> Result<bool, Trouble> {
    if !next_is(parser, "AND") {
        return Ok(false);
    }
    let chain = !next_is(parser, "NO");
    if next_is(parser, "CHAIN") {
        Ok(chain)
    } else {
        Err(Trouble::Syntax)
    }
}

/// Transaction modes, separated by commas or not.
fn modes(parser: &mut Parser<'_>) -> Result<TransactionModes, Trouble> {
    const LEVELS: [(&[&str], &str); 4] = [
        (&["SERIALIZABLE"], "serializable"),
        (&["REPEATABLE", "READ"], "repeatable read"),
        (&["READ", "COMMITTED"], "read committed"),
        (&["READ", "UNCOMMITTED"], "read uncommitted"),
    ];
    let mut modes = TransactionModes::default();
    let mut comma = false;
    loop {
        if next_are(parser, &["ISOLATION", "LEVEL"]) {
            let level = LEVELS
                .into_iter()
                .find(|(words, _)| next_are(parser, words));
            modes.isolation = Some(level.ok_or(Trouble::Syntax)?.1);
        } else if next_are(parser, &["READ", "ONLY"]) {
            modes.read_only = Some(true);
        } else if next_are(parser, &["READ", "WRITE"]) {
            modes.read_only = Some(false);
        } else if next_is(parser, "DEFERRABLE") {
            modes.deferrable = Some(true);
        } else if next_are(parser, &["NOT", "DEFERRABLE"]) {
            modes.deferrable = Some(false);
        } else if comma {
            return Err(Trouble::Syntax);
        } else {
            return Ok(modes);
        }
        comma = parser.consume_token(&Token::Comma);
    }
}

/// A parameter by its name or by one of the phrases that stand for one; `None` for `ALL`.
fn parameter_or_all(parser: &mut Parser<'_>) -> Result<Option<String>, Trouble> {
    const PHRASES: [(&[&str], &str); 3] = [
        (&["TIME", "ZONE"], "timezone"),
        (
            &["TRANSACTION", "ISOLATION", "LEVEL"],
            "transaction_isolation",
        ),
        (&["SESSION", "AUTHORIZATION"], "session_authorization"),
    ];
    if next_is(parser, "ALL") {
        return Ok(None);
    }
    match PHRASES
        .into_iter()
        .find(|(words, _)| next_are(parser, words))
    {
        Some((_, name)) => Ok(Some(name.to_owned())),
        None => parameter(parser).map(Some),
    }
}

/// The name of a parameter, which may have two parts. The engine's own settings are not for clients.
fn parameter(parser: &mut Parser<'_>) -> Result<String, Trouble> {
    let mut full = name(parser)?;
    while parser.consume_token(&Token::Period) {
        full.push('.');
        full.push_str(&name(parser)?);
    }
    let full = full.to_lowercase();
    if full.starts_with("datafusion.") {
        let message = format!("unrecognized configuration parameter \"{full}\"");
        return Err(Trouble::Other(SqlError::new("42704", message)));
    }
    Ok(full)
}

/// What follows `SET`.
fn set(parser: &mut Parser<'_>) -> Result<Kind, Trouble> {
    if next_are(parser, &["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) {
        return Ok(Kind::SetTransaction {
            modes: modes(parser)?,
            session: true,
        });
    }
    if next_is(parser, "TRANSACTION") {
        return Ok(Kind::SetTransaction {
            modes: modes(parser)?,
            session: false,
        });
    }
    if next_is(parser, "CONSTRAINTS") {
        return constraints(parser);
    }
    if next_are(parser, &["SESSION", "AUTHORIZATION"]) {
        return authorization(parser, "session_authorization", "DEFAULT");
    }
    let scope = if next_is(parser, "LOCAL") {
        Scope::Local
    } else {
        let _ = next_is(parser, "SESSION");
        Scope::Session
    };
    if next_is(parser, "ROLE") {
        return authorization(parser, "role", "NONE");
    }
    if next_are(parser, &["TIME", "ZONE"]) {
        return Ok(Kind::Set {
            name: "timezone".to_owned(),
            values: time_zone(parser)?,
            scope,
        });
    }
    if next_is(parser, "NAMES") {
        let values = if next_is(parser, "DEFAULT") {
            Vec::new()
        } else {
            vec![value(parser)?]
        };
        return Ok(Kind::Set {
            name: "client_encoding".to_owned(),
            values,
            scope,
        });
    }
    let name = parameter(parser)?;
    if !parser.consume_token(&Token::Eq) && !next_is(parser, "TO") {
        return Err(Trouble::Syntax);
    }
    let mut values = Vec::new();
    if !next_is(parser, "DEFAULT") {
        values.push(value(parser)?);
        while parser.consume_token(&Token::Comma) {
            values.push(value(parser)?);
        }
    }
    Ok(Kind::Set {
        name,
        values,
        scope,
    })
}

/// Nobody can become somebody else; the way back to oneself is allowed.
fn authorization(parser: &mut Parser<'_>, parameter: &str, oneself: &str) -> Result<Kind, Trouble> {
    if next_is(parser, oneself) {
        return Ok(Kind::Set {
            name: parameter.to_owned(),
            values: Vec::new(),
            scope: Scope::Session,
        });
    }
    let wanted = value(parser)?;
    let what = if parameter == "role" {
        "set role"
    } else {
        "set session authorization"
    };
    Err(Trouble::Other(SqlError::new(
        "42501",
        format!("permission denied to {what} \"{wanted}\""),
    )))
}

/// One value: a word, a text, or a number with its sign.
fn value(parser: &mut Parser<'_>) -> Result<String, Trouble> {
    let negative = parser.consume_token(&Token::Minus);
    let text = match &parser.peek_token_ref().token {
        Token::Number(number, _) => {
            let sign = if negative { "-" } else { "" };
            format!("{sign}{number}")
        }
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) if !negative => {
            text.clone()
        }
        Token::DollarQuotedString(text) if !negative => text.value.clone(),
        Token::Word(_) if !negative => return name(parser),
        _ => return Err(Trouble::Syntax),
    };
    parser.next_token();
    Ok(text)
}

/// The values of `SET TIME ZONE`: a zone, nothing for `LOCAL` and `DEFAULT`, or an interval east of Greenwich.
fn time_zone(parser: &mut Parser<'_>) -> Result<Vec<String>, Trouble> {
    if next_is(parser, "LOCAL") || next_is(parser, "DEFAULT") {
        return Ok(Vec::new());
    }
    if !next_is(parser, "INTERVAL") {
        return Ok(vec![value(parser)?]);
    }
    let text = value(parser)?;
    let _ = next_are(parser, &["HOUR", "TO", "MINUTE"]) || next_is(parser, "HOUR");
    let unreadable = || {
        let message = format!("invalid value for parameter \"TimeZone\": \"{text}\"");
        Trouble::Other(SqlError::new("22023", message))
    };
    let offset = offset_east_s(&text).ok_or_else(unreadable)?;
    Ok(vec![Zone::Fixed(offset).to_string()])
}
