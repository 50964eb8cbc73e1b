//! What the tests share.

pub mod exposition;
pub mod fake;
pub mod mariadb;
pub mod mysql;
pub mod postgres;
pub mod program;
pub mod twin;
pub mod wire;
