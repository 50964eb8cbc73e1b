//! The tables of the catalog: one file each, always in the same order: columns, then where the rows come from.

mod connections;
mod filters;
mod listeners;
mod plain;
mod queries;
mod servers;
mod services;
mod session_filters;
mod sessions;
mod sessions_chosen;
mod sessions_kept;
mod sessions_live;
mod sessions_ordered;
mod sessions_scan;
mod sessions_statements;

use std::sync::Arc;

use super::table::Source;

/// All tables of the catalog.
pub(super) fn all() -> Vec<Arc<dyn Source>> {
    vec![
        Arc::new(sessions::Sessions),
        Arc::new(connections::table()),
        Arc::new(services::table()),
        Arc::new(listeners::table()),
        Arc::new(servers::table()),
        Arc::new(filters::table()),
        Arc::new(session_filters::table()),
        Arc::new(queries::table()),
    ]
}
