//! What a caller has set for itself, as functions and tables see it: `current_setting()`, `set_config()`,
//! `pg_settings`.

use std::fmt;

use crate::proxy::postgres::error::SqlError;

/// One parameter with all that is known of it: a row of `pg_settings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name as it is written.
    pub name: String,
    /// Its value, in `unit` where it has one.
    pub setting: String,
    /// What its value counts: `ms`, `s`, `kB`, `8kB`, `B`.
    pub unit: Option<&'static str>,
    /// PostgreSQL's group of parameters.
    pub category: &'static str,
    /// One sentence.
    pub short_desc: &'static str,
    /// Who may set it, as `pg_settings.context` says: `user`, or `internal` for nobody.
    pub context: &'static str,
    /// `bool`, `integer`, `real`, `string` or `enum`.
    pub vartype: &'static str,
    /// Where the value comes from: `default`, `client` (from the start-up message) or `session` (SET).
    pub source: &'static str,
    /// The least number.
    pub min: Option<String>,
    /// The greatest number.
    pub max: Option<String>,
    /// What an `enum` takes.
    pub enumvals: Option<&'static [&'static str]>,
    /// The built-in value; none for a parameter that a client made up.
    pub boot_val: Option<String>,
    /// What RESET returns to.
    pub reset_val: Option<String>,
}

/// The parameters of one caller. It is the same object for all statements of a caller and always tells what holds now,
/// so that a statement that was planned earlier sees no old value.
pub trait ClientSettings: fmt::Debug + Send + Sync {
    /// The value of a parameter, as SHOW answers it; `None` if there is no such parameter. Names are found in any case.
    fn get(&self, name: &str) -> Option<String>;

    /// All parameters, as SHOW ALL orders them.
    fn all(&self) -> Vec<Setting>;

    /// Sets a parameter, or resets it when `value` is none: for the transaction only if `is_local`. Returns the value
    /// as SHOW answers it from now on.
    ///
    /// # Errors
    /// 42704 for a name that is not a parameter, 55P02 for one that cannot be set, 22023 for a value that cannot be
    /// honoured.
    fn set(&self, name: &str, value: Option<&str>, is_local: bool) -> Result<String, SqlError>;
}
