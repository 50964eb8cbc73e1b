//! VALUES: the engine wants all values of a column to be of one type.

use super::build::{bare, cast, literal, number, quoted, select, type_named};
use super::types::{Target, takes_parameters, target};
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Parens, SelectItem, SetExpr, SetOperator, SetQuantifier,
};

/// Casts the values of each column of VALUES to the type that one of them is cast to: texts in quotes to any, and all
/// of them to one that the engine holds as text, since it wants to be told the same of all of them.
pub(super) fn alike(rows: &mut [Parens<Vec<Expr>>]) {
    let columns = rows.first().map_or(0, |row| row.content.len());
    for at in 0..columns {
        let cells = rows.iter().filter_map(|row| row.content.get(at));
        let Some(common) = cells.clone().find_map(text_type) else {
            let Some(common) = cells.clone().find_map(cast_type).cloned() else {
                continue;
            };
            for cell in rows.iter_mut().filter_map(|row| row.content.get_mut(at)) {
                if literal(cell).is_some() {
                    *cell = cast(std::mem::replace(cell, number(0)), common.clone());
                }
            }
            continue;
        };
        let is_same = |cell| cast_type(cell).is_some_and(|data_type| *data_type == common);
        if cells.clone().all(is_same) {
            continue;
        }
        let plain = without_length(&common);
        for cell in rows.iter_mut().filter_map(|row| row.content.get_mut(at)) {
            if cast_type(cell) != Some(&plain) {
                *cell = cast(std::mem::replace(cell, number(0)), plain.clone());
            }
        }
    }
}

/// Rows of VALUES that are written out as branches of a UNION, at most.
const BRANCHES_MAX: usize = 100;

/// The rows of VALUES as queries put together by UNION ALL, if some column has values whose types may differ and are not
/// to be seen: those of a UNION find their common type, while the engine wants VALUES to be alike.
pub(super) fn branches(rows: &[Parens<Vec<Expr>>]) -> Option<Box<SetExpr>> {
    let columns = rows.first()?.content.len();
    let is_uniform = |at: usize| {
        let cells = || rows.iter().filter_map(|row| row.content.get(at));
        let common = cells().next().and_then(cast_type);
        match common {
            Some(common) => cells().all(|cell| cast_type(cell) == Some(common)),
            None => cells().all(is_plain),
        }
    };
    if !(2..=BRANCHES_MAX).contains(&rows.len())
        || rows.iter().any(|row| row.content.len() != columns)
        || (0..columns).all(is_uniform)
    {
        return None;
    }
    let branch = |row: &Parens<Vec<Expr>>| {
        let item = |(at, expr): (usize, &Expr)| SelectItem::ExprWithAlias {
            expr: expr.clone(),
            alias: quoted(format!("column{}", at + 1)),
        };
        let items = row.content.iter().enumerate().map(item).collect();
        select(items, None, None).body
    };
    rows.iter().map(branch).reduce(|left, right| {
        Box::new(SetExpr::SetOperation {
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::All,
            left,
            right,
        })
    })
}

/// Whether a value is written out, without a cast.
fn is_plain(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Value(_) => true,
        Expr::UnaryOp { expr, .. } => matches!(bare(expr), Expr::Value(_)),
        _ => false,
    }
}

/// The type that an expression is cast to.
fn cast_type(expr: &Expr) -> Option<&DataType> {
    match bare(expr) {
        Expr::Cast { data_type, .. } => Some(data_type),
        Expr::TypedString(typed) => Some(&typed.data_type),
        _ => None,
    }
}

/// The same, if it is a type that the engine holds as text.
fn text_type(expr: &Expr) -> Option<DataType> {
    let data_type = cast_type(expr)?;
    let is_text = match target(data_type) {
        Target::Text | Target::Named(..) => true,
        Target::Call(name) => takes_parameters(name),
        _ => false,
    };
    is_text.then(|| data_type.clone())
}

/// A type with room for any number of characters.
fn without_length(data_type: &DataType) -> DataType {
    match target(data_type) {
        Target::Named(name, Some(_)) => type_named(name),
        _ => data_type.clone(),
    }
}
