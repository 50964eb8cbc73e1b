//! What a client may SET and SHOW: its own, and nobody else's.
//!
//! Values are copied on write and shared otherwise, so a transaction remembers what ROLLBACK returns to by keeping
//! a pointer. Each parameter is defined once: its default, what it takes, and its line in SHOW ALL.

mod definitions;
mod number;
mod value;
mod values;
mod view;

use std::sync::Arc;
use std::time::Duration;

use self::definitions::{COUNT, Definition, definition};
use self::number::Unit;
use self::value::{Kind, Type};
use self::values::{Key, Values, unknown};
use super::charset::Charset;
use super::encode::interval::{Forms, IntervalStyle};
use super::encode::zone::Zone;
use super::parse::{Scope, TransactionModes};
use super::sqlstate::SqlError;
use crate::catalog::Setting;

pub(super) use view::{Change, View};

/// What a transaction goes back to, and what outlives it.
#[derive(Debug)]
struct Open {
    /// In force before it began.
    on_rollback: Arc<Values>,
    /// In force after it is committed: without what was set for the transaction only.
    on_commit: Arc<Values>,
    /// In force, and for the commit, when each savepoint was set.
    savepoints: Vec<(Arc<Values>, Arc<Values>)>,
}

/// Parameters of transactions, which RESET ALL leaves alone.
const OF_TRANSACTIONS: [&str; 3] = [
    "transaction_isolation",
    "transaction_read_only",
    "transaction_deferrable",
];

/// A client's parameters.
#[derive(Debug)]
pub(super) struct Settings {
    current: Arc<Values>,
    /// What RESET returns to: what the client said at its start, over the built-in defaults.
    defaults: Arc<Values>,
    /// What the client knows from ParameterStatus.
    told: Arc<Values>,
    open: Option<Open>,
}

impl Settings {
    /// The built-in defaults.
    pub fn new() -> Self {
        let values = Arc::new(Values::default());
        Self {
            current: Arc::clone(&values),
            defaults: Arc::clone(&values),
            told: values,
            open: None,
        }
    }

    /// Takes a value that the client gave at its start, which RESET will return to.
    ///
    /// # Errors
    /// 42704 for a name that is not a parameter, 42602 for one that cannot be made up, 55P02 for one that cannot be set, 22023 for a value that cannot be
    /// honoured.
    pub fn establish(&mut self, name: &str, value: &str) -> Result<(), SqlError> {
        let key = Key::of(name)?;
        let value = key.accept(value)?;
        self.current.has_room(&key, &value)?;
        self.establish_accepted(&key, &value);
        Ok(())
    }

    /// Puts in place what the server says about the client itself.
    pub fn establish_fact(&mut self, name: &str, value: &str) {
        if let Ok(key) = Key::of(name) {
            self.establish_accepted(&key, value);
        }
    }

    fn establish_accepted(&mut self, key: &Key, value: &str) {
        Arc::make_mut(&mut self.current).put(key, value);
        self.defaults = Arc::clone(&self.current);
    }

    /// SET. No values are DEFAULT.
    ///
    /// # Errors
    /// As [`Settings::establish`].
    pub fn set(&mut self, name: &str, values: &[String], scope: Scope) -> Result<(), SqlError> {
        let key = Key::of(name)?;
        let kind = match &key {
            Key::Known(index) => Some(&definition(*index).kind),
            Key::Custom(_) => None,
        };
        match (values, kind) {
            ([], _) => self.put_value(&key, None, scope),
            (values, Some(kind)) if kind.is_list() => {
                self.put_value(&key, Some(&value::flatten(kind, values)), scope)
            }
            ([one], _) => self.put_value(&key, Some(one), scope),
            _ => {
                let message = format!("SET {} takes only one argument", key.name());
                Err(SqlError::new("22023", message))
            }
        }
    }

    /// `set_config()`: as SET, with the value as it stands.
    ///
    /// # Errors
    /// As [`Settings::establish`].
    pub fn apply(&mut self, change: &Change) -> Result<(), SqlError> {
        let key = Key::of(&change.name)?;
        self.put_value(&key, change.value.as_deref(), change.scope)
    }

    /// Gives a parameter a value, or none: then the one that RESET returns to.
    fn put_value(&mut self, key: &Key, value: Option<&str>, scope: Scope) -> Result<(), SqlError> {
        let value = match value {
            Some(value) => key.accept(value)?,
            None => self.defaults.find(key).unwrap_or_default().to_owned(),
        };
        self.current.has_room(key, &value)?;
        self.put(key, &value, scope);
        Ok(())
    }

    /// The values of now, without a transaction around them.
    pub fn in_force(&self) -> Self {
        Self {
            current: Arc::clone(&self.current),
            defaults: Arc::clone(&self.defaults),
            told: Arc::clone(&self.told),
            open: None,
        }
    }

    /// All parameters, with all that is known of them.
    pub fn all(&self) -> Vec<Setting> {
        definitions::in_order()
            .into_iter()
            .map(|index| self.one(index))
            .collect()
    }

    fn one(&self, index: usize) -> Setting {
        let known = definition(index);
        let (value, reset) = (self.current.get(index), self.defaults.get(index));
        let is_fixed = matches!(known.kind, Kind::Fixed(_));
        let (unit, min, max) = match &known.kind {
            Kind::Integer { min, max, unit } => {
                (*unit, Some(min.to_string()), Some(max.to_string()))
            }
            Kind::Real { min, max } => {
                let bound = |bound: &f64| Some(number::shown_real(*bound));
                (Unit::None, bound(min), bound(max))
            }
            Kind::Fixed(Type::Integer) => {
                let only = || Some(known.default.to_owned());
                (Unit::None, only(), only())
            }
            _ => (Unit::None, None, None),
        };
        // As a number of units, without naming them.
        let plain = |value: &str| match number::integer(value, unit) {
            Ok(number) if unit != Unit::None => number.to_string(),
            _ => value.to_owned(),
        };
        Setting {
            name: known.name.to_owned(),
            setting: plain(value),
            unit: unit.name(),
            category: known.category,
            short_desc: known.doc,
            context: if is_fixed { "internal" } else { "user" },
            vartype: known.kind.vartype(),
            source: if value != reset {
                "session"
            } else if reset != known.default && !is_fixed {
                "client"
            } else {
                "default"
            },
            min,
            max,
            enumvals: match known.kind {
                Kind::OneOf(values) => Some(values),
                _ => None,
            },
            boot_val: Some(plain(known.default)),
            reset_val: Some(plain(reset)),
        }
    }

    /// SET TRANSACTION and the modes of BEGIN; with `session`, SET SESSION CHARACTERISTICS.
    ///
    /// # Errors
    /// 22023 for READ WRITE.
    pub fn set_transaction(
        &mut self,
        modes: &TransactionModes,
        session: bool,
    ) -> Result<(), SqlError> {
        let on_off = |value: bool| if value { "on" } else { "off" };
        let wanted = [
            ("transaction_isolation", modes.isolation),
            ("transaction_read_only", modes.read_only.map(on_off)),
            ("transaction_deferrable", modes.deferrable.map(on_off)),
        ];
        for (name, value) in wanted {
            let Some(value) = value else { continue };
            if session {
                self.set(
                    &format!("default_{name}"),
                    &[value.to_owned()],
                    Scope::Session,
                )?;
            } else {
                self.set(name, &[value.to_owned()], Scope::Local)?;
            }
        }
        Ok(())
    }

    /// RESET; of all when no name is given.
    ///
    /// # Errors
    /// 42704 for a name that is not a parameter.
    pub fn reset(&mut self, name: Option<&str>) -> Result<(), SqlError> {
        match name {
            Some(name) => self.set(name, &[], Scope::Session),
            None => {
                self.current = self.reset_of(&self.current);
                if let Some(mut open) = self.open.take() {
                    open.on_commit = self.reset_of(&open.on_commit);
                    self.open = Some(open);
                }
                Ok(())
            }
        }
    }

    /// What RESET ALL makes of `values`: what a transaction is stays as it is.
    fn reset_of(&self, values: &Values) -> Arc<Values> {
        let mut reset = Arc::clone(&self.defaults);
        for name in OF_TRANSACTIONS {
            if let Ok(key) = Key::of(name)
                && let Some(value) = values.find(&key)
                && reset.find(&key) != Some(value)
            {
                Arc::make_mut(&mut reset).put(&key, value);
            }
        }
        reset
    }

    fn put(&mut self, key: &Key, value: &str, scope: Scope) {
        Arc::make_mut(&mut self.current).put(key, value);
        if let Some(open) = &mut self.open
            && scope == Scope::Session
        {
            Arc::make_mut(&mut open.on_commit).put(key, value);
        }
    }

    /// SHOW: the parameter's name as it is written, and its value.
    ///
    /// # Errors
    /// 42704 for a name that is not a parameter.
    pub fn show(&self, name: &str) -> Result<(String, String), SqlError> {
        let key = Key::of(name).map_err(|_| unknown(name))?;
        let value = self.current.find(&key).ok_or_else(|| unknown(name))?;
        Ok((key.name().to_owned(), value.to_owned()))
    }

    /// SHOW ALL: name, value and description of each.
    pub fn show_all(&self) -> impl Iterator<Item = (&'static str, &str, &'static str)> {
        definitions::in_order().into_iter().map(|index| {
            let known = definition(index);
            (known.name, self.current.get(index), known.doc)
        })
    }

    /// A transaction begins, if none is open: one of the client's own or one around a single statement.
    pub fn begin(&mut self) {
        if self.open.is_some() {
            return;
        }
        self.open = Some(Open {
            on_rollback: Arc::clone(&self.current),
            on_commit: Arc::clone(&self.current),
            savepoints: Vec::new(),
        });
        for (name, default) in [
            ("transaction_isolation", "default_transaction_isolation"),
            ("transaction_deferrable", "default_transaction_deferrable"),
        ] {
            let value = self.text(default);
            if value != self.text(name)
                && let Ok(key) = Key::of(name)
            {
                let value = value.to_owned();
                self.put(&key, &value, Scope::Local);
            }
        }
    }

    /// The transaction ends well.
    pub fn commit(&mut self) {
        if let Some(open) = self.open.take() {
            self.current = open.on_commit;
        }
    }

    /// The transaction ends without effect.
    pub fn rollback(&mut self) {
        if let Some(open) = self.open.take() {
            self.current = open.on_rollback;
        }
    }

    /// A savepoint is set.
    pub fn savepoint(&mut self) {
        if let Some(open) = &mut self.open {
            let point = (Arc::clone(&self.current), Arc::clone(&open.on_commit));
            open.savepoints.push(point);
        }
    }

    /// Savepoint `position`, counted from 0, and those behind it are forgotten.
    pub fn release(&mut self, position: usize) {
        if let Some(open) = &mut self.open {
            open.savepoints.truncate(position);
        }
    }

    /// Goes back to savepoint `position`, which stays.
    pub fn rollback_to(&mut self, position: usize) {
        if let Some(open) = &mut self.open
            && let Some((current, on_commit)) = open.savepoints.get(position).cloned()
        {
            self.current = current;
            open.on_commit = on_commit;
            open.savepoints.truncate(position + 1);
        }
    }

    /// What ParameterStatus tells at the start: all reported parameters.
    pub fn report_all(&mut self) -> Vec<(&'static str, String)> {
        self.told = Arc::clone(&self.current);
        reported()
            .map(|(index, d)| (d.name, self.current.get(index).to_owned()))
            .collect()
    }

    /// What ParameterStatus has to tell now: the reported parameters that changed since they were last told.
    pub fn report_changes(&mut self) -> Vec<(&'static str, String)> {
        if Arc::ptr_eq(&self.told, &self.current) {
            return Vec::new();
        }
        let told = std::mem::replace(&mut self.told, Arc::clone(&self.current));
        reported()
            .filter(|(index, _)| told.get(*index) != self.current.get(*index))
            .map(|(index, d)| (d.name, self.current.get(index).to_owned()))
            .collect()
    }

    /// The character set that the client speaks.
    pub fn charset(&self) -> Charset {
        self.current.charset
    }

    /// The time zone that values are shown in.
    pub fn zone(&self) -> Zone {
        self.current.zone
    }

    /// How values read in text.
    pub(super) fn forms(&self) -> Forms {
        Forms {
            zone: self.zone(),
            intervals: IntervalStyle::named(self.text("IntervalStyle")),
        }
    }

    /// The same as the engine names it: a name, or an offset such as `+02:00`.
    pub fn time_zone(&self) -> String {
        match self.current.zone {
            Zone::Named(zone) => zone.name().to_owned(),
            Zone::Fixed(east) => {
                let sign = if east < 0 { '-' } else { '+' };
                let minutes = east.abs() / 60;
                format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }

    /// The text of a parameter that is known to exist; empty for any other.
    pub fn text(&self, name: &str) -> &str {
        definitions::index_of(name).map_or("", |index| self.current.get(index))
    }

    /// A duration parameter; `None` when it is 0, which is no limit.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        let ms = number::integer(self.text(name), Unit::Ms).ok()?;
        let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0)?;
        Some(Duration::from_millis(ms))
    }

    /// The values of now, to see later whether they still are.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::clone(&self.current))
    }

    /// Whether nothing was set since then.
    pub fn is_current(&self, snapshot: &Snapshot) -> bool {
        Arc::ptr_eq(&self.current, &snapshot.0)
    }
}

/// The values of all parameters at some time.
#[derive(Debug)]
pub(super) struct Snapshot(Arc<Values>);

fn reported() -> impl Iterator<Item = (usize, &'static Definition)> {
    let all = (0..COUNT).map(|index| (index, definition(index)));
    all.filter(|(_, definition)| definition.reported)
}

#[cfg(test)]
mod tests;
