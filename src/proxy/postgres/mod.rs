//! PostgreSQL's wire protocol: what every side of it needs that speaks it to a client.

pub(crate) mod error;
pub(crate) mod frame;
pub(crate) mod keys;
pub(crate) mod opening;
pub(crate) mod reply;
pub(crate) mod wire;

pub use error::{Severity, SqlError};
