use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::{Never, Yes};
use crate::catalog::column::{Cell, Column, text};
use crate::session::{ListenAddress, Listener};

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
        "The bound address; the path of a UNIX socket",
        Cell::Text(|l, _| {
            Some(match &l.address {
                ListenAddress::Tcp(address) => address.ip().to_string().into(),
                ListenAddress::Unix(path) => path.to_string_lossy(),
            })
        }),
    ),
    Column::new(
        "port",
        Yes,
        "The bound TCP port; NULL for a UNIX socket",
        Cell::SmallInt(|l, _| match &l.address {
            ListenAddress::Tcp(address) => Some(address.port().into()),
            ListenAddress::Unix(_) => None,
        }),
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
        comment: "The addresses that accept clients",
        columns: &COLUMNS,
        primary_key: &[0],
        foreign_keys: &[("service", "services", "name")],
        reads_sessions: false,
        administrators_only: false,
        rows: |statement| {
            let listeners = &statement.topology().listeners;
            listeners.iter().map(|l| (Arc::clone(l), ())).collect()
        },
    }
}
