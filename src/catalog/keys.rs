//! Filters that a table answers exactly: a key column equals one value or one of several, or `idle` is within bounds.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::{Cast, InList, Placeholder};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::statement::{Row, Statement};
use super::table::Order;
use crate::session::{SessionId, SharedName};

/// A column that rows are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyColumn {
    Id,
    Service,
    User,
}

impl KeyColumn {
    fn named(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "service" => Some(Self::Service),
            "user" => Some(Self::User),
            _ => None,
        }
    }

    /// Whether the value, or the parameter's type, is one that the column is compared with as it is.
    fn admits(self, value: &KeyValue) -> bool {
        let data_type = value.data_type();
        match self {
            Self::Id => matches!(data_type, DataType::Int64 | DataType::Int32),
            Self::Service | Self::User => data_type.is_string(),
        }
    }
}

/// What a key column is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyValue {
    Literal(ScalarValue),
    /// A parameter, `$1`, that is read when the scan runs.
    Parameter(String, DataType),
}

impl KeyValue {
    fn data_type(&self) -> DataType {
        match self {
            Self::Literal(value) => value.data_type(),
            Self::Parameter(_, data_type) => data_type.clone(),
        }
    }

    fn of(expr: &Expr) -> Option<Self> {
        match expr {
            // What NULL is part of, the engine may yet make something else of.
            Expr::Literal(value, _) if value.is_null() => None,
            Expr::Literal(value, _) => Some(Self::Literal(value.clone())),
            Expr::Placeholder(Placeholder { id, field }) => {
                let data_type = field.as_ref()?.data_type().clone();
                Some(Self::Parameter(id.clone(), data_type))
            }
            _ => None,
        }
    }

    fn resolve(&self, statement: &Statement) -> Result<ScalarValue> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Parameter(name, data_type) => statement.parameter(name)?.cast_to(data_type),
        }
    }
}

/// How `idle` is compared with a value on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Comparison {
    fn of(operator: Operator) -> Option<Self> {
        match operator {
            Operator::Gt => Some(Self::Above),
            Operator::GtEq => Some(Self::AtLeast),
            Operator::Lt => Some(Self::Below),
            Operator::LtEq => Some(Self::AtMost),
            _ => None,
        }
    }
}

/// What a scan is restricted by: conditions that all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// Columns with the values that they may have.
    equal: Vec<(KeyColumn, Vec<KeyValue>)>,
    /// Bounds of `idle`.
    idle: Vec<(Comparison, KeyValue)>,
}

impl Keys {
    /// Whether no row is left out.
    pub fn is_all(&self) -> bool {
        self.equal.is_empty() && self.idle.is_empty()
    }

    /// Whether rows are chosen by what traffic changes: then they must be shown as they were when they were chosen.
    pub fn bounds_idle(&self) -> bool {
        !self.idle.is_empty()
    }

    /// Whether rows are found by their ids, without looking at all.
    pub fn names_ids(&self) -> bool {
        self.equal
            .iter()
            .any(|(column, _)| *column == KeyColumn::Id)
    }

    /// How many ids are looked up at most, if rows are found by their ids.
    pub fn ids_max(&self) -> Option<usize> {
        let ids = self
            .equal
            .iter()
            .filter(|(column, _)| *column == KeyColumn::Id);
        self.names_ids()
            .then(|| ids.map(|(_, values)| values.len()).sum())
    }

    /// How many names are looked up at most, if rows are restricted by names of one kind and nothing else.
    pub fn names_max(&self) -> Option<usize> {
        let (column, _) = self.equal.first()?;
        let same = self.equal.iter().all(|(other, _)| other == column);
        (same && *column != KeyColumn::Id && self.idle.is_empty())
            .then(|| self.equal.iter().map(|(_, values)| values.len()).sum())
    }

    /// Restricts the rows by a filter on `id`, `service` or `user`, if it is one of the forms
    /// `column = value`, `column IN (value, …)` and alternatives of these, or by a comparison of `idle` with a value.
    /// Says whether it did.
    pub fn restrict(&mut self, filter: &Expr) -> bool {
        if let Some(bound) = idle_bound(filter) {
            self.idle.push(bound);
            return true;
        }
        let Some((name, values)) = equality(filter) else {
            return false;
        };
        let Some(column) = KeyColumn::named(name) else {
            return false;
        };
        let accepted = values.iter().all(|value| column.admits(value));
        if accepted {
            self.equal.push((column, values));
        }
        accepted
    }

    /// The rows that are meant in one run, with the values of its parameters.
    ///
    /// # Errors
    /// When a parameter has no value or one of a wrong type.
    pub fn resolve(&self, statement: &Statement) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        for (column, values) in &self.equal {
            let values = values.iter().map(|value| value.resolve(statement));
            let values = values.collect::<Result<Vec<_>>>()?;
            match column {
                KeyColumn::Id => intersect(&mut wanted.ids, values.iter().filter_map(id)),
                KeyColumn::Service => {
                    intersect(&mut wanted.services, values.iter().filter_map(text))
                }
                KeyColumn::User => intersect(&mut wanted.users, values.iter().filter_map(text)),
            }
        }
        for (comparison, value) in &self.idle {
            let ScalarValue::Float64(bound) = value.resolve(statement)? else {
                return internal_err!("a bound of idle is no number");
            };
            let range = wanted.idle.get_or_insert_default();
            range.restrict(*comparison, bound);
        }
        Ok(wanted)
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (comparison, value) in &self.idle {
            let operator = match comparison {
                Comparison::Above => ">",
                Comparison::AtLeast => ">=",
                Comparison::Below => "<",
                Comparison::AtMost => "<=",
            };
            match value {
                KeyValue::Literal(value) => write!(f, ", idle{operator}{value}")?,
                KeyValue::Parameter(name, _) => write!(f, ", idle{operator}{name}")?,
            }
        }
        for (column, values) in &self.equal {
            let column = format!("{column:?}").to_lowercase();
            write!(f, ", {column}=")?;
            match values.as_slice() {
                [KeyValue::Literal(value)] => write!(f, "{value}")?,
                [KeyValue::Parameter(name, _)] => write!(f, "{name}")?,
                several => write!(f, "one of {}", several.len())?,
            }
        }
        Ok(())
    }
}

/// The rows that a run of a scan is restricted to; each part that is given must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub ids: Option<BTreeSet<SessionId>>,
    pub services: Option<BTreeSet<String>>,
    pub users: Option<BTreeSet<String>>,
    pub idle: Option<IdleRange>,
}

/// How many seconds a session may be idle, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct IdleRange {
    least: f64,
    most: f64,
}

impl Default for IdleRange {
    fn default() -> Self {
        Self {
            least: f64::NEG_INFINITY,
            most: f64::INFINITY,
        }
    }
}

impl IdleRange {
    /// Nothing compares with NULL, and NaN is above every number.
    fn restrict(&mut self, comparison: Comparison, bound: Option<f64>) {
        match (comparison, bound) {
            (Comparison::Above | Comparison::AtLeast, Some(bound)) if !bound.is_nan() => {
                let is_strict = comparison == Comparison::Above;
                let least = if is_strict { bound.next_up() } else { bound };
                self.least = self.least.max(least);
            }
            (Comparison::Below | Comparison::AtMost, Some(bound)) => {
                let is_strict = comparison == Comparison::Below && !bound.is_nan();
                let most = if is_strict { bound.next_down() } else { bound };
                // The other one where this is NaN.
                self.most = self.most.min(most);
            }
            (Comparison::Above | Comparison::AtLeast, Some(_)) | (_, None) => {
                *self = Self {
                    least: f64::INFINITY,
                    most: f64::NEG_INFINITY,
                };
            }
        }
    }

    /// Whether a session may be idle for so many seconds.
    #[inline]
    pub fn contains(&self, idle_s: f64) -> bool {
        self.least <= idle_s && idle_s <= self.most
    }
}

impl Wanted {
    /// Whether no row is left out.
    pub fn is_all(&self) -> bool {
        matches!(
            self,
            Self {
                ids: None,
                services: None,
                users: None,
                idle: None,
            }
        )
    }

    /// The names that the rows are restricted to, when they are restricted by nothing else.
    pub fn names(&self) -> Option<Names<'_>> {
        match self {
            Self {
                ids: None,
                services: Some(services),
                users: None,
                idle: None,
            } => Some(Names(services, SharedName::Service)),
            Self {
                ids: None,
                services: None,
                users: Some(users),
                idle: None,
            } => Some(Names(users, SharedName::User)),
            _ => None,
        }
    }
}

/// Names of one kind, each of which the registry keeps the sessions of.
pub(super) struct Names<'a>(&'a BTreeSet<String>, fn(&'a str) -> SharedName<'a>);

impl Names<'_> {
    /// The names.
    pub fn texts(&self) -> &BTreeSet<String> {
        self.0
    }

    /// Whether they are those of services.
    pub fn is_service(&self) -> bool {
        matches!((self.1)(""), SharedName::Service(_))
    }

    /// How many sessions have one of the names, the first so many of them, and how many of these had just ended.
    pub fn count_and_first(
        &self,
        statement: &Statement,
        most: usize,
        order: Order,
    ) -> (usize, Vec<Row>, usize) {
        let registry = statement.registry();
        let descending = order == Order::Descending;
        let (mut count, mut sessions) = (0, Vec::new());
        for name in self.0 {
            let (of_name, first) = registry.count_and_first((self.1)(name), most, descending);
            count += of_name;
            sessions.extend(first);
        }
        sessions.sort_by_key(|session| session.id());
        if descending {
            sessions.reverse();
        }
        sessions.truncate(most);
        let found = sessions.len();
        let row = |session| Some((Arc::clone(&session), registry.profile(&session)?));
        let rows: Vec<Row> = sessions.into_iter().filter_map(row).collect();
        let ended = found - rows.len();
        (count, rows, ended)
    }

    /// How many sessions have one of the names.
    pub fn count(&self, statement: &Statement) -> usize {
        let registry = statement.registry();
        self.0
            .iter()
            .map(|name| registry.count((self.1)(name)))
            .sum()
    }

    /// The first so many of the sessions that have one of the names.
    pub fn first(&self, statement: &Statement, most: usize, order: Order) -> Vec<Row> {
        let registry = statement.registry();
        let descending = order == Order::Descending;
        let mut wide = most;
        loop {
            let mut sessions: Vec<_> = self
                .0
                .iter()
                .flat_map(|name| registry.first((self.1)(name), wide, descending))
                .collect();
            sessions.sort_by_key(|session| session.id());
            if descending {
                sessions.reverse();
            }
            let found = sessions.len();
            // One that ends at this moment has no profile any more: it is no longer there.
            let row = |session| Some((Arc::clone(&session), registry.profile(&session)?));
            let rows: Vec<Row> = sessions.into_iter().filter_map(row).take(most).collect();
            // Those that ended must not take the places of those that live.
            if rows.len() == most || found < wide {
                return rows;
            }
            wide *= 2;
        }
    }
}

fn intersect<T: Ord>(part: &mut Option<BTreeSet<T>>, values: impl Iterator<Item = T>) {
    let mut values: BTreeSet<T> = values.collect();
    if let Some(before) = part.take() {
        values.retain(|value| before.contains(value));
    }
    *part = Some(values);
}

/// The bound in a filter that compares `idle` with a value.
fn idle_bound(filter: &Expr) -> Option<(Comparison, KeyValue)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
        return None;
    };
    let (column, operator, value) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), value) => (column, *op, value),
        (value, Expr::Column(column)) => (column, op.swap()?, value),
        _ => return None,
    };
    let value = KeyValue::of(value)?;
    (column.name() == "idle" && value.data_type() == DataType::Float64)
        .then_some((Comparison::of(operator)?, value))
}

/// The column and the values of a filter that says: it equals one of them.
fn equality(filter: &Expr) -> Option<(&str, Vec<KeyValue>)> {
    match filter {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) => {
            let (name, value) = match (key_name(left), key_name(right)) {
                (Some(name), None) => (name, right),
                (None, Some(name)) => (name, left),
                _ => return None,
            };
            Some((name, vec![KeyValue::of(value)?]))
        }
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
            let values = list.iter().map(KeyValue::of).collect::<Option<Vec<_>>>()?;
            Some((key_name(expr)?, values))
        }
        _ => None,
    }
}

/// The column that an expression has the values of. Ids have 31 bits: as the `integer` that views make of them, they
/// are the same.
fn key_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(column) => Some(column.name()),
        Expr::Cast(Cast { expr, field })
            if matches!(field.data_type(), DataType::Int32 | DataType::Int64) =>
        {
            key_name(expr).filter(|name| *name == "id")
        }
        _ => None,
    }
}

/// The id that a value stands for; none when no session has it, as for NULL.
fn id(value: &ScalarValue) -> Option<SessionId> {
    match value {
        ScalarValue::Int64(number) => number.and_then(SessionId::new),
        ScalarValue::Int32(number) => number.and_then(|number| SessionId::new(number.into())),
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<String> {
    value.try_as_str().flatten().map(str::to_owned)
}
