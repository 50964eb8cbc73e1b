//! Cursors of SQL: DECLARE, FETCH, MOVE and CLOSE, over the same portals as the messages of the extended protocol.
//!
//! A cursor WITH HOLD keeps its running statement when its transaction is committed, and does not read its rows ahead:
//! every statement sees the sessions of one time anyway, so nothing is gained by a copy, and COMMIT takes no time and no
//! memory.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use super::cancel::Watch;
use super::connection::{Connection, Halt};
use super::parse::{Cursor, Direction};
use super::portal::{CursorTerms, Life, Portal, Progress, Running, Statement, Tag};
use super::rows::{Aside, Output, Source};
use super::sqlstate::SqlError;

/// There is no such cursor.
fn no_cursor(name: &str) -> SqlError {
    SqlError::new("34000", format!("cursor \"{name}\" does not exist"))
}

impl Connection {
    /// DECLARE.
    ///
    /// # Errors
    /// 25P01 outside of a transaction, unless the cursor is to outlive it; 42P03 if there is one of this name.
    pub fn declare(
        &mut self,
        cursor: &Cursor,
        query: Statement,
        values: Vec<ScalarValue>,
    ) -> Result<(), Halt> {
        if !cursor.hold && !self.transaction.is_block() {
            let message = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(SqlError::new("25P01", message).into());
        }
        let mut portal = Portal::new(Arc::new(query), values, Vec::new());
        portal.cursor = Some(CursorTerms {
            is_binary: cursor.is_binary,
            scroll: cursor.scroll,
        });
        portal.life = Life::Transaction {
            savepoints: 0,
            hold: cursor.hold,
        };
        // It sees the sessions of now, whenever it is read.
        self.open(&cursor.name, &mut portal)?;
        Ok(self.add_portal("cursor", &cursor.name, portal)?)
    }

    /// FETCH and MOVE: the rows are sent at once, and the tag returned, unless they are to be sent in pieces.
    pub async fn fetch(
        &mut self,
        fetching: &mut Portal,
        cursor: &str,
        direction: Direction,
        moves: bool,
        rows_max: Option<u32>,
        watch: &Watch,
    ) -> Result<Option<String>, Halt> {
        // Taken out while it runs.
        let portal = self.portals.remove(cursor);
        let mut portal = portal.ok_or_else(|| no_cursor(cursor))?;
        let mut aside = Aside::default();
        let in_pieces = rows_max.is_some() && !moves;
        let forms = self.settings.forms();
        let mut output = match (moves, in_pieces) {
            (true, _) => Output::Nowhere,
            (false, true) => Output::Aside(&mut aside),
            (false, false) => Output::Client {
                formats: &fetching.formats,
                forms: &forms,
                charset: self.settings.charset(),
            },
        };
        let fetched = self.fetch_from(cursor, &mut portal, direction, watch, &mut output);
        let fetched = fetched.await;
        if fetched.is_err() {
            portal.progress = Progress::Failed;
        }
        self.portals.insert(cursor.to_owned(), portal);
        let tag = format!("{} {}", if moves { "MOVE" } else { "FETCH" }, fetched?);
        if !in_pieces {
            return Ok(Some(tag));
        }
        fetching.progress = Progress::Begun(Running {
            source: Source::aside(aside),
            tag: Tag::Fixed(tag),
        });
        Ok(None)
    }

    async fn fetch_from(
        &mut self,
        name: &str,
        portal: &mut Portal,
        direction: Direction,
        watch: &Watch,
        output: &mut Output<'_>,
    ) -> Result<u64, Halt> {
        self.open(name, portal)?;
        match &mut portal.progress {
            Progress::Begun(running) => {
                let source = &mut running.source;
                source.fetch(direction, &mut self.wire, watch, output).await
            }
            _ => Ok(0),
        }
    }

    /// CLOSE; of all when no name is given.
    ///
    /// # Errors
    /// 34000 if there is none of this name.
    pub fn close_cursor(&mut self, name: Option<&str>) -> Result<(), SqlError> {
        let Some(name) = name else {
            self.portals.clear();
            return Ok(());
        };
        match self.portals.remove(name) {
            Some(_) => Ok(()),
            None => Err(no_cursor(name)),
        }
    }
}
