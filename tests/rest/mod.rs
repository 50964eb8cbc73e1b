//! The REST door from outside: HTTP over sockets, sessions from a registry in this process.

mod clients;
mod door;
mod formats;
mod house;
mod idle;
mod jsonapi;
mod malformed;
mod openapi;
mod operators;
mod page;
mod tokens;
