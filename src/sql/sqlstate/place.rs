//! Where in a statement an error is: by the thing that its message names.
//!
//! The engine knows the place of few mistakes. PostgreSQL points at the first word or sign of what is wrong, which the
//! message names, so it is looked for among the statement's tokens.

use super::SqlError;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// The error with its place, where the statement names what the message names.
pub(crate) fn located(error: SqlError, sql: &str) -> SqlError {
    // The engine points at the whole query where PostgreSQL points at the branch.
    let is_rough = error.message.starts_with("each ");
    if (error.position.is_some() && !is_rough) || sql.is_empty() {
        return error;
    }
    let Some(sought) = Sought::of(&error) else {
        return error;
    };
    let Some(tokens) = tokens_of(sql) else {
        return error;
    };
    match sought.find(&tokens) {
        Some(place) => error.at(sql, place.line, place.column),
        None => error,
    }
}

/// The words and signs of a statement.
pub(super) fn tokens_of(sql: &str) -> Option<Vec<TokenWithSpan>> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location();
    let mut tokens = tokens.ok()?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    Some(tokens)
}

/// What is looked for.
enum Sought<'a> {
    /// A column, its table before it if it stood there.
    Column(&'a str),
    /// A table before a dot.
    Qualifier(&'a str),
    /// A table in FROM, the second of its name if two must not share it.
    Call(&'a str),
    /// An operator between such operands, if they are known.
    Operator(&'a str, Option<&'a [String; 2]>),
    /// A sign before its only operand.
    Sign(&'a str),
    /// A constant.
    Literal(&'a str),
    /// What follows a word.
    Behind(&'a str),
    /// What follows a word and a bracket.
    Within(&'a str),
    /// The operand of a word: what stands behind it or, if that is right, before it.
    Beside(&'a str),
    /// What stands before a word.
    Before(&'a str),
    /// A word.
    Word(&'a str),
    /// The list of a SELECT that is a later branch of a set operation.
    Branch(&'a str),
    /// `*` in a SELECT list.
    Star,
    /// The n-th column of ORDER BY or GROUP BY.
    Number(&'a str, &'a str),
    /// A query in an expression.
    Subquery,
    /// The name of a common table expression, for the second time.
    Again(&'a str),
    /// A parameter.
    Parameter(&'a str),
}

impl<'a> Sought<'a> {
    fn of(error: &'a SqlError) -> Option<Self> {
        let message = error.message.as_str();
        let between = |before: &str, after: &str| -> Option<&'a str> {
            let rest = message.strip_prefix(before)?;
            match after {
                "" => Some(rest),
                _ => rest.find(after).map(|end| &rest[..end]),
            }
        };
        match error.code {
            "42703" if message.contains("specified in USING") => None,
            "42703" => between("column \"", "\" does not exist")
                .or_else(|| between("column ", " does not exist"))
                .map(Self::Column),
            "42702" => between("column reference \"", "\"").map(Self::Column),
            "42803" if message.contains("must appear in the GROUP BY") => {
                between("column \"", "\"").map(Self::Column)
            }
            "42803"
                if message.contains("not allowed in") || message.contains("cannot be nested") =>
            {
                Some(Self::Call("count"))
            }
            "42P01" => between("missing FROM-clause entry for table \"", "\"")
                .or_else(|| between("invalid reference to FROM-clause entry for table \"", "\""))
                .map(Self::Qualifier)
                .or_else(|| between("relation \"", "\"").map(Self::Literal)),
            "42712" => between("WITH query name \"", "\"").map(Self::Again),
            "42883" => match between("operator does not exist: ", "") {
                Some(operation) => {
                    operator(operation).map(|symbol| match operation.strip_prefix(symbol) {
                        Some(_) => Self::Sign(symbol),
                        None => Self::Operator(symbol, error.operands.as_deref()),
                    })
                }
                None => between("function ", "(").map(Self::Call),
            },
            // It comes up when the statement runs, and names no constant as it was written.
            "22P02" if message.starts_with("path element") => None,
            "22P02" | "22007" | "22008" | "22003" => {
                let (_, value) = message
                    .split_once(": \"")
                    .or_else(|| message.split_once("value \""))?;
                let end = value.rfind('"')?;
                value.get(..end).map(Self::Literal)
            }
            "42804" => {
                let clause = between("argument of ", " must be")?;
                match clause {
                    "AND" | "OR" => Some(Self::Beside(clause)),
                    "CASE/WHEN" => Some(Self::Behind("WHEN")),
                    "JOIN/ON" => Some(Self::Behind("ON")),
                    clause if clause.starts_with("IS ") => Some(Self::Before("IS")),
                    clause => Some(Self::Behind(clause)),
                }
            }
            "42P10" if message.starts_with("SELECT DISTINCT ON") => Some(Self::Within("ON")),
            "42P10" => {
                let (clause, rest) = message.split_once(" position ")?;
                let (number, _) = rest.split_once(' ')?;
                Some(Self::Number(clause, number))
            }
            "42601" if message == "subquery must return only one column" => Some(Self::Subquery),
            "42601" if message == "subquery has too many columns" => Some(Self::Word("IN")),
            "42601" if message.starts_with("SELECT * with no tables") => Some(Self::Star),
            "42601" => {
                between("each ", " query must have the same number of columns").map(Self::Branch)
            }
            "42725" => between("operator is not unique: ", "")
                .and_then(operator)
                .map(|symbol| Self::Operator(symbol, error.operands.as_deref())),
            "42846" => between("cannot cast type ", "").map(|_| Self::Operator("::", None)),
            "42P02" => between("there is no parameter ", "").map(Self::Parameter),
            _ => None,
        }
    }

    fn find(&self, tokens: &[TokenWithSpan]) -> Option<Location> {
        let at = |n: usize| tokens.get(n).map(|token| &token.token);
        let place = |n: usize| tokens.get(n).map(|token| token.span.start);
        let is = |n: usize, name: &str| is_named(at(n), name);
        let first = |test: &dyn Fn(usize) -> bool| (0..tokens.len()).find(|n| test(*n));
        match self {
            Self::Column(name) => match name.rsplit_once('.') {
                Some((table, column)) => first(&|n| {
                    is(n, table) && at(n + 1) == Some(&Token::Period) && is(n + 2, column)
                })
                .or_else(|| self.bare(tokens))
                .and_then(place),
                None => self.bare(tokens).and_then(place),
            },
            Self::Qualifier(name) => {
                first(&|n| is(n, name) && at(n + 1) == Some(&Token::Period)).and_then(place)
            }
            Self::Call(name) => {
                let found = first(&|n| is(n, name) && at(n + 1) == Some(&Token::LParen))?;
                match found.checked_sub(2) {
                    Some(schema) if at(found - 1) == Some(&Token::Period) => place(schema),
                    _ => place(found),
                }
            }
            Self::Operator(symbol, operands) => {
                let is_symbol = |n: usize| {
                    !is_sign(tokens, n) && at(n).is_some_and(|token| is_operator(token, symbol))
                };
                let stands =
                    |n: &usize| is_symbol(*n) || words_for(symbol).iter().any(|word| is(*n, word));
                let known = |n: usize| {
                    let Some([left, right]) = operands else {
                        return usize::from(is_symbol(n));
                    };
                    let before = n.checked_sub(1).and_then(at);
                    let is_value = |token: Option<&Token>, value: &str| {
                        !value.is_empty() && (is_named(token, value) || is_constant(token, value))
                    };
                    let beside = [(before, left), (at(n + 1), right)];
                    let beside = beside
                        .into_iter()
                        .filter(|(token, value)| is_value(*token, value));
                    2 * beside.count() + usize::from(is_symbol(n))
                };
                // Of several that are as likely the first.
                let found = (0..tokens.len()).filter(stands).rev();
                found.max_by_key(|n| known(*n)).and_then(place)
            }
            Self::Sign(symbol) => first(&|n| {
                is_sign(tokens, n) && at(n).is_some_and(|token| is_operator(token, symbol))
            })
            .and_then(place),
            Self::Literal(value) => {
                let literal = |n: usize| match at(n) {
                    Some(
                        Token::SingleQuotedString(text)
                        | Token::EscapedStringLiteral(text)
                        | Token::UnicodeStringLiteral(text),
                    ) => text.contains(value) && (text == value || text.starts_with('{')),
                    _ => false,
                };
                let word = |n: usize| is(n, value);
                first(&literal)
                    .or_else(|| match value.chars().next() {
                        Some(c) if c.is_alphabetic() => None,
                        _ => first(&word),
                    })
                    .and_then(place)
            }
            Self::Behind(word) => {
                let found = first(&|n| is(n, word))?;
                let paren = match at(found + 1) {
                    // FILTER (WHERE …)
                    Some(Token::LParen) if is(found + 2, "where") => 2,
                    _ => 0,
                };
                place(found + 1 + paren)
            }
            Self::Within(word) => first(&|n| is(n, word) && at(n + 1) == Some(&Token::LParen))
                .and_then(|found| place(found + 2)),
            Self::Beside(word) => {
                let found = first(&|n| is(n, word))?;
                let is_constant = |n: usize| {
                    matches!(
                        at(n),
                        Some(Token::Number(..) | Token::SingleQuotedString(_))
                    )
                };
                match (found.checked_sub(1), is_constant(found + 1)) {
                    (_, true) => place(found + 1),
                    (Some(before), false) if is_constant(before) => place(before),
                    _ => None,
                }
            }
            Self::Before(word) => first(&|n| is(n, word))?.checked_sub(1).and_then(place),
            Self::Word(word) => first(&|n| is(n, word)).and_then(place),
            Self::Branch(word) => {
                let found = first(&|n| is(n, word))?;
                let select = (found..tokens.len()).find(|n| is(*n, "select"))?;
                place(select + 1)
            }
            Self::Star => first(&|n| at(n) == Some(&Token::Mul)).and_then(place),
            Self::Number(clause, number) => {
                let clause = clause.split(' ').next().unwrap_or_default();
                let found = first(&|n| is(n, clause))?;
                (found..tokens.len())
                    .find(|n| matches!(at(*n), Some(Token::Number(text, _)) if text == number))
                    .and_then(place)
            }
            Self::Subquery => {
                first(&|n| at(n) == Some(&Token::LParen) && is(n + 1, "select")).and_then(place)
            }
            Self::Again(name) => {
                let defined = |n: &usize| is(*n, name) && is(n + 1, "as");
                (0..tokens.len()).filter(defined).nth(1).and_then(place)
            }
            Self::Parameter(name) => {
                first(&|n| matches!(at(n), Some(Token::Placeholder(text)) if text == name))
                    .and_then(place)
            }
        }
    }

    /// A column without its table: not a name that is given (`AS name`), called or followed by a dot.
    fn bare(&self, tokens: &[TokenWithSpan]) -> Option<usize> {
        let Self::Column(name) = self else {
            return None;
        };
        let is_qualified = name.contains('.');
        let name = name.rsplit('.').next().unwrap_or(name);
        let at = |n: usize| tokens.get(n).map(|token| &token.token);
        (0..tokens.len()).find(|n| {
            is_named(at(*n), name)
                && !is_named(at(n.wrapping_sub(1)), "as")
                && (is_qualified || at(n.wrapping_sub(1)) != Some(&Token::Period))
                && !matches!(at(n + 1), Some(Token::LParen | Token::Period))
        })
    }
}

/// Words that stand for an operator as well.
fn words_for(symbol: &str) -> &'static [&'static str] {
    match symbol {
        "=" => &["in", "when"],
        ">=" | "<=" => &["between"],
        _ => &[],
    }
}

/// Whether a token that could be a sign has no operand before it.
fn is_sign(tokens: &[TokenWithSpan], n: usize) -> bool {
    /// Words that no operand ends with.
    const OPENERS: [&str; 21] = [
        "all", "and", "any", "between", "by", "case", "distinct", "else", "having", "ilike", "in",
        "like", "limit", "not", "offset", "on", "or", "select", "then", "when", "where",
    ];
    let could_be = matches!(
        tokens.get(n).map(|token| &token.token),
        Some(Token::Plus | Token::Minus | Token::Tilde)
    );
    let before = n.checked_sub(1).and_then(|n| tokens.get(n));
    could_be
        && match before.map(|token| &token.token) {
            None | Some(Token::LParen | Token::LBracket | Token::Comma) => true,
            Some(Token::Word(word)) => {
                let folded = word.value.to_lowercase();
                word.quote_style.is_none() && OPENERS.contains(&folded.as_str())
            }
            Some(
                Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::EscapedStringLiteral(_)
                | Token::Placeholder(_)
                | Token::RParen
                | Token::RBracket,
            ) => false,
            Some(_) => true,
        }
}

/// Whether a token is this constant.
fn is_constant(token: Option<&Token>, value: &str) -> bool {
    match token {
        Some(Token::Number(digits, _)) => digits == value,
        Some(Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text)) => text == value,
        Some(Token::Placeholder(name)) => name == value,
        _ => false,
    }
}

fn is_named(token: Option<&Token>, name: &str) -> bool {
    match token {
        Some(Token::Word(word)) => match word.quote_style {
            Some(_) => word.value == name,
            None => word.value.eq_ignore_ascii_case(name),
        },
        _ => false,
    }
}

/// The sign in `left sign right`, both being names of types.
fn operator(operation: &str) -> Option<&str> {
    operation.split(' ').find(|word| {
        word.chars().all(|c| "+-*/<>=~!@#%^&|?".contains(c)) || *word == "AND" || *word == "OR"
    })
}

fn is_operator(token: &Token, symbol: &str) -> bool {
    match symbol {
        "~~" | "!~~" => is_named(Some(token), "like"),
        "~~*" | "!~~*" => is_named(Some(token), "ilike"),
        "<>" => *token == Token::Neq,
        "AND" | "OR" => is_named(Some(token), symbol),
        symbol => token.to_string() == symbol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_what_is_named_is_the_place() {
        for (sql, code, message, position) in [
            (
                "SELECT nope FROM t",
                "42703",
                "column \"nope\" does not exist",
                Some(8),
            ),
            (
                "SELECT 1 AS nope,\n s.nope FROM t s",
                "42703",
                "column s.nope does not exist",
                Some(20),
            ),
            (
                "SELECT a.id, id FROM a, b",
                "42702",
                "column reference \"id\" is ambiguous",
                Some(14),
            ),
            (
                "SELECT x.id FROM t",
                "42P01",
                "missing FROM-clause entry for table \"x\"",
                Some(8),
            ),
            (
                "SELECT pg_catalog.f(1)",
                "42883",
                "function f(integer) does not exist",
                Some(8),
            ),
            (
                "SELECT -1 - 'a'",
                "42883",
                "operator does not exist: integer - text",
                Some(11),
            ),
            (
                "SELECT id FROM t WHERE id = 'x'",
                "22P02",
                "invalid input syntax for type bigint: \"x\"",
                Some(29),
            ),
            (
                "SELECT 1 FROM t WHERE id",
                "42804",
                "argument of WHERE must be type boolean, not type bigint",
                Some(23),
            ),
            (
                "SELECT 1 ORDER BY 5",
                "42P10",
                "ORDER BY position 5 is not in select list",
                Some(19),
            ),
            ("SELECT 1", "42703", "column \"nope\" does not exist", None),
        ] {
            let error = located(SqlError::new(code, message), sql);
            assert_eq!(error.position, position, "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_statement_panics(sql in "\\PC*", name in "[a-z.]{0,8}") {
            for (code, message) in [
                ("42703", format!("column \"{name}\" does not exist")),
                ("42703", format!("column {name} does not exist")),
                ("42883", format!("function {name}(text) does not exist")),
                ("22P02", format!("invalid input syntax for type bigint: \"{name}\"")),
                ("42804", format!("argument of {name} must be type boolean")),
            ] {
                located(SqlError::new(code, message), &sql);
            }
        }
    }
}
