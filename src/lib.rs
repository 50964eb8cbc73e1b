//! Rollcall: a session-level database proxy whose live sessions are a SQL table.
//!
//! # The map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`session`] | who is connected: the only state that changes |
//! | [`proxy`] | where sessions come from: listeners, wire protocols, servers |
//! | [`catalog`] | sessions as Arrow tables, and the engine that answers SQL over them |
//! | [`auth`] | users and their verifiers, one store for both doors |
//! | [`sql`] | door 1: the PostgreSQL wire protocol |
//! | [`rest`] | door 2: HTTP, JSON:API |
//! | [`config`] | the configuration file and its checks |
//! | [`server`] | the program: binds the doors, drains them, re-reads users and certificates |
//!
//! Traffic flows one way: a door accepts a client and registers it in [`session`]; [`catalog`] reads
//! `session`; the doors read `catalog`. `session` knows none of the others. A kill is the one thing that
//! flows back, through the session's own handle.

pub mod auth;
pub mod catalog;
pub mod cli;
pub mod config;
mod log;
pub mod proxy;
pub mod rest;
pub mod server;
pub mod session;
pub mod sql;
mod threads;
pub mod tls;
