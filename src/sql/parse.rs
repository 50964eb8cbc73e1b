//! The gate before the engine: what a client may say.
//!
//! The door is read-only by construction. A statement is recognised by its first words and nothing runs unless it is
//! on the list below; queries are parsed by the engine's parser and then searched for anything that would write.
//! Depth is bounded between lexing and parsing, because parsing, planning, and even dropping a deep tree recurse, and a
//! stack overflow ends the process. The lexer is the parser's own, so both see the same strings and comments.

mod copy;
mod cursor;
mod depth;
mod dialect;
mod lexical;
mod lock;
mod open;
mod prepared;
mod query;
mod refuse;
mod session;
mod words;

pub use self::copy::{CopyOptions, ForceQuote};
pub use self::cursor::{Cursor, Direction};
pub(crate) use self::depth::STACK_BYTES;
use self::dialect::DoorDialect;
pub(super) use self::open::open_parameter;
pub use self::prepared::Argument;
#[cfg(test)]
pub(crate) use self::query::plain_engine;
pub(crate) use self::query::{DISTINCT, MOMENTS, NOT_DISTINCT, TypedNumbers, build, element};
use super::names::result_names;
use super::sqlstate::SqlError;
use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::parser::{ExplainStatement, Statement};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::parser::{Parser, ParserError, ParserOptions};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// How long a `SET` lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Until changed.
    Session,
    /// Until the end of the transaction.
    Local,
}

/// What `BEGIN` and `SET TRANSACTION` say about transactions; `None` where they say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransactionModes {
    /// Isolation level, as `transaction_isolation` shows it: `serializable`, `read committed`.
    pub isolation: Option<&'static str>,
    /// `READ ONLY` or `READ WRITE`.
    pub read_only: Option<bool>,
    /// `[NOT] DEFERRABLE`.
    pub deferrable: Option<bool>,
}

/// A statement that is allowed. Names of parameters are in lower case; `None` stands for `ALL` where PostgreSQL has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// SELECT, VALUES, TABLE or WITH, free of anything that writes.
    Query {
        /// For the engine.
        query: Box<ast::Query>,
        /// The names that PostgreSQL gives the result columns (see [`result_names`]).
        names: Vec<Option<String>>,
    },
    /// EXPLAIN of a query.
    Explain {
        /// For the engine; `analyze` runs the query.
        options: ExplainStatementOptions,
        /// Whether estimates are shown.
        costs: bool,
        /// For the engine.
        query: Box<ast::Query>,
    },
    /// COPY … TO STDOUT.
    Copy {
        /// For the engine.
        query: Box<ast::Query>,
        /// The names that PostgreSQL gives the result columns.
        names: Vec<Option<String>>,
        /// In which form.
        options: CopyOptions,
        /// The table, if a table is copied and not a query.
        table: Option<String>,
    },
    /// DECLARE.
    Declare {
        /// What it is.
        cursor: Cursor,
        /// For the engine.
        query: Box<ast::Query>,
        /// The names that PostgreSQL gives the result columns.
        names: Vec<Option<String>>,
    },
    /// FETCH, or MOVE, which sends no rows.
    Fetch {
        /// The cursor.
        cursor: String,
        /// Where to.
        direction: Direction,
        /// Whether it is MOVE.
        moves: bool,
    },
    /// PREPARE.
    Prepare {
        /// The statement's name.
        name: String,
        /// The OIDs of the types of its first parameters; 705, `unknown`, where it says nothing.
        types: Vec<u32>,
        /// For the engine.
        query: Box<ast::Query>,
        /// The names that PostgreSQL gives the result columns.
        names: Vec<Option<String>>,
    },
    /// LOCK TABLE, in a mode that no reader has to wait for.
    Lock {
        /// For the engine: reads nothing of the tables.
        query: Box<ast::Query>,
    },
    /// EXECUTE.
    Execute {
        /// The statement's name.
        name: String,
        /// Its parameters.
        arguments: Vec<Argument>,
        /// For the engine: computes those that have to be computed.
        query: Option<Box<ast::Query>>,
    },
    /// SET in all its forms but those of transactions.
    Set {
        /// The parameter.
        name: String,
        /// Its values; none for `DEFAULT`.
        values: Vec<String>,
        /// How long.
        scope: Scope,
    },
    /// SET CONSTRAINTS ALL.
    SetConstraints,
    /// SET TRANSACTION, and for the `session` SET SESSION CHARACTERISTICS AS TRANSACTION.
    SetTransaction {
        /// What is set.
        modes: TransactionModes,
        /// Whether later transactions are meant.
        session: bool,
    },
    /// RESET.
    Reset(Option<String>),
    /// SHOW.
    Show(Option<String>),
    /// BEGIN or START TRANSACTION.
    Begin(TransactionModes),
    /// COMMIT or END; `chain` begins another transaction at once.
    Commit {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// ROLLBACK or ABORT; `chain` begins another transaction at once.
    Rollback {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// SAVEPOINT.
    Savepoint(String),
    /// RELEASE.
    Release(String),
    /// ROLLBACK TO.
    RollbackTo(String),
    /// DEALLOCATE.
    Deallocate(Option<String>),
    /// CLOSE.
    Close(Option<String>),
    /// DISCARD; the word says what: `ALL`, `PLANS`, `SEQUENCES`, `TEMP`.
    Discard(&'static str),
    /// LISTEN.
    Listen(String),
    /// UNLISTEN.
    Unlisten(Option<String>),
}

/// A statement that is allowed, and what it answers when it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedStatement {
    /// The statement.
    pub kind: Kind,
    /// Command tag of CommandComplete, without a row count.
    pub tag: &'static str,
}

impl ParsedStatement {
    /// The query for the engine, or its EXPLAIN; `None` if the engine has no part in the statement.
    pub fn engine_statement(&self) -> Option<Statement> {
        let statement = |query: &ast::Query| {
            Statement::Statement(Box::new(ast::Statement::Query(Box::new(query.clone()))))
        };
        match &self.kind {
            Kind::Query { query, .. }
            | Kind::Copy { query, .. }
            | Kind::Declare { query, .. }
            | Kind::Prepare { query, .. }
            | Kind::Lock { query } => Some(statement(query)),
            Kind::Explain { options, query, .. } => Some(Statement::Explain(ExplainStatement {
                options: options.clone(),
                statement: Box::new(statement(query)),
            })),
            _ => None,
        }
    }
}

/// The most words and signs in a text, white space included. Each costs some hundred bytes until it is planned.
const TOKENS_MAX: usize = 400_000;

/// Reads the statements in `sql`; none is an empty list. The recursion is bounded for a stack of 16 MiB: call it on a
/// thread that has as much, as for planning.
///
/// # Errors
/// 42601 with the position, 54001 for a statement that is too deep, 25006 and 42501 for one that is not allowed, 0A000
/// for one that is not provided, 42704 for a parameter that no client may touch.
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>, SqlError> {
    let tokens = Tokenizer::new(&DoorDialect::new(0), sql)
        .tokenize_with_location()
        .map_err(|error| lexical::error(sql, &error))?;
    lexical::check_identifiers(sql, &tokens)?;
    let tokens = words::rewrite(sql, tokens)?;
    depth::check(&tokens)?;
    if tokens.len() > TOKENS_MAX {
        let message = "statement too complex";
        let hint = format!(
            "A text may have at most {TOKENS_MAX} words and signs; it has {}.",
            tokens.len()
        );
        return Err(SqlError::new("54001", message).with_hint(hint));
    }
    let dialect = DoorDialect::new(tokens.len());
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(depth::PARSER_RECURSION_MAX)
        .with_options(ParserOptions::new().with_trailing_commas(false))
        .with_tokens_with_locations(tokens);
    let mut statements = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token_ref().token == Token::EOF {
            return Ok(statements);
        }
        statements.push(statement(sql, &mut parser)?);
        if !matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF) {
            return Err(near_next(sql, &parser));
        }
    }
}

/// The elements of an array literal of one dimension (`{a,"b c",NULL}`), `None` for NULL.
///
/// # Errors
/// 22P02.
pub(crate) fn array_elements(literal: &str) -> Result<Vec<Option<String>>, SqlError> {
    query::texts(literal)
}

/// Reads one statement, up to its end.
fn statement(sql: &str, parser: &mut Parser<'_>) -> Result<ParsedStatement, SqlError> {
    let parsed = |kind, tag| ParsedStatement { kind, tag };
    let word = session::peek_word(parser).unwrap_or_default();
    match word.as_str() {
        "SELECT" | "WITH" | "VALUES" => {}
        "EXPLAIN" => {
            parser.next_token();
            let (options, costs) = explain_options(sql, parser)?;
            let query = read_query(sql, parser)?;
            return Ok(parsed(
                Kind::Explain {
                    options,
                    costs,
                    query: query.0,
                },
                "EXPLAIN",
            ));
        }
        "" if parser.peek_token_ref().token == Token::LParen => {}
        "COPY" | "DECLARE" | "FETCH" | "MOVE" | "PREPARE" | "EXECUTE" | "LOCK" => {
            parser.next_token();
            if word == "PREPARE" && session::peek_word(parser).as_deref() == Some("TRANSACTION") {
                return Err(SqlError::new(
                    "0A000",
                    "prepared transactions are not supported",
                ));
            }
            return match word.as_str() {
                "COPY" => copy::copy(sql, parser),
                "DECLARE" => cursor::declare(sql, parser),
                "PREPARE" => prepared::prepare(sql, parser),
                "EXECUTE" => prepared::execute(sql, parser),
                "LOCK" => lock::lock(sql, parser),
                word => cursor::fetch(word == "MOVE", parser)
                    .map_err(|trouble| trouble.locate(sql, parser)),
            };
        }
        _ => {
            if let Some(statement) =
                session::statement(&word, parser).map_err(|error| error.locate(sql, parser))?
            {
                return Ok(statement);
            }
            return Err(refuse::refusal(parser).unwrap_or_else(|| near_next(sql, parser)));
        }
    }
    let (query, names) = read_query(sql, parser)?;
    Ok(parsed(Kind::Query { query, names }, "SELECT"))
}

/// Reads a query, checks that it only reads, and puts it into the engine's terms.
fn read_query(
    sql: &str,
    parser: &mut Parser<'_>,
) -> Result<(Box<ast::Query>, Vec<Option<String>>), SqlError> {
    let starts_query = matches!(
        session::peek_word(parser).as_deref(),
        Some("SELECT" | "WITH" | "VALUES")
    );
    if !starts_query && parser.peek_token_ref().token != Token::LParen {
        return Err(refuse::refusal(parser).unwrap_or_else(|| near_next(sql, parser)));
    }
    let mut query = parser
        .parse_query()
        .map_err(|error| syntax_error(sql, &error))?;
    // Before the rewriting, which turns `user` into other expressions.
    let names = result_names(&query);
    query::prepare(sql, &mut query)?;
    Ok((query, names))
}

/// Reads what stands between EXPLAIN and the query: PostgreSQL's options, of which those that the engine has no
/// counterpart for are accepted without effect; and whether estimates are to be shown.
fn explain_options(
    sql: &str,
    parser: &mut Parser<'_>,
) -> Result<(ExplainStatementOptions, bool), SqlError> {
    let mut options = ExplainStatementOptions::default();
    let mut costs = true;
    if parser.peek_token_ref().token == Token::LParen && session::peek_word_after_paren(parser) {
        let mut given = parser
            .parse_utility_options()
            .map_err(|error| syntax_error(sql, &error))?;
        for option in &given {
            if option.name.value.eq_ignore_ascii_case("format") {
                options.format = explain_format(option)?;
            }
            if option.name.value.eq_ignore_ascii_case("costs") {
                let value = option.arg.as_ref().map(ToString::to_string);
                let value = value.unwrap_or_default().trim_matches('\'').to_lowercase();
                costs = !["off", "false", "0"].contains(&value.as_str());
            }
        }
        const NOT_FOR_THE_ENGINE: [&str; 9] = [
            "format",
            "timing",
            "summary",
            "buffers",
            "wal",
            "settings",
            "generic_plan",
            "memory",
            "costs",
        ];
        given.retain(|option| {
            !NOT_FOR_THE_ENGINE
                .iter()
                .any(|name| option.name.value.eq_ignore_ascii_case(name))
        });
        let format = options.format.take();
        options = ExplainStatementOptions::from_utility_options(&given).map_err(|_| {
            let names: Vec<_> = given
                .iter()
                .map(|option| option.name.value.to_lowercase())
                .collect();
            SqlError::new(
                "42601",
                format!(
                    "unrecognized EXPLAIN option or value in \"{}\"",
                    names.join(", ")
                ),
            )
        })?;
        options.format = format;
        return Ok((options, costs));
    }
    options.analyze = session::next_is(parser, "ANALYZE");
    options.verbose = session::next_is(parser, "VERBOSE");
    Ok((options, costs))
}

fn explain_format(
    option: &ast::UtilityOption,
) -> Result<Option<datafusion::common::format::ExplainFormat>, SqlError> {
    let value = option
        .arg
        .as_ref()
        .map(|value| value.to_string().trim_matches('\'').to_lowercase());
    match value.as_deref() {
        Some("text") => Ok(None),
        Some("json") => Ok(Some(
            datafusion::common::format::ExplainFormat::PostgresJSON,
        )),
        Some("xml" | "yaml") => Err(SqlError::new(
            "0A000",
            "EXPLAIN answers in the formats text and json only",
        )),
        _ => {
            let value = value.unwrap_or_default();
            Err(SqlError::new(
                "22023",
                format!("unrecognized value for EXPLAIN option \"format\": \"{value}\""),
            ))
        }
    }
}

/// The error for a token that cannot stand where it stands: the next one.
fn near_next(sql: &str, parser: &Parser<'_>) -> SqlError {
    let start = parser.peek_token_ref().span.start;
    near(sql, start.line, start.column)
}

/// `syntax error at or near "x"` for the token at a place; line 0 is the end of the text.
fn near(sql: &str, line: u64, column: u64) -> SqlError {
    let error = SqlError::new("42601", "syntax error at end of input").at(sql, line, column);
    let Some(position) = error.position else {
        let end = u32::try_from(sql.chars().count() + 1).ok();
        return SqlError {
            position: end,
            ..error
        };
    };
    let rest: String = sql.chars().skip(position as usize - 1).collect();
    let token = match rest.chars().next() {
        None => return error,
        Some(quote @ ('"' | '\'')) => rest[1..]
            .find(quote)
            .map_or(rest.as_str(), |end| &rest[..end + 2]),
        Some(first) if first.is_alphanumeric() || first == '_' => rest
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next()
            .unwrap_or_default(),
        Some(first) => &rest[..first.len_utf8()],
    };
    SqlError {
        message: format!("syntax error at or near \"{token}\""),
        ..error
    }
}

/// A pattern of LIKE with the backslash as its escape, where it has another one or, for an empty text, none.
///
/// # Errors
/// 22025 for an escape of more than one character.
pub(crate) fn like_escape(pattern: &str, escape: &str) -> Result<String, SqlError> {
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (_, Some(_)) => Err(SqlError::new("22025", "invalid escape string")
            .with_hint("Escape string must be empty or one character.")),
        (Some('\\'), None) => Ok(pattern.to_owned()),
        (with, None) => Ok(query::like_pattern(pattern, with)),
    }
}

/// The parser's error in PostgreSQL's words, with what the parser expected as detail.
pub(crate) fn syntax_error(sql: &str, error: &ParserError) -> SqlError {
    let (text, from_lexer) = match error {
        ParserError::RecursionLimitExceeded => return depth::too_deep(),
        ParserError::TokenizerError(text) => (text, true),
        ParserError::ParserError(text) => (text, false),
    };
    let (what, place) = text.rsplit_once(" at Line: ").unwrap_or((text, ""));
    let (line, column) = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)))
        .unwrap_or((0, 0));
    let what = what.trim_end_matches(',');
    if from_lexer {
        let mut message = what.to_owned();
        if let Some(first) = message.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        return SqlError::new("42601", message).at(sql, line, column);
    }
    near(sql, line, column).with_detail(format!("{what}."))
}

#[cfg(test)]
mod tests;
