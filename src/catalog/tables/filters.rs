use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::Never;
use crate::catalog::column::{Cell, Column, text};
use crate::session::Filter;

static COLUMNS: [Column<Filter, ()>; 2] = [
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
];

/// `filters`: what sees sessions' traffic between client and router.
pub(super) fn table() -> Plain<Filter, ()> {
    Plain {
        name: "filters",
        comment: "What sees sessions' traffic between client and router",
        columns: &COLUMNS,
        primary_key: &[0],
        foreign_keys: &[],
        reads_sessions: false,
        rows: |statement| {
            let filters = &statement.topology().filters;
            filters.iter().map(|f| (Arc::clone(f), ())).collect()
        },
    }
}
