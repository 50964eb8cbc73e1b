//! Sessions as Arrow tables.
