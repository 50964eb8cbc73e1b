use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::Never;
use crate::catalog::column::{Cell, Column, text};
use crate::session::Service;

/// The names of a service's listeners.
type Listeners = Vec<Arc<str>>;

static COLUMNS: [Column<Service, Listeners>; 13] = [
    Column::new(
        "name",
        Never,
        "Name of the service",
        Cell::Text(|s, _| text(&s.name)),
    ),
    Column::new(
        "router",
        Never,
        "Its router module",
        Cell::Text(|s, _| text(&s.router)),
    ),
    Column::new(
        "state",
        Never,
        "Started: it accepts clients",
        Cell::Text(|_, _| Some("Started".into())),
    ),
    Column::new(
        "started",
        Never,
        "When the service was started",
        Cell::Time(|s, _| Some(s.started_us)),
    ),
    Column::new(
        "connections",
        Never,
        "Sessions that are live now",
        Cell::Counter(|s, _| s.sessions.current()),
    ),
    Column::new(
        "total_connections",
        Never,
        "Sessions since the start",
        Cell::Counter(|s, _| s.sessions.total()),
    ),
    Column::new(
        "max_connections",
        Never,
        "The most sessions that were live at one time: a high-water mark, not a limit",
        Cell::Counter(|s, _| s.sessions.max()),
    ),
    Column::new(
        "statements",
        Never,
        "Statements begun since the start, by sessions that have ended too",
        Cell::Counter(|s, _| s.traffic.statements()),
    ),
    Column::new(
        "bytes_in",
        Never,
        "Bytes received from clients since the start",
        Cell::Counter(|s, _| s.traffic.bytes_in()),
    ),
    Column::new(
        "bytes_out",
        Never,
        "Bytes sent to clients since the start",
        Cell::Counter(|s, _| s.traffic.bytes_out()),
    ),
    Column::new(
        "servers",
        Never,
        "The servers that it routes to",
        Cell::References("servers", |s, _| Some(&s.servers)),
    ),
    Column::new(
        "filters",
        Never,
        "Its filters, from the client's side",
        Cell::References("filters", |s, _| Some(&s.filters)),
    ),
    Column::new(
        "listeners",
        Never,
        "The addresses where its clients connect",
        Cell::References("listeners", |_, listeners| Some(listeners)),
    ),
];

/// `services`: what clients connect to.
pub(super) fn table() -> Plain<Service, Listeners> {
    Plain {
        name: "services",
        comment: "What clients connect to",
        columns: &COLUMNS,
        primary_key: &[0],
        foreign_keys: &[],
        reads_sessions: false,
        administrators_only: false,
        rows: |statement| {
            let topology = statement.topology();
            let listeners = |service: &Service| {
                let all = topology.listeners.iter();
                let own = all.filter(|listener| listener.service.name == service.name);
                own.map(|listener| Arc::clone(&listener.name)).collect()
            };
            let services = topology.services.iter();
            services.map(|s| (Arc::clone(s), listeners(s))).collect()
        },
    }
}
