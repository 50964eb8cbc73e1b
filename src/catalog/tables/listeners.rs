use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::Never;
use crate::catalog::column::{Cell, Column, text};
use crate::session::Listener;

static COLUMNS: [Column<Listener, ()>; 6] = [
    Column::new(
        "name",
        Never,
        "Name of the listener",
        Cell::Text(|l, _| text(&l.name)),
    ),
    Column::new(
        "service",
        Never,
        "The service that its clients' sessions are created on",
        Cell::Text(|l, _| text(&l.service.name)),
    ),
    Column::new(
        "protocol",
        Never,
        "The wire protocol that it speaks",
        Cell::Text(|l, _| text(&l.protocol)),
    ),
    Column::new(
        "address",
        Never,
        "The bound address",
        Cell::Text(|l, _| Some(l.address.ip().to_string().into())),
    ),
    Column::new(
        "port",
        Never,
        "The bound TCP port",
        Cell::SmallInt(|l, _| Some(l.address.port().into())),
    ),
    Column::new(
        "state",
        Never,
        "Running: it accepts clients",
        Cell::Text(|_, _| Some("Running".into())),
    ),
];

/// `listeners`: the addresses that accept clients.
pub(super) fn table() -> Plain<Listener, ()> {
    Plain {
        name: "listeners",
        columns: &COLUMNS,
        primary_key: &[0],
        reads_sessions: false,
        rows: |statement| {
            let listeners = &statement.topology().listeners;
            listeners.iter().map(|l| (Arc::clone(l), ())).collect()
        },
    }
}
