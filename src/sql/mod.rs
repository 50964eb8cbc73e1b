//! Door 1: the PostgreSQL wire protocol.

pub mod encode;
pub mod sqlstate;
pub mod types;
