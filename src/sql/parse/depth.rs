//! How deep a statement is, from its tokens alone.
//!
//! One pass over the tokens bounds the height of the tree that the parser and the planner will build from them:
//! brackets and CASE nest, and chains lean to the left, one level for each operator (`a OR b OR c`), join, common table
//! expression or set operation. Lists are flat, so a comma ends a chain, except where the planner turns the
//! list into joins (FROM) or into plans inside plans (WITH). Levels weigh what they cost the engine's stack.

use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Stack that a statement may take, in bytes: reading, planning, optimising, running and dropping it recurse over it.
pub(crate) const STACK_BYTES: usize = 32 << 20;
/// Greatest weight of a statement. One of this weight is tested on three quarters of the stack without optimisation.
pub const DEPTH_MAX: usize = 400;
/// Most subqueries in expressions, and queries that begin with WITH, that stand one inside the other: each doubles the
/// planner's work.
pub const SUBQUERIES_MAX: usize = 8;
/// Most parts of a dotted name, less one; the parser's work grows with their square.
const DOTS_MAX: usize = 100;
/// What the parser itself may recurse: several of its functions for each bracket.
pub(super) const PARSER_RECURSION_MAX: usize = DEPTH_MAX * 4;

/// Weight of a bracket.
const BRACKET: usize = 2;
/// Weight of a prefix operator.
const PREFIX: usize = 2;
/// Weight of a set operation.
const SET_OPERATION: usize = 2;
/// Weight of a join, and of a bracket around joins.
const JOIN: usize = 4;
/// Weight of a query inside another, in addition to its brackets.
const QUERY: usize = 4;

/// The refusal of a statement that is too deep.
pub(super) fn too_deep() -> SqlError {
    SqlError::new("54001", "stack depth limit exceeded").with_hint(format!(
        "A statement may be {DEPTH_MAX} levels deep: an operator is one level, a bracket {BRACKET}, a join or a \
         query inside another {JOIN}; subqueries in expressions and with WITH may nest {SUBQUERIES_MAX} times. \
         Long lists of alternatives fit into IN (…)."
    ))
}

/// One open bracket, CASE, or the statement itself.
#[derive(Default)]
struct Level {
    /// Weight of the operators since the last AND, OR or end of a chain.
    operators: usize,
    /// The deepest bracket since then.
    inner: usize,
    /// ANDs since the last OR or end of a chain, and the deepest operand among them.
    ands: usize,
    and_operand: usize,
    /// The same for OR.
    ors: usize,
    or_operand: usize,
    /// The deepest of all chains that have ended.
    done: usize,
    /// What lies on top of all chains: set operations, and being a query.
    base: usize,
    /// Joins and common table expressions.
    joins: usize,
    /// Commas make joins here.
    in_from: bool,
    /// Commas make common table expressions here.
    in_with: bool,
    /// Opened where a table or a common table expression is named, or as the first thing in such a bracket.
    in_list: bool,
    /// What the bracket itself weighs.
    weight: usize,
    /// The same with what was above it when it was opened.
    above_weight: usize,
    /// Opened by CASE.
    is_case: bool,
    /// Opened in an expression, and a query.
    is_subquery: bool,
}

impl Level {
    fn and_chain(&self) -> usize {
        self.ands + self.and_operand.max(self.operators + self.inner)
    }

    fn depth(&self) -> usize {
        let chain = self.ors + self.or_operand.max(self.and_chain());
        self.base + self.joins + self.done.max(chain)
    }

    /// What lies above a bracket that is opened now, as far as it is known.
    fn above(&self) -> usize {
        self.base + self.joins + self.ors + self.ands + self.operators
    }

    fn end_operand(&mut self) {
        self.and_operand = self.and_operand.max(self.operators + self.inner);
        (self.operators, self.inner) = (0, 0);
    }

    fn end_and_chain(&mut self) {
        self.or_operand = self.or_operand.max(self.and_chain());
        (self.operators, self.inner, self.ands, self.and_operand) = (0, 0, 0, 0);
    }

    fn end_chain(&mut self) {
        self.end_and_chain();
        self.done = self.done.max(self.ors + self.or_operand);
        (self.ors, self.or_operand) = (0, 0);
    }

    fn clause(&mut self, in_from: bool, in_with: bool) {
        self.end_chain();
        (self.in_from, self.in_with) = (in_from, in_with);
    }
}

/// The levels around the current token, and what they amount to.
struct Depth {
    levels: Vec<Level>,
    /// Weight of the open levels alone.
    open: usize,
    /// Subqueries among the open levels.
    subqueries: usize,
}

impl Depth {
    fn new() -> Self {
        Self {
            levels: vec![Level::default()],
            open: 0,
            subqueries: 0,
        }
    }

    fn open(&mut self, is_case: bool, previous: &Token) {
        let outer = self.levels.last();
        let in_list = outer.is_some_and(|level| {
            level.in_from || level.in_with || (level.in_list && *previous == Token::LParen)
        });
        let weight = match (is_case, in_list) {
            (true, _) => 1,
            (false, true) => JOIN,
            (false, false) => BRACKET,
        };
        let above = weight + outer.map_or(0, Level::above);
        self.open += above;
        self.levels.push(Level {
            is_case,
            in_list,
            weight,
            above_weight: above,
            ..Level::default()
        });
    }

    /// Ends the innermost level; brackets that were never opened are the parser's business.
    fn close(&mut self) {
        if self.levels.len() < 2 {
            return;
        }
        let Some(inner) = self.levels.pop() else {
            return;
        };
        self.open -= inner.above_weight;
        self.subqueries -= usize::from(inner.is_subquery);
        if let Some(outer) = self.levels.last_mut() {
            outer.inner = outer.inner.max(inner.depth() + inner.weight);
        }
    }

    /// Notes that the innermost level is a query, beginning with WITH or not.
    fn query(&mut self, with: bool) {
        if let Some(level) = self.levels.last_mut() {
            level.base += QUERY;
            level.in_with = with;
            level.is_subquery = with || !level.in_list;
            self.subqueries += usize::from(level.is_subquery);
        }
    }

    fn is_within_bounds(&self) -> bool {
        let inside = self.levels.last().map_or(0, Level::depth);
        self.open + inside <= DEPTH_MAX && self.subqueries <= SUBQUERIES_MAX
    }
}

/// Checks the statements in `tokens`.
///
/// # Errors
/// 54001.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut depth = Depth::new();
    let mut previous = &Token::SemiColon;
    let mut dots = 0;
    for token in tokens.iter().map(|token| &token.token) {
        if matches!(token, Token::Whitespace(_)) {
            continue;
        }
        let word = keyword(token);
        let in_case = depth.levels.last().is_some_and(|level| level.is_case);
        match token {
            Token::SemiColon => depth = Depth::new(),
            Token::LParen | Token::LBracket | Token::LBrace => depth.open(false, previous),
            Token::RParen | Token::RBrace => depth.close(),
            Token::RBracket => {
                depth.close();
                // A subscript is an operator, too.
                if let Some(level) = depth.levels.last_mut() {
                    level.operators += 1;
                }
            }
            _ if word == Keyword::CASE => depth.open(true, previous),
            _ if word == Keyword::END && in_case => depth.close(),
            _ if word == Keyword::SELECT && *previous == Token::LParen => depth.query(false),
            _ if word == Keyword::WITH && *previous == Token::LParen => depth.query(true),
            _ => {
                if let Some(level) = depth.levels.last_mut() {
                    count(level, token, word, previous);
                }
            }
        }
        dots = match (token, previous) {
            (Token::Period, _) => dots + 1,
            (Token::Word(_), Token::Period) => dots,
            _ => 0,
        };
        previous = token;
        if !depth.is_within_bounds() || dots > DOTS_MAX {
            return Err(too_deep());
        }
    }
    Ok(())
}

/// The keyword that an unquoted word is.
pub(super) fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Counts a token that neither opens nor closes a level.
fn count(level: &mut Level, token: &Token, word: Keyword, previous: &Token) {
    use Keyword as K;
    match word {
        K::NoKeyword => match token {
            Token::Comma => {
                level.end_chain();
                level.joins += if level.in_from {
                    JOIN
                } else {
                    usize::from(level.in_with)
                };
            }
            Token::Word(_) => {}
            _ if is_operand(token) => {}
            _ => level.operators += if is_operand(previous) { 1 } else { PREFIX },
        },
        K::UNION | K::INTERSECT | K::EXCEPT | K::MINUS => {
            level.clause(false, false);
            level.base += SET_OPERATION;
        }
        // IS DISTINCT FROM.
        K::FROM if keyword(previous) == K::DISTINCT => {}
        K::FROM => level.clause(true, false),
        K::WITH => level.clause(false, true),
        K::JOIN => {
            level.end_chain();
            level.joins += JOIN;
        }
        K::SELECT
        | K::WHERE
        | K::GROUP
        | K::HAVING
        | K::ORDER
        | K::LIMIT
        | K::WINDOW
        | K::QUALIFY => {
            level.clause(false, false);
        }
        K::ON | K::WHEN | K::THEN | K::ELSE => level.end_chain(),
        K::OR => {
            level.end_and_chain();
            level.ors += 1;
        }
        K::AND => {
            level.end_operand();
            level.ands += 1;
        }
        K::NOT | K::INTERVAL | K::PRIOR | K::EXPLAIN => level.operators += PREFIX,
        K::IS
        | K::IN
        | K::LIKE
        | K::ILIKE
        | K::SIMILAR
        | K::RLIKE
        | K::REGEXP
        | K::BETWEEN
        | K::COLLATE
        | K::AT
        | K::XOR
        | K::OVERLAPS
        | K::DIV
        | K::NOTNULL => level.operators += 1,
        _ => {}
    }
}

/// Whether a token, none of brackets and commas, is an operand or the end of one, rather than an operator.
pub(super) fn is_operand(token: &Token) -> bool {
    match token {
        Token::Word(_) => keyword(token) == Keyword::NoKeyword,
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::SingleQuotedByteStringLiteral(_)
        | Token::Placeholder(_)
        | Token::Period
        | Token::RParen
        | Token::RBracket => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
