//! PostgreSQL's own relations: `pg_catalog` and `information_schema`.

#![allow(dead_code, unused_imports, reason = "its readers come one by one")]

mod contents;
mod dictionary;
mod facts;
mod functions;
mod names;
mod references;
mod relation;
mod role;
mod rows;
mod schema;
mod table;
mod tableoid;
mod types;
mod views;

pub(in crate::catalog) use dictionary::{Constraint, Dictionary};
pub(in crate::catalog) use functions::Function;
pub(in crate::catalog) use names::*;
pub use names::{Role, Roles};
pub(in crate::catalog) use references::References;
pub(in crate::catalog) use relation::{Column, ForeignKey, PrimaryKey, Relation};
pub(in crate::catalog) use role::function as role_oid_function;
pub(in crate::catalog) use schema::{Planner, PublicSchema, SystemSchema};
pub(in crate::catalog) use tableoid::resolve as resolve_tableoids;
pub(in crate::catalog) use types::{Type, name_of_arrow, name_of_field};
