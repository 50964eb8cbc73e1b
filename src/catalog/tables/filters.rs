use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::Never;
use crate::catalog::column::{Cell, Column, text};
use crate::session::Filter;

/// The names of the services that a filter is in.
type Services = Vec<Arc<str>>;

static COLUMNS: [Column<Filter, Services>; 3] = [
    Column::new(
        "name",
        Never,
        "Name of the filter",
        Cell::Text(|f, _| text(&f.name)),
    ),
    Column::new(
        "module",
        Never,
        "The module that implements it",
        Cell::Text(|f, _| text(&f.module)),
    ),
    Column::new(
        "services",
        Never,
        "The services that it is in",
        Cell::References("services", |_, services| Some(services)),
    ),
];

/// `filters`: what sees sessions' traffic between client and router.
pub(super) fn table() -> Plain<Filter, Services> {
    Plain {
        name: "filters",
        comment: "What sees sessions' traffic between client and router",
        columns: &COLUMNS,
        primary_key: &[0],
        foreign_keys: &[],
        reads_sessions: false,
        administrators_only: false,
        rows: |statement| {
            let topology = statement.topology();
            let services = |filter: &Filter| {
                let all = topology.services.iter();
                let using = all.filter(|service| service.filters.contains(&filter.name));
                using.map(|service| Arc::clone(&service.name)).collect()
            };
            let filters = topology.filters.iter();
            filters.map(|f| (Arc::clone(f), services(f))).collect()
        },
    }
}
