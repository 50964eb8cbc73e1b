//! COPY … TO STDOUT: which rows, and in which form.

mod options;

use super::session::{Trouble, name, next_are, next_is, peek_word};
use super::{DoorDialect, Kind, ParsedStatement, depth, read_query, syntax_error};
use crate::sql::encode::LineStyle;
use crate::sql::names::result_names;
use crate::sql::parse::refuse::read_only;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

/// Values of which columns are quoted although they need not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForceQuote {
    /// All.
    All,
    /// These; often none.
    Columns(Vec<String>),
}

/// The form in which COPY writes rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    /// How lines look; none for the binary format. Which columns are forced into quotes, and whether there is one only,
    /// is yet to be said.
    pub style: Option<LineStyle>,
    /// Whether the names of the columns are the first line.
    pub header: bool,
    /// Which columns are forced into quotes.
    pub force_quote: ForceQuote,
}

/// An option as it is written.
struct Given {
    name: String,
    value: Value,
    place: Location,
}

/// The value of an option.
enum Value {
    None,
    Text(String),
    All,
    List(Vec<String>),
}

/// Reads what follows `COPY`.
pub(super) fn copy(sql: &str, parser: &mut Parser<'_>) -> Result<ParsedStatement, SqlError> {
    let locate = |trouble: Trouble, parser: &Parser<'_>| trouble.locate(sql, parser);
    let mut given = Vec::new();
    let (query, names, table) = if parser.peek_token_ref().token == Token::LParen {
        parser.next_token();
        let (query, names) = read_query(sql, parser).map_err(copied)?;
        if !parser.consume_token(&Token::RParen) {
            return Err(locate(Trouble::Syntax, parser));
        }
        (query, names, None)
    } else {
        if peek_word(parser).as_deref() == Some("BINARY") {
            given.push(option(parser, "format", Value::Text("binary".to_owned())));
            parser.next_token();
        }
        let table = parser
            .parse_object_name(false)
            .map_err(|error| syntax_error(sql, &error))?;
        let columns = columns(parser).map_err(|trouble| locate(trouble, parser))?;
        if next_is(parser, "FROM") {
            return Err(from_client(parser));
        }
        let (query, names) = table_query(&table, &columns)?;
        (query, names, Some(table))
    };
    if !next_is(parser, "TO") {
        return Err(locate(Trouble::Syntax, parser));
    }
    destination(parser).map_err(|trouble| locate(trouble, parser))?;
    options(parser, table.is_some(), &mut given).map_err(|trouble| locate(trouble, parser))?;
    let options = options::read(sql, given)?;
    let kind = Kind::Copy {
        query,
        names,
        options,
        table: table.and_then(|name| Some(name.0.last()?.as_ident()?.value.clone())),
    };
    Ok(ParsedStatement { kind, tag: "COPY" })
}

/// A query that does more than read has a sentence of its own here.
fn copied(error: SqlError) -> SqlError {
    if error.message == read_only("SELECT INTO").message {
        return SqlError::new("0A000", "COPY (SELECT INTO) is not supported");
    }
    error
}

/// COPY FROM, of which nothing is read any more.
fn from_client(parser: &mut Parser<'_>) -> SqlError {
    match place(parser) {
        Place::Client | Place::Unknown => read_only("COPY FROM"),
        Place::Program => on_server("execute_server_program", "to or from an external program"),
        Place::File => on_server("read_server_files", "from a file"),
    }
}

/// Where COPY reads or writes.
enum Place {
    Client,
    File,
    Program,
    Unknown,
}

fn place(parser: &mut Parser<'_>) -> Place {
    if next_is(parser, "STDOUT") || next_is(parser, "STDIN") {
        return Place::Client;
    }
    let program = next_is(parser, "PROGRAM");
    match text(parser) {
        Some(_) if program => Place::Program,
        Some(_) => Place::File,
        None => Place::Unknown,
    }
}

fn destination(parser: &mut Parser<'_>) -> Result<(), Trouble> {
    match place(parser) {
        Place::Client => Ok(()),
        Place::Unknown => Err(Trouble::Syntax),
        Place::Program => Err(Trouble::Other(on_server(
            "execute_server_program",
            "to or from an external program",
        ))),
        Place::File => Err(Trouble::Other(on_server("write_server_files", "to a file"))),
    }
}

/// PostgreSQL's sentence for what only the server's owner may do; here nobody may.
fn on_server(role: &str, what: &str) -> SqlError {
    let message =
        format!("must be superuser or have privileges of the pg_{role} role to COPY {what}");
    SqlError::new("42501", message)
        .with_hint("Use COPY ... TO STDOUT, or psql's \\copy command, which writes on the client.")
}

fn columns(parser: &mut Parser<'_>) -> Result<Vec<ast::Ident>, Trouble> {
    let mut columns: Vec<ast::Ident> = Vec::new();
    if !parser.consume_token(&Token::LParen) {
        return Ok(columns);
    }
    loop {
        let Token::Word(word) = &parser.peek_token_ref().token else {
            return Err(Trouble::Syntax);
        };
        let ident = ast::Ident {
            value: word.value.clone(),
            quote_style: word.quote_style,
            span: parser.peek_token_ref().span,
        };
        parser.next_token();
        if columns.iter().any(|column| column.value == ident.value) {
            let message = format!("column \"{}\" specified more than once", ident.value);
            return Err(Trouble::Other(SqlError::new("42701", message)));
        }
        columns.push(ident);
        if parser.consume_token(&Token::RParen) {
            return Ok(columns);
        }
        if !parser.consume_token(&Token::Comma) {
            return Err(Trouble::Syntax);
        }
    }
}

/// The query that reads these columns of a table, or all.
fn table_query(
    table: &ast::ObjectName,
    columns: &[ast::Ident],
) -> Result<(Box<ast::Query>, Vec<Option<String>>), SqlError> {
    let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
    let columns = if columns.is_empty() {
        "*".to_owned()
    } else {
        columns.join(", ")
    };
    let text = format!("SELECT {columns} FROM {table}");
    parse_text(&text)
}

/// Reads a query that was put together here.
pub(super) fn parse_text(text: &str) -> Result<(Box<ast::Query>, Vec<Option<String>>), SqlError> {
    let dialect = DoorDialect::new(text.len());
    let mut query = Parser::new(&dialect)
        .with_recursion_limit(depth::PARSER_RECURSION_MAX)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_query())
        .map_err(|error| syntax_error(text, &error))?;
    let names = result_names(&query);
    super::query::prepare(text, &mut query)?;
    Ok((query, names))
}

fn option(parser: &Parser<'_>, name: &str, value: Value) -> Given {
    Given {
        name: name.to_owned(),
        value,
        place: parser.peek_token_ref().span.start,
    }
}

/// Takes a text, if there is one.
fn text(parser: &mut Parser<'_>) -> Option<String> {
    let text = match &parser.peek_token_ref().token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.clone(),
        Token::DollarQuotedString(text) => text.value.clone(),
        _ => return None,
    };
    parser.next_token();
    Some(text)
}

fn required_text(parser: &mut Parser<'_>) -> Result<Value, Trouble> {
    text(parser).map(Value::Text).ok_or(Trouble::Syntax)
}

/// Reads the options in either form, and in the oldest one if a table is copied.
fn options(parser: &mut Parser<'_>, of_table: bool, given: &mut Vec<Given>) -> Result<(), Trouble> {
    if of_table && next_are(parser, &["USING", "DELIMITERS"]) {
        let mut delimiter = option(parser, "delimiter", Value::None);
        delimiter.value = required_text(parser)?;
        given.push(delimiter);
    }
    let _ = next_is(parser, "WITH");
    if parser.consume_token(&Token::LParen) {
        loop {
            let mut one = option(parser, "", Value::None);
            one.name = name(parser)?;
            one.value = value(parser)?;
            given.push(one);
            if parser.consume_token(&Token::RParen) {
                return Ok(());
            }
            if !parser.consume_token(&Token::Comma) {
                return Err(Trouble::Syntax);
            }
        }
    }
    while let Some(word) = peek_word(parser) {
        let mut one = option(parser, &word.to_lowercase(), Value::None);
        match word.as_str() {
            "BINARY" | "CSV" => {
                one.value = Value::Text(std::mem::replace(&mut one.name, "format".to_owned()));
                parser.next_token();
            }
            "HEADER" | "FREEZE" => {
                parser.next_token();
            }
            "DELIMITER" | "NULL" | "QUOTE" | "ESCAPE" => {
                parser.next_token();
                let _ = next_is(parser, "AS");
                one.value = required_text(parser)?;
            }
            "ENCODING" => {
                parser.next_token();
                one.value = required_text(parser)?;
            }
            "FORCE" => {
                parser.next_token();
                if next_is(parser, "QUOTE") {
                    one.name = "force_quote".to_owned();
                } else if next_are(parser, &["NOT", "NULL"]) {
                    one.name = "force_not_null".to_owned();
                } else if next_is(parser, "NULL") {
                    one.name = "force_null".to_owned();
                } else {
                    return Err(Trouble::Syntax);
                }
                one.value = if parser.consume_token(&Token::Mul) {
                    Value::All
                } else {
                    let mut names = vec![name(parser)?];
                    while parser.consume_token(&Token::Comma) {
                        names.push(name(parser)?);
                    }
                    Value::List(names)
                };
            }
            _ => return Err(Trouble::Syntax),
        }
        given.push(one);
    }
    Ok(())
}

/// The value of an option in parentheses.
fn value(parser: &mut Parser<'_>) -> Result<Value, Trouble> {
    if parser.consume_token(&Token::Mul) {
        return Ok(Value::All);
    }
    if parser.consume_token(&Token::LParen) {
        let mut names = Vec::new();
        loop {
            names.push(match text(parser) {
                Some(text) => text,
                None => name(parser)?,
            });
            if parser.consume_token(&Token::RParen) {
                return Ok(Value::List(names));
            }
            if !parser.consume_token(&Token::Comma) {
                return Err(Trouble::Syntax);
            }
        }
    }
    if let Some(text) = text(parser) {
        return Ok(Value::Text(text));
    }
    let sign = match parser.consume_token(&Token::Minus) {
        true => "-",
        false => "",
    };
    match &parser.peek_token_ref().token {
        Token::Number(number, _) => {
            let number = format!("{sign}{number}");
            parser.next_token();
            Ok(Value::Text(number))
        }
        Token::Word(_) if sign.is_empty() => name(parser).map(Value::Text),
        _ if sign.is_empty() => Ok(Value::None),
        _ => Err(Trouble::Syntax),
    }
}
