//! Filters that a table answers exactly: a key column equals one value or one of several.

use std::collections::BTreeSet;
use std::fmt;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::session::SessionId;

/// The rows that a scan is restricted to; each part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub ids: Option<BTreeSet<SessionId>>,
    pub services: Option<BTreeSet<String>>,
    pub users: Option<BTreeSet<String>>,
}

impl Keys {
    /// Whether no row is left out.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Restricts the rows by a filter on `id`, `service` or `user`, if it is one of the forms
    /// `column = value`, `column IN (value, …)` and alternatives of these. Says whether it did.
    pub fn restrict(&mut self, filter: &Expr) -> bool {
        let Some((column, values)) = equality(filter) else {
            return false;
        };
        match column {
            "id" => match values.iter().map(|v| id(v)).collect::<Option<Vec<_>>>() {
                Some(ids) => intersect(&mut self.ids, ids.into_iter().flatten().collect()),
                None => return false,
            },
            "service" | "user" => {
                let Some(texts) = values.iter().map(|v| text(v)).collect::<Option<Vec<_>>>() else {
                    return false;
                };
                let part = match column {
                    "service" => &mut self.services,
                    _ => &mut self.users,
                };
                intersect(part, texts.into_iter().flatten().collect());
            }
            _ => return false,
        }
        true
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ids) = &self.ids {
            match ids.len() {
                0..=8 => write!(f, ", id={ids:?}")?,
                more => write!(f, ", id=({more} ids)")?,
            }
        }
        if let Some(services) = &self.services {
            write!(f, ", service={services:?}")?;
        }
        if let Some(users) = &self.users {
            write!(f, ", user={users:?}")?;
        }
        Ok(())
    }
}

fn intersect<T: Ord>(part: &mut Option<BTreeSet<T>>, mut values: BTreeSet<T>) {
    if let Some(before) = part.take() {
        values.retain(|value| before.contains(value));
    }
    *part = Some(values);
}

/// The column and the values of a filter that says: it equals one of them.
fn equality(filter: &Expr) -> Option<(&str, Vec<&ScalarValue>)> {
    match filter {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _))
            | (Expr::Literal(value, _), Expr::Column(column)) => Some((column.name(), vec![value])),
            _ => None,
        },
        // The engine spells a short IN list this way.
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Or,
            right,
        }) => {
            let (column, mut values) = equality(left)?;
            let (other, more) = equality(right)?;
            values.extend(more);
            (column == other).then_some((column, values))
        }
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) => {
            let Expr::Column(column) = expr.as_ref() else {
                return None;
            };
            let literal = |item| match item {
                &Expr::Literal(ref value, _) => Some(value),
                _ => None,
            };
            let values = list.iter().map(literal).collect::<Option<Vec<_>>>()?;
            Some((column.name(), values))
        }
        _ => None,
    }
}

/// The id that a value stands for. `Some(None)`: a value that no session has, NULL included.
fn id(value: &ScalarValue) -> Option<Option<SessionId>> {
    match value {
        ScalarValue::Int64(number) => Some(number.and_then(SessionId::new)),
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<Option<String>> {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text) => {
            Some(text.clone())
        }
        _ => None,
    }
}
