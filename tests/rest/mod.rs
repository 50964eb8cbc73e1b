//! The REST door from outside: HTTP over sockets, sessions from a registry in this process.

mod door;
mod house;
mod page;
mod tokens;
