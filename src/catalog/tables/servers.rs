use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::{Never, Yes};
use crate::catalog::column::{Cell, Column, text};
use crate::session::{Health, Server};

/// The names of the services that route to a server.
type Services = Vec<Arc<str>>;

static COLUMNS: [Column<Server, Services>; 10] = [
    Column::new(
        "name",
        Never,
        "Name of the server",
        Cell::Text(|s, _| text(&s.name)),
    ),
    Column::new(
        "address",
        Never,
        "Host name or address",
        Cell::Text(|s, _| text(&s.address)),
    ),
    Column::new(
        "port",
        Never,
        "TCP port",
        Cell::SmallInt(|s, _| Some(s.port.into())),
    ),
    Column::new(
        "protocol",
        Never,
        "The wire protocol that it speaks",
        Cell::Text(|s, _| text(&s.protocol)),
    ),
    Column::new(
        "role",
        Yes,
        "primary or replica; NULL while unknown",
        Cell::Text(|s, _| s.role().map(|role| role.as_str().into())),
    ),
    Column::new(
        "state",
        Never,
        "Unknown, Running or Down; with \"Maintenance, \" before it while it takes no new sessions",
        Cell::Text(|s, _| Some(state(s).into())),
    ),
    Column::new(
        "connections",
        Never,
        "Connections that are open now",
        Cell::Counter(|s, _| s.connections.current()),
    ),
    Column::new(
        "total_connections",
        Never,
        "Connections since the start",
        Cell::Counter(|s, _| s.connections.total()),
    ),
    Column::new(
        "max_connections",
        Never,
        "The most connections that were open at one time: a high-water mark, not a limit",
        Cell::Counter(|s, _| s.connections.max()),
    ),
    Column::new(
        "services",
        Never,
        "The services that route to it",
        Cell::References("services", |_, services| Some(services)),
    ),
];

/// What MaxScale calls these states.
fn state(server: &Server) -> &'static str {
    match (server.in_maintenance(), server.health()) {
        (false, Health::Unknown) => "Unknown",
        (false, Health::Up) => "Running",
        (false, Health::Down) => "Down",
        (true, Health::Unknown) => "Maintenance, Unknown",
        (true, Health::Up) => "Maintenance, Running",
        (true, Health::Down) => "Maintenance, Down",
    }
}

/// `servers`: the backend database servers.
pub(super) fn table() -> Plain<Server, Services> {
    Plain {
        name: "servers",
        comment: "The backend database servers",
        columns: &COLUMNS,
        primary_key: &[0],
        foreign_keys: &[],
        reads_sessions: false,
        administrators_only: false,
        rows: |statement| {
            let topology = statement.topology();
            let services = |server: &Server| {
                let all = topology.services.iter();
                let using = all.filter(|service| service.servers.contains(&server.name));
                using.map(|service| Arc::clone(&service.name)).collect()
            };
            let servers = topology.servers.iter();
            servers.map(|s| (Arc::clone(s), services(s))).collect()
        },
    }
}
