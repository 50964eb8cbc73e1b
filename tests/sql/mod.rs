//! SQL that is sent to hurt.

mod awkward;
