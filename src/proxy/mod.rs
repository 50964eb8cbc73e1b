//! Where sessions come from: listeners, wire protocols, routers and servers.

pub mod postgres;
pub mod transport;
