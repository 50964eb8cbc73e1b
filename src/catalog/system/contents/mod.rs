//! Where the rows of each system relation come from.

mod functions;
mod opened;
mod relations;
mod server;
mod types;

use super::facts;
use super::table::Contents;

/// The contents of a relation that is no view; those that nothing is known of are empty.
pub(super) fn of(name: &str) -> Contents {
    match name {
        "pg_attribute" => Contents::Fixed(relations::pg_attribute),
        "pg_authid" => Contents::OfStatement(server::pg_authid),
        "pg_class" => Contents::Fixed(relations::pg_class),
        "pg_constraint" => Contents::Fixed(relations::pg_constraint),
        "pg_cursors" => Contents::OfStatement(opened::pg_cursors),
        "pg_database" => Contents::Fixed(server::pg_database),
        "pg_depend" => Contents::Fixed(relations::pg_depend),
        "pg_description" => Contents::Fixed(relations::pg_description),
        "pg_index" => Contents::Fixed(relations::pg_index),
        "pg_namespace" => Contents::Fixed(relations::pg_namespace),
        "pg_prepared_statements" => Contents::OfStatement(opened::pg_prepared_statements),
        "pg_proc" => Contents::Fixed(functions::pg_proc),
        "pg_settings" => Contents::OfStatement(server::pg_settings),
        "pg_shdescription" => Contents::Fixed(server::pg_shdescription),
        "pg_timezone_names" => Contents::OfStatement(server::pg_timezone_names),
        "pg_type" => Contents::Fixed(types::pg_type),
        _ => facts::rows(name).map_or(Contents::Empty, Contents::Facts),
    }
}
