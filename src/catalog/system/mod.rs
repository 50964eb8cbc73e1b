//! PostgreSQL's own relations: `pg_catalog` and `information_schema`.

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
pub(in crate::catalog) use relation::Relation;
pub(in crate::catalog) use role::function as role_oid_function;
pub(in crate::catalog) use schema::{Planner, PublicSchema, SystemSchema};
pub(in crate::catalog) use tableoid::resolve as resolve_tableoids;
pub(in crate::catalog) use types::name_of_arrow;
#[cfg(test)]
pub(in crate::catalog) use types::name_of_field;
