//! SQL that is sent to hurt, and SQL that is answered as PostgreSQL answers it.

mod awkward;
mod queries;
mod random;
