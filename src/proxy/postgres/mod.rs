//! PostgreSQL's wire protocol: what every side of it needs that speaks it to a client, and the sessions of clients
//! whose traffic goes to a server.
//!
//! | module | what it is |
//! | --- | --- |
//! | `opening`, `frame`, `reply`, `keys`, [`SqlError`] | a client's connection up to its start-up message, and what it is told; shared with the SQL door |
//! | `session` | what is the protocol's own in the life of a proxied client |
//! | `login` | the server authenticates the client, through us |
//! | `walk` | what is learnt from the messages that pass afterwards |
//! | `cancel` | a request to cancel, translated for the session's server |

mod cancel;
pub(crate) mod error;
pub(crate) mod frame;
#[cfg(fuzzing)]
pub mod fuzz;
pub(crate) mod keys;
mod login;
pub(crate) mod opening;
pub(crate) mod reply;
pub(super) mod session;
mod texts;
mod walk;

pub use error::{Severity, SqlError};
