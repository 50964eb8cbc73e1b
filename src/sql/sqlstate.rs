//! Errors as a PostgreSQL client expects them: an SQLSTATE that programs decide by, and a sentence for people.

mod engine;
mod nearest;
mod place;
mod rules;
mod wording;

pub(crate) use place::located;
pub(crate) use rules::WINDOW_ONLY;
pub(crate) use wording::unreadable;

pub use crate::proxy::postgres::error::{Severity, SqlError};
