//! What a client may SET and SHOW: its own, and nobody else's.
//!
//! Values are copied on write and shared otherwise, so a transaction remembers what ROLLBACK returns to by keeping
//! a pointer. Each parameter is defined once: its default, what it takes, and its line in SHOW ALL.

mod definitions;
mod value;
mod view;

use std::sync::Arc;
use std::time::Duration;

use self::definitions::{DEFINITIONS, Definition};
use self::value::Kind;
use super::encode::zone::Zone;
use super::parse::{Scope, TransactionModes};
use super::sqlstate::SqlError;
use crate::catalog::Setting;

pub(super) use view::{Change, View};

/// The values of all parameters at one time: those that differ from the built-in defaults.
#[derive(Debug, Clone, Default)]
struct Values {
    /// By index into [`DEFINITIONS`].
    changed: Vec<(usize, Arc<str>)>,
    /// What TimeZone names, ready for use.
    zone: Zone,
}

impl Values {
    fn get(&self, index: usize) -> &str {
        let changed = self.changed.iter().find(|(i, _)| *i == index);
        changed.map_or(DEFINITIONS[index].default, |(_, value)| value)
    }

    /// Puts a value in place that its kind has accepted.
    fn put(&mut self, index: usize, value: &str) {
        if matches!(DEFINITIONS[index].kind, Kind::TimeZone)
            && let Ok(zone) = value.parse()
        {
            self.zone = zone;
        }
        self.changed.retain(|(i, _)| *i != index);
        if value != DEFINITIONS[index].default {
            self.changed.push((index, value.into()));
        }
    }
}

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
    /// 42704 for a name that is not a parameter, 55P02 for one that cannot be set, 22023 for a value that cannot be
    /// honoured.
    pub fn establish(&mut self, name: &str, value: &str) -> Result<(), SqlError> {
        let index = index_of(name)?;
        let value = accepted(index, value)?;
        self.establish_accepted(index, &value);
        Ok(())
    }

    /// Puts in place what the server says about the client itself.
    pub fn establish_fact(&mut self, name: &str, value: &str) {
        if let Ok(index) = index_of(name) {
            self.establish_accepted(index, value);
        }
    }

    fn establish_accepted(&mut self, index: usize, value: &str) {
        Arc::make_mut(&mut self.current).put(index, value);
        self.defaults = Arc::clone(&self.current);
    }

    /// SET. No values are DEFAULT.
    ///
    /// # Errors
    /// As [`Settings::establish`].
    pub fn set(&mut self, name: &str, values: &[String], scope: Scope) -> Result<(), SqlError> {
        let index = index_of(name)?;
        let definition = &DEFINITIONS[index];
        let value = match values {
            [] => Some(self.defaults.get(index).to_owned()),
            _ if definition.kind.is_list() => Some(value::flatten(&definition.kind, values)),
            [one] => Some(one.clone()),
            _ => None,
        };
        let Some(value) = value else {
            let message = format!("SET {} takes only one argument", definition.name);
            return Err(SqlError::new("22023", message));
        };
        if values.is_empty() {
            self.put(index, &value, scope);
            return Ok(());
        }
        let value = accepted(index, &value)?;
        self.put(index, &value, scope);
        Ok(())
    }

    /// `set_config()`: as SET, with the value as it stands.
    ///
    /// # Errors
    /// As [`Settings::establish`].
    pub fn apply(&mut self, change: &Change) -> Result<(), SqlError> {
        let index = index_of(&change.name)?;
        let value = match &change.value {
            Some(value) => accepted(index, value)?,
            None => self.defaults.get(index).to_owned(),
        };
        self.put(index, &value, change.scope);
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
        let setting = |(index, definition): (usize, &Definition)| {
            let value = self.current.get(index);
            let reset = self.defaults.get(index);
            let is_fixed = matches!(definition.kind, Kind::Fixed);
            Setting {
                name: definition.name.to_owned(),
                setting: value.to_owned(),
                unit: None,
                category: "",
                short_desc: definition.doc,
                context: if is_fixed { "internal" } else { "user" },
                vartype: "string",
                source: if value != reset {
                    "session"
                } else if reset != definition.default && !is_fixed {
                    "client"
                } else {
                    "default"
                },
                min: None,
                max: None,
                enumvals: None,
                boot_val: Some(definition.default.to_owned()),
                reset_val: Some(reset.to_owned()),
            }
        };
        DEFINITIONS.iter().enumerate().map(setting).collect()
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
                self.current = Arc::clone(&self.defaults);
                if let Some(open) = &mut self.open {
                    open.on_commit = Arc::clone(&self.defaults);
                }
                Ok(())
            }
        }
    }

    fn put(&mut self, index: usize, value: &str, scope: Scope) {
        Arc::make_mut(&mut self.current).put(index, value);
        if let Some(open) = &mut self.open
            && scope == Scope::Session
        {
            Arc::make_mut(&mut open.on_commit).put(index, value);
        }
    }

    /// SHOW: the parameter's name as it is written, and its value.
    ///
    /// # Errors
    /// 42704 for a name that is not a parameter.
    pub fn show(&self, name: &str) -> Result<(&'static str, String), SqlError> {
        let index = index_of(name)?;
        Ok((DEFINITIONS[index].name, self.current.get(index).to_owned()))
    }

    /// SHOW ALL: name, value and description of each.
    pub fn show_all(&self) -> impl Iterator<Item = (&'static str, &str, &'static str)> {
        DEFINITIONS
            .iter()
            .enumerate()
            .map(|(index, d)| (d.name, self.current.get(index), d.doc))
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
        let defaults = ["transaction_isolation", "transaction_deferrable"].map(|name| {
            let default = self.show(&format!("default_{name}"));
            default.map(|(_, value)| (name, value))
        });
        for (name, value) in defaults.into_iter().flatten() {
            if let Ok(index) = index_of(name)
                && self.current.get(index) != value
            {
                self.put(index, &value, Scope::Local);
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

    /// The time zone that values are shown in.
    pub fn zone(&self) -> Zone {
        self.current.zone
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
        index_of(name).map_or("", |index| self.current.get(index))
    }

    /// A duration parameter; `None` when it is 0, which is no limit.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        let ms = value::milliseconds(self.text(name)).ok()?;
        (ms > 0).then(|| Duration::from_millis(ms))
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
    DEFINITIONS
        .iter()
        .enumerate()
        .filter(|(_, definition)| definition.reported)
}

fn index_of(name: &str) -> Result<usize, SqlError> {
    DEFINITIONS
        .iter()
        .position(|definition| definition.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            let message = format!("unrecognized configuration parameter \"{name}\"");
            SqlError::new("42704", message)
        })
}

/// The value as the parameter's kind takes it.
fn accepted(index: usize, value: &str) -> Result<String, SqlError> {
    let Definition { name, kind, .. } = &DEFINITIONS[index];
    kind.accept(name, value)
}

#[cfg(test)]
mod tests;
