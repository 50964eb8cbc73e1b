//! What psql shows of the catalog, beside what it shows of a real PostgreSQL with the same tables.

mod commands;
mod completion;
mod differences;
mod twin;

pub use twin::{Pair, commands};
