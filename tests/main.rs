//! The promises, kept by the real program before real clients. One file for each.

mod activity;
mod cli;
mod crowd;
mod doors;
mod drivers;
mod kills;
mod mariadb;
mod proxy;
mod proxy_protocol;
mod psql;
mod rest;
mod security;
mod soak;
mod sql;
mod stops;
mod support;
mod wire;
