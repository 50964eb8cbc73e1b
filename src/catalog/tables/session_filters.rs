use std::sync::Arc;

use super::plain::Plain;
use crate::catalog::column::Nullable::Never;
use crate::catalog::column::{Cell, Column, text};
use crate::session::{ImageRow, Session};

/// A filter's place in a session, from 1, and its name.
type Place = (i32, Arc<str>);

static COLUMNS: [Column<Session, Place>; 3] = [
    Column::new(
        "session_id",
        Never,
        "The session",
        Cell::Int(|s, _| Some(s.id().into())),
    ),
    Column::new(
        "position",
        Never,
        "The filter's place, from 1 at the client's side",
        Cell::SmallInt(|_, (position, _)| Some(*position)),
    ),
    Column::new(
        "filter",
        Never,
        "Name of the filter",
        Cell::Text(|_, (_, filter)| text(filter)),
    ),
];

/// `session_filters`: which filters see which session's traffic.
pub(super) fn table() -> Plain<Session, Place> {
    Plain {
        name: "session_filters",
        comment: "Which filters see which session's traffic",
        columns: &COLUMNS,
        primary_key: &[],
        foreign_keys: &[
            ("session_id", "sessions", "id"),
            ("filter", "filters", "name"),
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
                    let place = |(filter, position): (&Arc<str>, i32)| {
                        (Arc::clone(session), (position, Arc::clone(filter)))
                    };
                    rows.extend(profile.filters.iter().zip(1..).map(place));
                }
            }
            rows
        },
    }
}
