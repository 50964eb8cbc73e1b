//! Users and their verifiers, one store for both doors.
//!
//! A user is a name, a role and a SCRAM-SHA-256 verifier; the program never has a password at rest. The SQL
//! door runs the SCRAM exchange with the verifier's parts, the REST door hands over the password of an HTTP
//! Basic header. Both ask the same [`Users`], so a user who is removed is gone from both at once.
//! Failed logins of both doors are counted together, and whoever has too many of them is [slowed down](Attempts).
//! For whoever does not want to send a password with each request, the REST door issues [`Tokens`].

mod attempts;
mod cache;
mod tokens;
mod users;
mod verifier;

pub use attempts::{AttemptLimits, Attempts, TooManyFailures};
pub use tokens::Tokens;
pub use users::{Account, Credential, LoginError, Role, RoleError, UserMap, Users};
pub use verifier::{Verifier, VerifierError};
