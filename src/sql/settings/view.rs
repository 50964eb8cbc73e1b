//! The parameters as functions and tables see them: the door's own stay where they are, and what a statement sets is
//! taken over when the statement is done.

use parking_lot::Mutex;

use super::Settings;
use crate::catalog::{ClientSettings, Setting};
use crate::sql::parse::Scope;
use crate::sql::sqlstate::SqlError;

/// One call of `set_config()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sql) struct Change {
    /// The parameter.
    pub name: String,
    /// Its value; none resets it.
    pub value: Option<String>,
    /// How long.
    pub scope: Scope,
}

/// See the module. It is the same object as long as its client is there.
#[derive(Debug)]
pub(in crate::sql) struct View(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// What holds now, with the changes.
    settings: Settings,
    /// What statements have set since the client's own settings were looked at, oldest first.
    changes: Vec<Change>,
}

impl View {
    /// A view of these settings.
    pub fn new(settings: Settings) -> Self {
        Self(Mutex::new(Inner {
            settings,
            changes: Vec::new(),
        }))
    }

    /// Shows these settings from now on, and forgets what was set in the view alone.
    pub fn show(&self, settings: &Settings) {
        let mut inner = self.0.lock();
        inner.settings = settings.in_force();
        inner.changes.clear();
    }

    /// What was set in the view, to be carried out in the settings themselves.
    pub fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.0.lock().changes)
    }
}

impl ClientSettings for View {
    fn get(&self, name: &str) -> Option<String> {
        let inner = self.0.lock();
        inner.settings.show(name).ok().map(|(_, value)| value)
    }

    fn all(&self) -> Vec<Setting> {
        self.0.lock().settings.all()
    }

    fn set(&self, name: &str, value: Option<&str>, is_local: bool) -> Result<String, SqlError> {
        let scope = match is_local {
            true => Scope::Local,
            false => Scope::Session,
        };
        let change = Change {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            scope,
        };
        let mut inner = self.0.lock();
        inner.settings.apply(&change)?;
        let (_, now) = inner.settings.show(name)?;
        inner.changes.push(change);
        Ok(now)
    }
}
