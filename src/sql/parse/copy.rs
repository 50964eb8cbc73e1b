//! COPY … TO STDOUT: which rows, and in which form.

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
    let options = read(sql, given)?;
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
#[expect(clippy::type_complexity, reason = "what is read of any query")]
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
#[expect(clippy::type_complexity, reason = "what is read of any query")]
pub(super) fn parse_text(text: &str) -> Result<(Box<ast::Query>, Vec<Option<String>>), SqlError> {
    let dialect = DoorDialect::new(text.len());
    let mut query = Parser::new(&dialect)
        .with_recursion_limit(depth::PARSER_RECURSION_MAX)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_query())
        .map_err(|error| syntax_error(text, &error))?;
    let names = result_names(&query);
    super::query::prepare(&mut query)?;
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

/// What is wanted, once all options are read.
#[derive(Default)]
struct Wanted {
    format: Option<String>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<bool>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<ForceQuote>,
    seen: Vec<String>,
}

/// Checks the options in PostgreSQL's order.
fn read(sql: &str, given: Vec<Given>) -> Result<CopyOptions, SqlError> {
    let mut wanted = Wanted::default();
    for one in given {
        let at = |error: SqlError| error.at(sql, one.place.line, one.place.column);
        if wanted.seen.contains(&one.name) {
            let message = "conflicting or redundant options";
            return Err(at(SqlError::new("42601", message)));
        }
        wanted.seen.push(one.name.clone());
        let name = one.name.as_str();
        let place = one.place;
        let requires = |value: Value| match value {
            Value::Text(text) => Ok(text),
            _ => {
                let message = format!("{name} requires a parameter");
                Err(SqlError::new("42601", message))
            }
        };
        match name {
            "format" => {
                let format = requires(one.value)?;
                if !matches!(format.as_str(), "text" | "csv" | "binary") {
                    let message = format!("COPY format \"{format}\" not recognized");
                    let error = SqlError::new("22023", message);
                    return Err(error.at(sql, place.line, place.column));
                }
                wanted.format = Some(format);
            }
            "delimiter" => wanted.delimiter = Some(requires(one.value)?),
            "null" => wanted.null = Some(requires(one.value)?),
            "quote" => wanted.quote = Some(requires(one.value)?),
            "escape" => wanted.escape = Some(requires(one.value)?),
            "header" => wanted.header = Some(header(one.value)?),
            // It is about rows that are written on the server.
            "freeze" => {}
            "encoding" => {
                let encoding = requires(one.value)?;
                let plain: String = encoding
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .map(|c| c.to_ascii_lowercase())
                    .collect();
                if !matches!(plain.as_str(), "utf8" | "unicode" | "sqlascii") {
                    let message = "argument to option \"encoding\" must be a valid encoding name";
                    let error = SqlError::new("22023", message);
                    return Err(error.with_hint("The only character set is UTF8.").at(
                        sql,
                        place.line,
                        place.column,
                    ));
                }
            }
            "force_quote" => {
                wanted.force_quote = Some(match one.value {
                    Value::All => ForceQuote::All,
                    Value::List(names) => ForceQuote::Columns(names),
                    _ => {
                        let message =
                            "argument to option \"force_quote\" must be a list of column names";
                        let error = SqlError::new("22023", message);
                        return Err(error.at(sql, place.line, place.column));
                    }
                });
            }
            "force_not_null" | "force_null" => {}
            _ => {
                let message = format!("option \"{name}\" not recognized");
                let error = SqlError::new("42601", message);
                return Err(error.at(sql, place.line, place.column));
            }
        }
    }
    wanted.check()
}

/// Whether there is a header.
fn header(value: Value) -> Result<bool, SqlError> {
    let text = match value {
        Value::None => return Ok(true),
        Value::Text(text) => text.to_ascii_lowercase(),
        Value::All | Value::List(_) => String::new(),
    };
    match text.as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        "match" => Err(SqlError::new(
            "0A000",
            "cannot use \"match\" with HEADER in COPY TO",
        )),
        _ => Err(SqlError::new(
            "42601",
            "header requires a Boolean value or \"match\"",
        )),
    }
}

impl Wanted {
    fn check(self) -> Result<CopyOptions, SqlError> {
        let is = |format: &str| self.format.as_deref() == Some(format);
        let (csv, binary) = (is("csv"), is("binary"));
        let error = |code, message: &str| Err(SqlError::new(code, message));
        if binary && self.delimiter.is_some() {
            return error("42601", "cannot specify DELIMITER in BINARY mode");
        }
        if binary && self.null.is_some() {
            return error("42601", "cannot specify NULL in BINARY mode");
        }
        let text_or_csv = |text, csv_text| if csv { csv_text } else { text };
        let delimiter = self.delimiter.as_deref().unwrap_or(text_or_csv("\t", ","));
        let null = self.null.as_deref().unwrap_or(text_or_csv("\\N", ""));
        let quote = self.quote.as_deref().unwrap_or("\"");
        let escape = self.escape.as_deref().unwrap_or(quote);

        let &[delimiter] = delimiter.as_bytes() else {
            let message = "COPY delimiter must be a single one-byte character";
            return error("0A000", message);
        };
        if matches!(delimiter, b'\n' | b'\r') {
            let message = "COPY delimiter cannot be newline or carriage return";
            return error("22023", message);
        }
        if null.contains(['\n', '\r']) {
            let message = "COPY null representation cannot use newline or carriage return";
            return error("22023", message);
        }
        let in_escapes = |byte: u8| {
            matches!(byte, b'\\' | b'.') || byte.is_ascii_lowercase() || byte.is_ascii_digit()
        };
        if !csv && in_escapes(delimiter) {
            let message = format!("COPY delimiter cannot be \"{}\"", char::from(delimiter));
            return error("22023", &message);
        }
        if binary && self.header.unwrap_or(false) {
            return error("0A000", "cannot specify HEADER in BINARY mode");
        }
        if !csv && self.quote.is_some() {
            return error("0A000", "COPY quote available only in CSV mode");
        }
        let &[quote] = quote.as_bytes() else {
            let message = "COPY quote must be a single one-byte character";
            return error("0A000", message);
        };
        if csv && delimiter == quote {
            let message = "COPY delimiter and quote must be different";
            return error("22023", message);
        }
        if !csv && self.escape.is_some() {
            return error("0A000", "COPY escape available only in CSV mode");
        }
        let &[escape] = escape.as_bytes() else {
            let message = "COPY escape must be a single one-byte character";
            return error("0A000", message);
        };
        if !csv && self.force_quote.is_some() {
            return error("0A000", "COPY force quote available only in CSV mode");
        }
        for (name, what) in [("force_not_null", "not null"), ("force_null", "null")] {
            if self.seen.iter().any(|seen| seen == name) {
                let only = match csv {
                    true => "only available using COPY FROM",
                    false => "available only in CSV mode",
                };
                return error("0A000", &format!("COPY force {what} {only}"));
            }
        }
        if null.as_bytes().contains(&delimiter) {
            let message = "COPY delimiter must not appear in the NULL specification";
            return error("0A000", message);
        }
        if csv && null.as_bytes().contains(&quote) {
            let message = "CSV quote character must not appear in the NULL specification";
            return error("0A000", message);
        }
        let style = LineStyle {
            csv,
            delimiter,
            null: null.as_bytes().into(),
            quote,
            escape,
            forced: Vec::new(),
            is_single: false,
        };
        Ok(CopyOptions {
            style: (!binary).then_some(style),
            header: self.header.unwrap_or(false),
            force_quote: self.force_quote.unwrap_or(ForceQuote::Columns(Vec::new())),
        })
    }
}
