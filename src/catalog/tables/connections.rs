use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::{Never, Yes};
use crate::catalog::column::{Cell, Column, opt_text, text};
use crate::session::{Connection, ImageRow, Session};

static COLUMNS: [Column<Session, Connection>; 6] = [
    Column::new(
        "session_id",
        Never,
        "The session that the connection belongs to",
        Cell::Int(|s, _| Some(s.id().into())),
    ),
    Column::new(
        "server",
        Never,
        "The server that it leads to",
        Cell::Text(|_, c| text(&c.server)),
    ),
    Column::new(
        "connection_id",
        Yes,
        "The server's own number of the connection; NULL until the server has told it",
        Cell::Int(|_, c| c.connection_id),
    ),
    Column::new(
        "state",
        Never,
        "connecting or established",
        Cell::Text(|_, c| Some(c.state.as_str().into())),
    ),
    Column::new(
        "connected",
        Never,
        "When it was opened",
        Cell::Time(|_, c| Some(c.connected_us)),
    ),
    Column::new(
        "tls",
        Yes,
        "TLS version and cipher suite; NULL in clear",
        Cell::Text(|_, c| opt_text(&c.tls)),
    ),
];

/// `connections`: sessions' connections to servers.
pub(super) fn table() -> Plain<Session, Connection> {
    Plain {
        name: "connections",
        comment: "Sessions' connections to servers",
        columns: &COLUMNS,
        primary_key: &[],
        foreign_keys: &[
            ("session_id", "sessions", "id"),
            ("server", "servers", "name"),
        ],
        reads_sessions: true,
        administrators_only: false,
        rows: |statement| {
            let mut rows = Vec::new();
            for image in statement.membership().images() {
                for ImageRow {
                    session, profile, ..
                } in image.rows()
                {
                    let row = |c: &Connection| (Arc::clone(session), c.clone());
                    rows.extend(profile.connections.iter().map(row));
                }
            }
            rows
        },
    }
}
