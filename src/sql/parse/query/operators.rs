//! Operators: those under names of the catalog, and those that the engine has as functions or in other words.

use std::net::IpAddr;
use std::ops::ControlFlow;

use super::build::{
    alias, bare, binary, call, cast, derived, joined, literal, nested, number, parts, quoted,
    select, text,
};
use super::patterns::{escape, escape_of, similar, similar_part_of};
use super::rows::{ROW, all_of, is_row, overlaps, row, row_in_list, rows};
use crate::sql::sqlstate::SqlError;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, Ident, ObjectName, Query, SelectItem, Subscript,
    UnaryOperator, Value,
};

/// Rewrites an operator whose operands have been rewritten already.
pub(super) fn rewrite(expr: &mut Expr) -> ControlFlow<SqlError> {
    let written = match expr {
        Expr::BinaryOp { left, op, right } => {
            if let BinaryOperator::PGCustomBinaryOperator(parts) = op {
                *op = named(parts)?;
            }
            binary_operator(left, op, right)
        }
        Expr::UnaryOp { op, expr } => unary_operator(*op, expr),
        Expr::AtTimeZone {
            timestamp,
            time_zone,
        } => Some(call(
            "timezone",
            vec![time_zone.as_ref().clone(), timestamp.as_ref().clone()],
        )),
        Expr::Like {
            any: false,
            pattern,
            escape_char,
            ..
        }
        | Expr::ILike {
            any: false,
            pattern,
            escape_char,
            ..
        } => {
            escape(pattern, escape_char)?;
            None
        }
        Expr::SimilarTo {
            negated,
            expr,
            pattern,
            escape_char,
        } => {
            let operator = match negated {
                false => BinaryOperator::PGRegexMatch,
                true => BinaryOperator::PGRegexNotMatch,
            };
            let regex = match literal(pattern) {
                Some(pattern) => text(similar(
                    pattern,
                    escape_of(escape_char).unwrap_or(Some('\\')),
                )),
                None => call("similar_to_escape", vec![pattern.as_ref().clone()]),
            };
            Some(binary(expr.as_ref().clone(), operator, regex))
        }
        Expr::Substring {
            substring_from: Some(pattern),
            substring_for: escape @ Some(_),
            ..
        } => {
            let marks = (literal(pattern), escape.as_deref().and_then(literal));
            if let (Some(written), Some(with)) = marks {
                **pattern = text(similar_part_of(written, with)?);
                *escape = None;
            }
            None
        }
        Expr::InList {
            expr,
            list,
            negated,
        } => row_in_list(expr, list, *negated)?,
        Expr::InSubquery { expr, subquery, .. } if row(expr).is_none() => {
            if columns(subquery) > Some(1) {
                let error = SqlError::new("42601", "subquery has too many columns");
                return ControlFlow::Break(error);
            }
            None
        }
        Expr::InSubquery {
            expr,
            subquery,
            negated,
        } => row(expr).map(|row| {
            let names: Vec<Ident> = (1..=row.len())
                .map(|n| quoted(format!("member {n}")))
                .collect();
            let table = quoted("row source");
            let equal = row.iter().zip(&names).map(|(value, name)| {
                let member = Expr::CompoundIdentifier(vec![table.clone(), name.clone()]);
                binary(member, BinaryOperator::Eq, (*value).clone())
            });
            let condition = joined(equal.collect(), BinaryOperator::And, true);
            let rows = alias(table.clone(), names.clone());
            let from = derived(false, subquery.as_ref().clone(), rows);
            let item = SelectItem::UnnamedExpr(number(1));
            Expr::Exists {
                subquery: Box::new(select(vec![item], Some(from), Some(condition))),
                negated: *negated,
            }
        }),
        Expr::CompoundFieldAccess { root, access_chain } => {
            access_chain.iter_mut().for_each(with_bounds);
            field(root, access_chain)
        }
        Expr::IsDistinctFrom(left, right) if row(left).is_none() => {
            Some(distinct(left, DISTINCT, right))
        }
        Expr::IsNotDistinctFrom(left, right) if row(left).is_none() => {
            Some(distinct(left, NOT_DISTINCT, right))
        }
        Expr::IsNull(operand) => row(operand).map(|row| all_of(&row, Expr::IsNull)),
        Expr::IsNotNull(operand) => row(operand).map(|row| all_of(&row, Expr::IsNotNull)),
        // The engine takes little between brackets.
        Expr::Tuple(members) => Some(call(ROW, members.clone())),
        Expr::Function(function) if is_row(function) => {
            function.name = ObjectName::from(vec![Ident::new(ROW)]);
            None
        }
        _ => None,
    };
    if let Some(written) = written {
        *expr = written;
    }
    ControlFlow::Continue(())
}

/// How the engine's planner is asked about `IS DISTINCT FROM` and `IS NOT DISTINCT FROM`, which to it are no operators.
pub(crate) const DISTINCT: &str = "IS DISTINCT FROM";
pub(crate) const NOT_DISTINCT: &str = "IS NOT DISTINCT FROM";

fn distinct(left: &Expr, operator: &str, right: &Expr) -> Expr {
    let operator = BinaryOperator::Custom(operator.to_owned());
    Expr::Nested(Box::new(binary(left.clone(), operator, right.clone())))
}

/// How many columns a query has, if that can be told from how it is written.
fn columns(query: &Query) -> Option<usize> {
    let select = query.body.as_select()?;
    let is_one = |item: &SelectItem| {
        matches!(
            item,
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
        )
    };
    select
        .projection
        .iter()
        .all(is_one)
        .then_some(select.projection.len())
}

/// The operator that `OPERATOR(schema.symbol)` names.
pub(in crate::sql::parse) fn named(parts: &[String]) -> ControlFlow<SqlError, BinaryOperator> {
    use BinaryOperator as B;
    let symbol = parts.last().map(String::as_str).unwrap_or_default();
    ControlFlow::Continue(match symbol {
        "=" => B::Eq,
        "<>" | "!=" => B::NotEq,
        "<" => B::Lt,
        "<=" => B::LtEq,
        ">" => B::Gt,
        ">=" => B::GtEq,
        "+" => B::Plus,
        "-" => B::Minus,
        "*" => B::Multiply,
        "/" => B::Divide,
        "%" => B::Modulo,
        "^" => B::PGExp,
        "||" => B::StringConcat,
        "~" => B::PGRegexMatch,
        "~*" => B::PGRegexIMatch,
        "!~" => B::PGRegexNotMatch,
        "!~*" => B::PGRegexNotIMatch,
        "~~" => B::PGLikeMatch,
        "~~*" => B::PGILikeMatch,
        "!~~" => B::PGNotLikeMatch,
        "!~~*" => B::PGNotILikeMatch,
        "@>" => B::AtArrow,
        "<@" => B::ArrowAt,
        "&&" => B::PGOverlap,
        "&" => B::BitwiseAnd,
        "|" => B::BitwiseOr,
        "#" => B::PGBitwiseXor,
        "<<" => B::PGBitwiseShiftLeft,
        ">>" => B::PGBitwiseShiftRight,
        "->" => B::Arrow,
        "->>" => B::LongArrow,
        "#>" => B::HashArrow,
        "#>>" => B::HashLongArrow,
        _ => {
            let message = format!("operator does not exist: {}", parts.join("."));
            return ControlFlow::Break(SqlError::new("42883", message));
        }
    })
}

fn binary_operator(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    use BinaryOperator as B;
    let function = |name: &str| Some(call(name, vec![left.clone(), right.clone()]));
    let is_binary = is_jsonb(left);
    let of_networks = match op {
        B::PGBitwiseShiftLeft => Some("network_sub"),
        B::PGBitwiseShiftRight => Some("network_sup"),
        B::PGOverlap => Some("network_overlap"),
        // These are of networks only.
        B::Custom(symbol) if symbol == "<<=" => return function("network_subeq"),
        B::Custom(symbol) if symbol == ">>=" => return function("network_supeq"),
        _ => None,
    };
    if let Some(name) = of_networks
        && (is_address(left) || is_address(right))
    {
        return function(name);
    }
    match op {
        B::PGOverlap => function("array_has_any"),
        B::PGStartsWith => function("starts_with"),
        B::Arrow if is_binary => function("jsonb_object_field"),
        B::Arrow => function("json_object_field"),
        B::LongArrow if is_binary => function("jsonb_object_field_text"),
        B::LongArrow => function("json_object_field_text"),
        B::HashArrow if is_binary => function("jsonb_extract_path"),
        B::HashArrow => function("json_extract_path"),
        B::HashLongArrow if is_binary => function("jsonb_extract_path_text"),
        B::HashLongArrow => function("json_extract_path_text"),
        B::StringConcat if is_binary => function("jsonb_concat"),
        B::Minus if is_binary => function("jsonb_delete"),
        B::HashMinus => function("jsonb_delete_path"),
        B::AtArrow if is_binary => function("jsonb_contains"),
        B::ArrowAt if is_binary => function("jsonb_contained"),
        B::Question => function("jsonb_exists"),
        B::QuestionPipe => function("jsonb_exists_any"),
        B::QuestionAnd => function("jsonb_exists_all"),
        // A sign binds closer than the power.
        B::PGExp => None,
        B::Overlaps => overlaps(left, right),
        B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq => {
            let (left, right) = (row(left)?, row(right)?);
            (left.len() == right.len()).then(|| rows(&left, op, &right))
        }
        _ => None,
    }
}

/// Whether an operand is written as an address or a subnet, to which the engine has no type.
fn is_address(expr: &Expr) -> bool {
    const NAMES: [&str; 5] = ["inet", "cidr", "network", "set_masklen", "broadcast"];
    match bare(expr) {
        Expr::Function(function) => matches!(
            parts(&function.name),
            Some((None, name)) if NAMES.contains(&name.as_str())
        ),
        // Beside a column: a text that can be nothing else.
        operand => literal(operand).is_some_and(|text| {
            let address = text.split_once('/').map_or(text, |(address, _)| address);
            address.parse::<IpAddr>().is_ok()
        }),
    }
}

/// Whether an operand is written as a `jsonb`, to which the engine has no type.
fn is_jsonb(expr: &Expr) -> bool {
    /// Functions of `jsonb` that give something else.
    const OTHERS: [&str; 12] = [
        "jsonb_array_length",
        "jsonb_contained",
        "jsonb_contains",
        "jsonb_each",
        "jsonb_each_text",
        "jsonb_exists",
        "jsonb_exists_all",
        "jsonb_exists_any",
        "jsonb_extract_path_text",
        "jsonb_object_field_text",
        "jsonb_pretty",
        "jsonb_typeof",
    ];
    match bare(expr) {
        Expr::Function(function) => matches!(
            parts(&function.name),
            Some((None, name))
                if name == "to_jsonb" || name.starts_with("jsonb_") && !OTHERS.contains(&name.as_str())
        ),
        _ => false,
    }
}

/// Whether an operand is written out, or a parameter.
fn is_constant(operand: &Expr) -> bool {
    matches!(operand, Expr::Value(value) if !matches!(value.value, Value::Boolean(_)))
}

fn unary_operator(op: UnaryOperator, operand: &Expr) -> Option<Expr> {
    match op {
        // Both are of numbers of floating point only.
        UnaryOperator::PGSquareRoot | UnaryOperator::PGCubeRoot => {
            let function = match op {
                UnaryOperator::PGSquareRoot => "sqrt",
                _ => "cbrt",
            };
            let operand = cast(operand.clone(), DataType::DoublePrecision);
            Some(call(function, vec![operand]))
        }
        UnaryOperator::PGAbs => Some(call("abs", vec![operand.clone()])),
        // -1 - x has just the other bits.
        UnaryOperator::BitwiseNot => {
            let ones = Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr: Box::new(number(1)),
            };
            let difference = binary(ones, BinaryOperator::Minus, operand.clone());
            Some(Expr::Nested(Box::new(difference)))
        }
        UnaryOperator::Minus => match operand {
            Expr::BinaryOp {
                left,
                op: BinaryOperator::PGExp,
                right,
            } => {
                let base = Expr::UnaryOp {
                    op: UnaryOperator::Minus,
                    expr: left.clone(),
                };
                Some(binary(base, BinaryOperator::PGExp, right.as_ref().clone()))
            }
            // The sign of a number that is written out belongs to it.
            operand if is_constant(operand) => None,
            operand => Some(call("unary_minus", vec![operand.clone()])),
        },
        UnaryOperator::Plus if !is_constant(operand) => {
            Some(call("unary_plus", vec![operand.clone()]))
        }
        _ => None,
    }
}

/// Gives a slice of an array the bounds that it lacks: those of any array.
fn with_bounds(access: &mut AccessExpr) {
    if let AccessExpr::Subscript(Subscript::Slice {
        lower_bound,
        upper_bound,
        stride: None,
    }) = access
    {
        lower_bound.get_or_insert_with(|| number(1));
        upper_bound.get_or_insert_with(|| number(i32::MAX as usize));
    }
}

/// `(name).field`, `(call(…)).field`.
fn field(root: &Expr, chain: &[AccessExpr]) -> Option<Expr> {
    let (AccessExpr::Dot(Expr::Identifier(first)), rest) = chain.split_first()? else {
        return None;
    };
    let accessed = match (root, bare(root)) {
        (Expr::Nested(_), Expr::Identifier(name)) => {
            Expr::CompoundIdentifier(vec![name.clone(), first.clone()])
        }
        (Expr::Nested(_), Expr::CompoundIdentifier(names)) => {
            let mut names = names.clone();
            names.push(first.clone());
            Expr::CompoundIdentifier(names)
        }
        (Expr::Nested(_), inner @ Expr::Function(_)) => {
            let name = super::build::folded(first);
            match row(inner) {
                // The fields of a row that is written out are f1, f2, …
                Some(members) => {
                    let at = name.strip_prefix('f')?.parse::<usize>().ok()?;
                    nested((*members.get(at.checked_sub(1)?)?).clone())
                }
                None => call("get_field", vec![inner.clone(), text(name)]),
            }
        }
        _ => return None,
    };
    Some(match rest.is_empty() {
        true => accessed,
        false => Expr::CompoundFieldAccess {
            root: Box::new(accessed),
            access_chain: rest.to_vec(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_similar_to_become_regular_expressions() {
        for (pattern, regex) in [
            ("a%", "^(?:a(?s:.*))$"),
            ("(a|b)_", "^(?:(?:a|b)(?s:.))$"),
            ("a.b$", "^(?:a\\.b\\$)$"),
            ("\\%x", "^(?:\\%x)$"),
            ("[%_]+", "^(?:[%_]+)$"),
        ] {
            assert_eq!(similar(pattern, Some('\\')), regex, "{pattern}");
        }
    }
}
