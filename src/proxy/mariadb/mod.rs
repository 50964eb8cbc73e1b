//! MariaDB's wire protocol, which is MySQL's.
//!
//! | module | what it is |
//! | --- | --- |
//! | `packet`, `capability`, `greeting` | packets up to the login, and what both sides tell of themselves in the first ones |
//! | `session`, `login`, `error` | what is the protocol's own in the life of a proxied client |
//! | `decline` | a server that was greeted by for nothing is not hung up on |
//! | `command`, `answers`, `status` | what a server says to a command, and where that ends |
//! | `client` | a client of our own, for monitors and to end what a session runs |
//! | `walk`, `translate`, `kill` | what is learnt from the packets that pass, and what is changed in them |
//! | `texts`, `query_attributes` | the statements' texts, and what may stand before them |

mod answers;
mod cancel;
mod capability;
pub(super) mod client;
mod command;
mod decline;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod greeting;
mod kill;
mod login;
mod packet;
mod query_attributes;
pub(super) mod session;
mod status;
mod texts;
mod translate;
mod walk;

pub(super) use decline::look;
