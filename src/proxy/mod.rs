//! Where sessions come from: listeners, wire protocols, routers and servers.

pub mod backend;
pub mod monitor;
pub mod postgres;
pub mod router;
pub mod transport;
