use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::Never;
use crate::catalog::column::{Cell, Column, count, text};
use crate::session::Service;

static COLUMNS: [Column<Service, ()>; 10] = [
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
        Cell::Int(|s, _| count(s.sessions.current())),
    ),
    Column::new(
        "total_connections",
        Never,
        "Sessions since the start",
        Cell::Int(|s, _| count(s.sessions.total())),
    ),
    Column::new(
        "max_connections",
        Never,
        "The most sessions that were live at one time: a high-water mark, not a limit",
        Cell::Int(|s, _| count(s.sessions.max())),
    ),
    Column::new(
        "statements",
        Never,
        "Statements begun since the start, by sessions that have ended too",
        Cell::Int(|s, _| count(s.traffic.statements())),
    ),
    Column::new(
        "bytes_in",
        Never,
        "Bytes received from clients since the start",
        Cell::Int(|s, _| count(s.traffic.bytes_in())),
    ),
    Column::new(
        "bytes_out",
        Never,
        "Bytes sent to clients since the start",
        Cell::Int(|s, _| count(s.traffic.bytes_out())),
    ),
];

/// `services`: what clients connect to.
pub(super) fn table() -> Plain<Service, ()> {
    Plain {
        name: "services",
        comment: "What clients connect to",
        columns: &COLUMNS,
        primary_key: &[0],
        foreign_keys: &[],
        reads_sessions: false,
        rows: |statement| {
            let services = &statement.topology().services;
            services.iter().map(|s| (Arc::clone(s), ())).collect()
        },
    }
}
