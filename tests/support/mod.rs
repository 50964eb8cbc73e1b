//! What the tests share.

pub mod exposition;
pub mod fake;
pub mod postgres;
pub mod program;
pub mod wire;
