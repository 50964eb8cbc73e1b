use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::{Never, Yes};
use crate::catalog::column::{Cell, Column, text};
use crate::session::{ImageRow, RetainedStatement, Session};

/// A statement's place in its session, from 1 for the last one, and the statement.
type Place = (i32, Arc<RetainedStatement>);

static COLUMNS: [Column<Session, Place>; 9] = [
    Column::new(
        "session_id",
        Never,
        "The session",
        Cell::Int(|s, _| Some(s.id().into())),
    ),
    Column::new(
        "position",
        Never,
        "The statement's place, from 1 for the last one",
        Cell::SmallInt(|_, (position, _)| Some(*position)),
    ),
    Column::new(
        "command",
        Never,
        "The wire protocol's command that brought it: Query, Execute, COM_QUERY …",
        Cell::Text(|_, (_, q)| Some(q.command.into())),
    ),
    Column::new(
        "statement",
        Never,
        "Its text, cut at the service's max_statement_bytes, with *** for passwords",
        Cell::Text(|_, (_, q)| text(&q.text)),
    ),
    Column::new(
        "server",
        Never,
        "The server that it was sent to",
        Cell::Text(|_, (_, q)| text(&q.server)),
    ),
    Column::new(
        "received",
        Never,
        "When it arrived",
        Cell::Time(|_, (_, q)| Some(q.received_us)),
    ),
    Column::new(
        "completed",
        Yes,
        "When its answer was complete; NULL while it runs",
        Cell::Time(|_, (_, q)| q.completed_us()),
    ),
    Column::new(
        "duration",
        Yes,
        "Seconds from its arrival to the end of its answer; NULL while it runs",
        Cell::Double(|_, (_, q)| Some(q.answer()?.duration.as_secs_f64())),
    ),
    Column::new(
        "outcome",
        Yes,
        "ok, error or skipped (one before it in the same pipeline had failed); NULL while it runs",
        Cell::Text(|_, (_, q)| Some(q.answer()?.outcome.as_str().into())),
    ),
];

/// `queries`: the last statements of sessions, for administrators.
pub(super) fn table() -> Plain<Session, Place> {
    Plain {
        name: "queries",
        comment: "The last statements of sessions whose services retain them; for administrators",
        columns: &COLUMNS,
        primary_key: &[0, 1],
        foreign_keys: &[
            ("session_id", "sessions", "id"),
            ("server", "servers", "name"),
        ],
        reads_sessions: true,
        administrators_only: true,
        rows: |statement| {
            let mut rows = Vec::new();
            for image in statement.membership().images() {
                for ImageRow { session, .. } in image.rows() {
                    let statements = session.retained_statements();
                    let row = |(q, position)| (Arc::clone(session), (position, q));
                    rows.extend(statements.into_iter().zip(1..).map(row));
                }
            }
            rows
        },
    }
}
