//! Door 1: the PostgreSQL wire protocol.

pub mod encode;
pub mod names;
pub mod params;
pub mod parse;
pub mod sqlstate;
pub mod types;
