//! Words that the parser does not know where PostgreSQL has them, rewritten before it reads them.

use super::depth::keyword;
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

/// Collations by which texts compare as they do here: byte by byte.
const COLLATIONS: [&str; 4] = ["default", "C", "POSIX", "ucs_basic"];

/// Rewrites what must be before parsing.
///
/// # Errors
/// 42704 for a collation that there is not.
pub(super) fn rewrite(
    sql: &str,
    tokens: Vec<TokenWithSpan>,
) -> Result<Vec<TokenWithSpan>, SqlError> {
    let tokens = without_collations(sql, question_marks(tokens))?;
    let tokens = frame_offsets(rows_from(tokens));
    Ok(no_columns(table_as_select(is_null(tokens))))
}

/// Leaves out `::interval` behind a constant before PRECEDING or FOLLOWING, where the parser takes a constant only and
/// it is an interval anyway.
fn frame_offsets(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_bound = |token: &TokenWithSpan| {
        matches!(
            keyword(&token.token),
            Keyword::PRECEDING | Keyword::FOLLOWING
        )
    };
    if !tokens.iter().any(is_bound) {
        return tokens;
    }
    let is_space = |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    let mut written: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if is_bound(&token) {
            let cast: Vec<usize> = (0..written.len())
                .rev()
                .filter(|at| !is_space(&written[*at]))
                .take(3)
                .collect();
            if let [interval, cast, literal] = cast.as_slice()
                && keyword(&written[*interval].token) == Keyword::INTERVAL
                && written[*cast].token == Token::DoubleColon
                && matches!(written[*literal].token, Token::SingleQuotedString(_))
            {
                written.truncate(literal + 1);
                written.push(TokenWithSpan::new(
                    Token::Whitespace(Whitespace::Space),
                    token.span,
                ));
            }
        }
        written.push(token);
    }
    written
}

/// What `ROWS FROM` is written as: a function.
pub(super) const ROWS_FROM: &str = "rows from";

/// Writes a call of [`ROWS_FROM`] where functions stand side by side in FROM.
fn rows_from(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_rows = |token: &TokenWithSpan| keyword(&token.token) == Keyword::ROWS;
    if !tokens.iter().any(is_rows) {
        return tokens;
    }
    let mut written: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let is_rows = is_rows(&token);
        written.push(token);
        if !is_rows {
            continue;
        }
        let at = written.len() - 1;
        while let Some(space) = rest.next_if(|next| matches!(next.token, Token::Whitespace(_))) {
            written.push(space);
        }
        if rest
            .next_if(|next| keyword(&next.token) == Keyword::FROM)
            .is_some()
        {
            written.truncate(at + 1);
            if let Some(rows) = written.last_mut() {
                rows.token = Token::make_word(ROWS_FROM, Some('"'));
            }
        }
    }
    written
}

/// Takes question marks for the operators of `jsonb` that they are, where the parser sees parameters.
fn question_marks(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_it = |token: &Token| matches!(token, Token::Placeholder(mark) if mark == "?");
    if !tokens.iter().any(|token| is_it(&token.token)) {
        return tokens;
    }
    let mut written = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(mut token) = tokens.next() {
        if is_it(&token.token) {
            token.token = match tokens.peek().map(|next| &next.token) {
                Some(Token::Pipe) => Token::QuestionPipe,
                Some(Token::Ampersand) => Token::QuestionAnd,
                _ => Token::Question,
            };
            if token.token != Token::Question {
                tokens.next();
            }
        }
        written.push(token);
    }
    written
}

/// Leaves out `COLLATE name`, which the parser takes behind a constant only. There is one order of texts.
fn without_collations(
    sql: &str,
    tokens: Vec<TokenWithSpan>,
) -> Result<Vec<TokenWithSpan>, SqlError> {
    let is_collate = |token: &TokenWithSpan| keyword(&token.token) == Keyword::COLLATE;
    if !tokens.iter().any(is_collate) {
        return Ok(tokens);
    }
    let mut written = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if !is_collate(&token) {
            written.push(token);
            continue;
        }
        let mut name = None;
        while let Some(next) = tokens.peek() {
            match &next.token {
                Token::Whitespace(_) => {}
                Token::Period => name = None,
                Token::Word(word) if name.is_none() => {
                    let value = match word.quote_style {
                        Some(_) => word.value.clone(),
                        None => word.value.to_lowercase(),
                    };
                    name = Some((value, next.span.start));
                }
                _ => break,
            }
            tokens.next();
        }
        match name {
            Some((name, _)) if COLLATIONS.contains(&name.as_str()) => {
                written.push(TokenWithSpan::new(
                    Token::Whitespace(Whitespace::Space),
                    token.span,
                ));
            }
            Some((name, start)) => {
                let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
                return Err(SqlError::new("42704", message).at(sql, start.line, start.column));
            }
            // The parser says what is wrong.
            None => written.push(token),
        }
    }
    Ok(written)
}

/// Writes `IS NULL` for `ISNULL`.
fn is_null(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_it = |token: &Token| {
        matches!(token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("isnull"))
    };
    if !tokens.iter().any(|token| is_it(&token.token)) {
        return tokens;
    }
    let mut written: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + 2);
    let mut after_operand = false;
    for token in tokens {
        if matches!(token.token, Token::Whitespace(_)) {
            written.push(token);
            continue;
        }
        if after_operand && is_it(&token.token) {
            let span = token.span;
            written.push(TokenWithSpan::new(Token::make_keyword("IS"), span));
            written.push(TokenWithSpan::new(Token::make_keyword("NULL"), span));
            continue;
        }
        after_operand = match &token.token {
            Token::Period => false,
            Token::Word(word) => {
                word.keyword == Keyword::NoKeyword || word.keyword == Keyword::NULL
            }
            other => super::depth::is_operand(other),
        };
        written.push(token);
    }
    written
}

/// Writes `SELECT * FROM` where a query begins with TABLE, which the parser reads past its end.
fn table_as_select(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens
        .iter()
        .any(|token| keyword(&token.token) == Keyword::TABLE)
    {
        return tokens;
    }
    let mut query_begins = true;
    let mut prepares = false;
    let mut written = Vec::with_capacity(tokens.len() + 2);
    for token in tokens {
        if matches!(token.token, Token::Whitespace(_)) {
            written.push(token);
            continue;
        }
        let word = keyword(&token.token);
        if query_begins && word == Keyword::TABLE {
            let select = [
                Token::make_keyword("SELECT"),
                Token::Mul,
                Token::make_keyword("FROM"),
            ];
            written.extend(select.map(|word| TokenWithSpan::new(word, token.span)));
            query_begins = false;
            continue;
        }
        prepares = word == Keyword::PREPARE || (prepares && token.token != Token::SemiColon);
        query_begins = match (&token.token, word) {
            (Token::SemiColon | Token::LParen, _) => true,
            (_, Keyword::AS) => prepares,
            (_, Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::EXPLAIN) => true,
            // Of DECLARE.
            (_, Keyword::FOR) => true,
            (_, Keyword::ALL | Keyword::DISTINCT | Keyword::ANALYZE | Keyword::VERBOSE) => {
                query_begins
            }
            // Behind the options of EXPLAIN, or behind WITH.
            (Token::RParen, _) => true,
            _ => false,
        };
        written.push(token);
    }
    written
}

/// Gives a SELECT of nothing at all a table of one row: the parser takes an empty list before FROM only.
fn no_columns(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const AFTER: [Keyword; 9] = [
        Keyword::WHERE,
        Keyword::UNION,
        Keyword::INTERSECT,
        Keyword::EXCEPT,
        Keyword::ORDER,
        Keyword::LIMIT,
        Keyword::OFFSET,
        Keyword::GROUP,
        Keyword::HAVING,
    ];
    let ends = |token: Option<&TokenWithSpan>| match token.map(|token| &token.token) {
        None | Some(Token::EOF | Token::SemiColon | Token::RParen) => true,
        Some(token) => AFTER.contains(&keyword(token)),
    };
    let mut written = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let (is_select, span) = (keyword(&token.token) == Keyword::SELECT, token.span);
        written.push(token);
        if !is_select {
            continue;
        }
        while let Some(space) = rest.next_if(|next| matches!(next.token, Token::Whitespace(_))) {
            written.push(space);
        }
        if ends(rest.peek()) {
            let one = [
                Token::make_keyword("FROM"),
                Token::LParen,
                Token::make_keyword("VALUES"),
                Token::LParen,
                Token::Number("1".to_owned(), false),
                Token::RParen,
                Token::RParen,
                Token::make_keyword("AS"),
                Token::make_word("nothing", Some('"')),
            ];
            written.extend(one.map(|token| TokenWithSpan::new(token, span)));
        }
    }
    written
}
