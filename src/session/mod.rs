//! Who is connected: the only state that changes.
//!
//! A [`Registry`] holds one row for each live session. Whoever accepts clients [registers](Registry::register)
//! each one and keeps the [`SessionGuard`] it is given: traffic is reported through the guard, and dropping
//! it ends the session, so no path can leave a dead row.
//!
//! # Why it is built this way
//!
//! The registry is read as columns by queries while traffic changes it all the time, and neither may wait for
//! the other. So what never changes in a session ([`Session`]), what changes rarely ([`Profile`]) and what
//! changes with traffic (a [`Line`] of atomics) are kept apart:
//!
//! * Traffic touches only its session's own cache line, with relaxed atomics: no lock, no allocation.
//! * Sessions live in chunks of [`CHUNK_ROWS`] slots. Reading takes an immutable [`ChunkImage`] of each chunk, which
//!   is kept until a session in that chunk comes, goes or changes its profile. Images share what did not change
//!   with each other, and tell which rows did: what a reader derived from the last one (the catalog its Arrow
//!   arrays) is kept with the chunk, to be patched.
//! * A slot has a generation, odd while a session lives in it. A reader compares it before and after reading
//!   the line, so no row mixes two sessions; a session that ended meanwhile is read from the final values that
//!   it left behind, so a [`Membership`] keeps its rows however long a statement runs.
//! * Free slots are reused newest first, so churn stays in few chunks.
//! * Lookup by id is a hash lookup, whatever the number of sessions; the sessions of one user or service are kept in
//!   the order of their ids, so that a page of them costs the page.

mod attributes;
mod chunk;
mod clock;
mod delay;
mod directory;
mod end_reason;
mod handle;
mod id;
mod image;
mod line;
mod logs;
mod membership;
mod registry;
mod retained;
mod segment;
mod topology;
mod traffic;

pub use attributes::Attributes;
pub use chunk::CHUNK_ROWS;
pub use clock::{Reading, monotonic_ms};
pub use end_reason::{EndReason, Ends};
pub use handle::{Connection, ConnectionState, KillReason, Profile, Remote, Session, SessionGuard};
pub use id::SessionId;
pub use image::{Chosen, ChunkImage, ImageRow, RowVersions, Rows, Run};
pub use line::{Line, LiveValues, State, Transaction};
pub use logs::{LOG_PARAMETERS, LogLevel, SessionLogs};
pub use membership::Membership;
pub use registry::{Registry, RegistryFull, SharedName};
pub use retained::{Answer, Outcome, RetainedStatement};
pub use topology::{
    CountedConnection, Counters, Filter, Health, ListenAddress, Listener, Server, ServerRole,
    Service, Topology,
};
pub use traffic::{Lane, Traffic};

#[cfg(test)]
mod tests;
