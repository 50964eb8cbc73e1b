//! Drivers and what is built on them find here what they find in a PostgreSQL with the same tables.
//!
//! A script in the driver's language asks the program, then a real server with the same tables and rows, and prints what
//! it is told, a line for each answer. The two must be the same but for the lines in
//! `differences.txt`, which says what the program answers there, and why.

mod discovery;
mod fdw;
mod java;
mod monitors;
mod node;
mod perl;
mod python;
mod ruby;
mod stage;

pub use stage::client_dir;
