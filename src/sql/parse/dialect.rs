//! PostgreSQL's dialect as the parser knows it, with the parser's work bounded.
//!
//! The parser tries alternatives and goes back. Nested attempts double with each level: thirty nested calls or casts would
//! keep it busy for hours, and nothing can interrupt it. The dialect is asked at each operand, so it counts.

use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType, Expr, ObjectName, TypedString};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use std::any::TypeId;
use std::cell::Cell;
use std::ops::ControlFlow;

/// Operands that the parser may look at for each token; without going back it looks at each token once at most.
const OPERANDS_PER_TOKEN: usize = 8;
/// And for the statement as a whole.
const OPERANDS_MIN: usize = 1_000;

/// See the module.
#[derive(Debug)]
pub(super) struct DoorDialect {
    base: PostgreSqlDialect,
    operands_left: Cell<usize>,
    /// BETWEEN SYMMETRIC that may still come: each writes its bounds twice, and they may nest.
    symmetric_left: Cell<usize>,
}

/// How often BETWEEN SYMMETRIC may stand in a text.
const SYMMETRIC_MAX: usize = 8;

impl DoorDialect {
    /// A dialect for a text of so many tokens.
    pub(super) fn new(tokens: usize) -> Self {
        let operands = OPERANDS_MIN.saturating_add(tokens.saturating_mul(OPERANDS_PER_TOKEN));
        Self {
            base: PostgreSqlDialect {},
            operands_left: Cell::new(operands),
            symmetric_left: Cell::new(SYMMETRIC_MAX),
        }
    }
}

impl DoorDialect {
    /// What follows BETWEEN SYMMETRIC or BETWEEN ASYMMETRIC.
    fn bounds(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        negated: bool,
        is_symmetric: bool,
    ) -> Result<Expr, ParserError> {
        let precedence = self.prec_value(Precedence::Between);
        let low = parser.parse_subexpr(precedence)?;
        parser.expect_keyword_is(Keyword::AND)?;
        let high = parser.parse_subexpr(precedence)?;
        let between = |low: Expr, high: Expr, negated| Expr::Between {
            expr: Box::new(expr.clone()),
            negated,
            low: Box::new(low),
            high: Box::new(high),
        };
        if !is_symmetric {
            return Ok(between(low, high, negated));
        }
        let left = self.symmetric_left.get().checked_sub(1);
        self.symmetric_left
            .set(left.ok_or(ParserError::RecursionLimitExceeded)?);
        let op = match negated {
            false => BinaryOperator::Or,
            true => BinaryOperator::And,
        };
        Ok(Expr::Nested(Box::new(Expr::BinaryOp {
            left: Box::new(between(low.clone(), high.clone(), negated)),
            op,
            right: Box::new(between(high, low, negated)),
        })))
    }
}

/// `type 'text'` for the types that are no key words, of which the parser does not know that they may stand so.
fn typed_constant(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    let Token::Word(word) = &parser.peek_nth_token_ref(0).token else {
        return None;
    };
    // NAME is a key word to the parser, and to PostgreSQL a type.
    if ![Keyword::NoKeyword, Keyword::NAME].contains(&word.keyword) {
        return None;
    }
    if !matches!(
        parser.peek_nth_token_ref(1).token,
        Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_)
    ) {
        return None;
    }
    let constant = |parser: &mut Parser<'_>| {
        let name = parser.parse_identifier()?;
        Ok(Expr::TypedString(TypedString {
            data_type: DataType::Custom(ObjectName::from(vec![name]), Vec::new()),
            value: parser.parse_value()?,
            uses_odbc_syntax: false,
        }))
    };
    Some(constant(parser))
}

/// The most words and signs in the parentheses behind OPERATOR, and before them.
const OPERATOR_TOKENS_MAX: usize = 16;

/// `left OPERATOR(schema.symbol) ANY (…)`, ALL or SOME; none if there is only the operator.
fn quantified(parser: &mut Parser<'_>, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let token = |n: usize| &parser.peek_nth_token_ref(n).token;
    let mut parts = vec![String::new()];
    let mut close = 2;
    while *token(close) != Token::RParen {
        match (token(close), parts.last_mut()) {
            (Token::EOF, _) => return None,
            _ if close > OPERATOR_TOKENS_MAX => return None,
            (Token::Period, _) => parts.push(String::new()),
            (other, Some(part)) => part.push_str(&other.to_string()),
            (_, None) => {}
        }
        close += 1;
    }
    let word = super::session::unquoted(token(close + 1))?;
    if *token(1) != Token::LParen || !matches!(word.as_str(), "ANY" | "SOME" | "ALL") {
        return None;
    }
    for _ in 0..close + 2 {
        parser.advance_token();
    }
    let unknown = || ParserError::ParserError("Expected: a comparison operator".to_owned());
    let compare_op = match super::query::operator(&parts) {
        ControlFlow::Continue(operator) => operator,
        ControlFlow::Break(_) => return Some(Err(unknown())),
    };
    let left = Box::new(left.clone());
    Some(
        operand_of_quantifier(parser).map(|right| match word.as_str() {
            "ALL" => Expr::AllOp {
                left,
                compare_op,
                right: Box::new(right),
            },
            word => Expr::AnyOp {
                left,
                compare_op,
                right: Box::new(right),
                is_some: word == "SOME",
            },
        }),
    )
}

/// `(SELECT …)`, or `(array)`.
fn operand_of_quantifier(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let word = super::session::peek_word(parser);
    let operand = match word.as_deref() {
        Some("SELECT" | "WITH" | "VALUES") => Expr::Subquery(parser.parse_query()?),
        _ => parser.parse_expr()?,
    };
    parser.expect_token(&Token::RParen)?;
    Ok(operand)
}

impl Dialect for DoorDialect {
    /// The parser asks for the dialect by type where it has no method for a difference.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        match self.operands_left.get().checked_sub(1) {
            Some(left) => {
                self.operands_left.set(left);
                typed_constant(parser)
            }
            // Alternatives are not tried after this error.
            None => Some(Err(ParserError::RecursionLimitExceeded)),
        }
    }

    /// `[NOT] BETWEEN SYMMETRIC`: between the two in either order; and `OPERATOR(pg_catalog.=) ANY (…)`. The parser knows
    /// the plain ones only. And of `a IS DISTINCT FROM b AND c` it takes all that follows for the right side.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let is = |n: usize, word: &str| match &parser.peek_nth_token_ref(n).token {
            Token::Word(found) => {
                found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word)
            }
            _ => false,
        };
        if is(0, "OPERATOR") {
            return quantified(parser, expr);
        }
        if is(0, "IS") {
            let negated = is(1, "NOT");
            let words = 3 + usize::from(negated);
            if !is(words - 2, "DISTINCT") || !is(words - 1, "FROM") {
                return None;
            }
            (0..words).for_each(|_| parser.advance_token());
            let left = Box::new(expr.clone());
            let right = parser.parse_subexpr(precedence).map(Box::new);
            return Some(right.map(|right| match negated {
                true => Expr::IsNotDistinctFrom(left, right),
                false => Expr::IsDistinctFrom(left, right),
            }));
        }
        let negated = is(0, "NOT");
        let at = usize::from(negated);
        if !is(at, "BETWEEN") {
            return None;
        }
        let is_symmetric = is(at + 1, "SYMMETRIC");
        if !is_symmetric && !is(at + 1, "ASYMMETRIC") {
            return None;
        }
        for _ in 0..at + 2 {
            parser.advance_token();
        }
        Some(self.bounds(parser, expr, negated, is_symmetric))
    }

    // Names of arguments that are whole expressions make the parser read each argument twice.
    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    fn supports_named_fn_args_with_colon_operator(&self) -> bool {
        false
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.base.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.base.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.base.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.base.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        self.base.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        self.base.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        self.base.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        self.base.prec_value(precedence)
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        true
    }

    fn supports_factorial_operator(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_empty_projections(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }
}
