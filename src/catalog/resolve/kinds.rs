//! Kinds of values, and which of them two become together.

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, Operator};

use crate::catalog::functions::Kind;
use crate::catalog::operators::untyped;

/// The kind of a type, if it is one of moments or intervals.
pub(super) fn kind_of(data_type: &DataType) -> Option<Kind> {
    Some(match data_type {
        DataType::Date32 | DataType::Date64 => Kind::Date,
        DataType::Time32(_) | DataType::Time64(_) => Kind::Time,
        DataType::Timestamp(_, None) => Kind::Stamp,
        DataType::Timestamp(_, Some(_)) => Kind::StampTz,
        DataType::Interval(_) | DataType::Duration(_) => Kind::Interval,
        _ => return None,
    })
}

/// The function that converts to a kind.
pub(super) fn converter(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::StampTz => "timestamptz",
        Kind::Stamp => "timestamp",
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::Interval => "interval",
        _ => return None,
    })
}

/// The kind that both become.
pub(super) fn common(one: Kind, other: Kind) -> Option<Kind> {
    let rank = |kind| match kind {
        Kind::Date => Some(0),
        Kind::Stamp => Some(1),
        Kind::StampTz => Some(2),
        _ => None,
    };
    if one == other {
        return Some(one);
    }
    let (one_rank, other_rank) = (rank(one)?, rank(other)?);
    Some(if one_rank > other_rank { one } else { other })
}

/// The type of one and the other together: of numbers the one that has room for both.
pub(super) fn wider(one: DataType, other: DataType) -> Option<DataType> {
    let rank = |data_type: &DataType| match data_type {
        DataType::Int16 => Some(0),
        DataType::Int32 => Some(1),
        DataType::Int64 => Some(2),
        DataType::LargeBinary => Some(3),
        DataType::Float32 => Some(4),
        DataType::Float64 => Some(5),
        _ => None,
    };
    match (rank(&one), rank(&other)) {
        (Some(one_rank), Some(other_rank)) if one_rank >= other_rank => Some(one),
        (Some(_), Some(_)) => Some(other),
        _ => (one == DataType::Boolean && other == DataType::Boolean).then_some(one),
    }
}

pub(super) fn compares(op: Operator) -> bool {
    use Operator as O;
    matches!(
        op,
        O::Eq
            | O::NotEq
            | O::Lt
            | O::LtEq
            | O::Gt
            | O::GtEq
            | O::IsDistinctFrom
            | O::IsNotDistinctFrom
    )
}

/// Whether an expression has no type by itself.
pub(super) fn is_untyped(expr: &Expr) -> bool {
    untyped(expr).is_some()
        || matches!(expr, Expr::Placeholder(_))
        || matches!(expr, Expr::Literal(value, _) if value.is_null())
}
