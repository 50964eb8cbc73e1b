//! Parameters and their values at one time.

use std::sync::Arc;

use super::definitions::{self, Definition, definition};
use super::value::Kind;
use crate::sql::charset::Charset;
use crate::sql::encode::zone::Zone;
use crate::sql::sqlstate::SqlError;

/// The most parameters that a client makes up, and the most bytes that their values take.
const CUSTOM_MAX: usize = 1_000;
const CUSTOM_BYTES_MAX: usize = 1 << 20;

/// A parameter that a value can be given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// By its number.
    Known(usize),
    /// One that the client made up, in lower case. It means nothing here.
    Custom(String),
}

impl Key {
    /// The parameter of this name.
    ///
    /// # Errors
    /// 42704 if there is none and could be none, 42602 for a name of parts that are no identifiers.
    pub(super) fn of(name: &str) -> Result<Self, SqlError> {
        if let Some(index) = definitions::index_of(name) {
            return Ok(Self::Known(index));
        }
        let name = name.to_ascii_lowercase();
        // The engine's own settings are not for clients.
        if !name.contains('.') || name.starts_with("datafusion.") {
            return Err(unknown(&name));
        }
        let leads = |c: char| c.is_alphabetic() || c == '_';
        let follows = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let is_identifier = |part: &str| part.starts_with(leads) && part.chars().all(follows);
        if name.split('.').all(is_identifier) {
            return Ok(Self::Custom(name));
        }
        let message = format!("invalid configuration parameter name \"{name}\"");
        let detail =
            "Custom parameter names must be two or more simple identifiers separated by dots.";
        Err(SqlError::new("42602", message).with_detail(detail))
    }

    /// The name as it is written.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Known(index) => definition(*index).name,
            Self::Custom(name) => name,
        }
    }

    /// The form in which the value is kept.
    pub(super) fn accept(&self, value: &str) -> Result<String, SqlError> {
        match self {
            Self::Known(index) => {
                let Definition { name, kind, .. } = definition(*index);
                kind.accept(name, value)
            }
            Self::Custom(_) => Ok(value.to_owned()),
        }
    }
}

pub(super) fn unknown(name: &str) -> SqlError {
    let message = format!("unrecognized configuration parameter \"{name}\"");
    SqlError::new("42704", message)
}

/// The values of all parameters at one time: those that differ from the built-in defaults.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    /// By number.
    changed: Vec<(usize, Arc<str>)>,
    /// Those that the client made up.
    custom: Vec<(Arc<str>, Arc<str>)>,
    /// What TimeZone names, ready for use.
    pub(super) zone: Zone,
    /// What client_encoding names, ready for use.
    pub(super) charset: Charset,
}

impl Values {
    pub(super) fn get(&self, index: usize) -> &str {
        let changed = self.changed.iter().find(|(i, _)| *i == index);
        changed.map_or(definition(index).default, |(_, value)| value)
    }

    /// The value of a parameter; none for one that was never made up.
    pub(super) fn find(&self, key: &Key) -> Option<&str> {
        match key {
            Key::Known(index) => Some(self.get(*index)),
            Key::Custom(name) => {
                let custom = self.custom.iter().find(|(known, _)| **known == **name);
                custom.map(|(_, value)| &**value)
            }
        }
    }

    /// Puts a value in place that was accepted.
    pub(super) fn put(&mut self, key: &Key, value: &str) {
        let index = match key {
            Key::Known(index) => *index,
            Key::Custom(name) => {
                self.custom.retain(|(known, _)| **known != **name);
                self.custom.push((name.as_str().into(), value.into()));
                return;
            }
        };
        if matches!(definition(index).kind, Kind::TimeZone)
            && let Ok(zone) = value.parse()
        {
            self.zone = zone;
        }
        if matches!(definition(index).kind, Kind::Encoding)
            && let Some(charset) = Charset::named(value)
        {
            self.charset = charset;
        }
        self.changed.retain(|(i, _)| *i != index);
        if value != definition(index).default {
            self.changed.push((index, value.into()));
        }
    }

    /// Whether a parameter that the client made up may have this value beside the others.
    pub(super) fn has_room(&self, key: &Key, value: &str) -> Result<(), SqlError> {
        let Key::Custom(name) = key else {
            return Ok(());
        };
        let others = self.custom.iter().filter(|(known, _)| **known != **name);
        let (mut count, mut bytes) = (1, name.len() + value.len());
        for (name, value) in others {
            count += 1;
            bytes += name.len() + value.len();
        }
        if count > CUSTOM_MAX || bytes > CUSTOM_BYTES_MAX {
            let message = format!(
                "a client can make up at most {CUSTOM_MAX} parameters of {CUSTOM_BYTES_MAX} bytes"
            );
            return Err(SqlError::new("54000", message));
        }
        Ok(())
    }
}
