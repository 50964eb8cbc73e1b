//! Cursors of SQL: DECLARE, FETCH and MOVE.

use super::session::{Trouble, name, next_is, peek_word};
use super::{Kind, ParsedStatement, read_query};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

/// What DECLARE says of a cursor besides its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Its name.
    pub name: String,
    /// Whether rows come in binary where the client does not say otherwise.
    pub is_binary: bool,
    /// SCROLL or NO SCROLL, if anything.
    pub scroll: Option<bool>,
    /// Whether it outlives the transaction.
    pub hold: bool,
}

/// Where FETCH and MOVE go. No number is ALL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// So many rows on.
    Forward(Option<u64>),
    /// So many rows back.
    Backward(Option<u64>),
    /// To the row of this number: from the end if it is negative, before the first one if it is 0.
    Absolute(i64),
    /// To the row so far from here.
    Relative(i64),
}

/// Reads what follows `DECLARE`.
pub(super) fn declare(sql: &str, parser: &mut Parser<'_>) -> Result<ParsedStatement, SqlError> {
    let cursor = head(parser).map_err(|trouble| trouble.locate(sql, parser))?;
    let (query, names) = read_query(sql, parser)?;
    Ok(ParsedStatement {
        kind: Kind::Declare {
            cursor,
            query,
            names,
        },
        tag: "DECLARE CURSOR",
    })
}

fn head(parser: &mut Parser<'_>) -> Result<Cursor, Trouble> {
    let mut cursor = Cursor {
        name: name(parser)?,
        is_binary: false,
        scroll: None,
        hold: false,
    };
    let conflict = |what: &str| {
        let message = format!("cannot specify both {what}");
        Err(Trouble::Other(SqlError::new("42P11", message)))
    };
    let (mut insensitive, mut asensitive) = (false, false);
    loop {
        match peek_word(parser).as_deref() {
            Some("BINARY") => cursor.is_binary = true,
            Some("INSENSITIVE") => insensitive = true,
            Some("ASENSITIVE") => asensitive = true,
            Some("SCROLL") if cursor.scroll == Some(false) => {
                return conflict("SCROLL and NO SCROLL");
            }
            Some("SCROLL") => cursor.scroll = Some(true),
            Some("NO") => {
                parser.next_token();
                match peek_word(parser).as_deref() {
                    Some("SCROLL") if cursor.scroll == Some(true) => {
                        return conflict("SCROLL and NO SCROLL");
                    }
                    Some("SCROLL") => cursor.scroll = Some(false),
                    _ => return Err(Trouble::Syntax),
                }
            }
            Some("CURSOR") => break,
            _ => return Err(Trouble::Syntax),
        }
        parser.next_token();
    }
    if insensitive && asensitive {
        return conflict("ASENSITIVE and INSENSITIVE");
    }
    parser.next_token();
    let with = next_is(parser, "WITH");
    if with || next_is(parser, "WITHOUT") {
        if !next_is(parser, "HOLD") {
            return Err(Trouble::Syntax);
        }
        cursor.hold = with;
    }
    match next_is(parser, "FOR") {
        true => Ok(cursor),
        false => Err(Trouble::Syntax),
    }
}

/// Reads what follows `FETCH` or `MOVE`.
pub(super) fn fetch(moves: bool, parser: &mut Parser<'_>) -> Result<ParsedStatement, Trouble> {
    let direction = direction(parser)?;
    let _ = next_is(parser, "FROM") || next_is(parser, "IN");
    let kind = Kind::Fetch {
        cursor: name(parser)?,
        direction,
        moves,
    };
    let tag = if moves { "MOVE" } else { "FETCH" };
    Ok(ParsedStatement { kind, tag })
}

fn direction(parser: &mut Parser<'_>) -> Result<Direction, Trouble> {
    let plain = Direction::Forward(Some(1));
    if let Some(count) = number(parser)? {
        return Ok(by(count));
    }
    let Some(word) = peek_word(parser) else {
        return Ok(plain);
    };
    // A word that nothing follows is the cursor's name.
    let follows = matches!(
        parser.peek_nth_token_ref(1).token,
        Token::Word(_) | Token::Number(..) | Token::Minus | Token::Plus
    );
    if !follows {
        return Ok(plain);
    }
    let direction = match word.as_str() {
        "NEXT" => plain,
        "PRIOR" => Direction::Backward(Some(1)),
        "FIRST" => Direction::Absolute(1),
        "LAST" => Direction::Absolute(-1),
        "ALL" => Direction::Forward(None),
        "ABSOLUTE" | "RELATIVE" | "FORWARD" | "BACKWARD" => {
            parser.next_token();
            let count = number(parser)?;
            let all_or_one = |parser: &mut Parser<'_>| match next_is(parser, "ALL") {
                true => None,
                false => Some(1),
            };
            return match (word.as_str(), count) {
                ("ABSOLUTE", Some(count)) => Ok(Direction::Absolute(count)),
                ("RELATIVE", Some(count)) => Ok(Direction::Relative(count)),
                ("FORWARD", Some(count)) => Ok(by(count)),
                ("BACKWARD", Some(count)) => Ok(by(count.saturating_neg())),
                ("FORWARD", None) => Ok(Direction::Forward(all_or_one(parser))),
                ("BACKWARD", None) => Ok(Direction::Backward(all_or_one(parser))),
                _ => Err(Trouble::Syntax),
            };
        }
        _ => return Ok(plain),
    };
    parser.next_token();
    Ok(direction)
}

/// So many rows on, or back.
fn by(count: i64) -> Direction {
    let rows = Some(count.unsigned_abs());
    match count {
        0.. => Direction::Forward(rows),
        _ => Direction::Backward(rows),
    }
}

/// Takes a number with its sign, if there is one.
fn number(parser: &mut Parser<'_>) -> Result<Option<i64>, Trouble> {
    let negative = parser.consume_token(&Token::Minus);
    let signed = negative || parser.consume_token(&Token::Plus);
    let Token::Number(digits, _) = &parser.peek_token_ref().token else {
        return if signed {
            Err(Trouble::Syntax)
        } else {
            Ok(None)
        };
    };
    let number: i32 = digits.parse().map_err(|_| Trouble::Syntax)?;
    parser.next_token();
    Ok(Some(i64::from(if negative { -number } else { number })))
}
