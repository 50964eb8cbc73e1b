//! The REST door from outside: HTTP over sockets, sessions from a registry in this process.

mod changes;
mod clients;
mod cut_off;
mod door;
mod formats;
mod house;
mod idle;
mod jsonapi;
mod log;
mod malformed;
mod methods;
mod openapi;
mod operators;
mod page;
mod same_as_sql;
mod tokens;
mod wildcards;
