//! The REST door from outside: HTTP over sockets, sessions from a registry in this process.

mod clients;
mod door;
mod formats;
mod house;
mod jsonapi;
mod malformed;
mod operators;
mod page;
mod tokens;
