//! The promises, kept by the real program before real clients. One file for each.

mod cli;
mod doors;
mod kills;
mod proxy;
mod psql;
mod rest;
mod security;
mod soak;
mod stops;
mod support;
mod wire;
