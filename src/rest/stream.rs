//! The body of a list: rendered while the query runs.
//!
//! A task takes batches from the query, renders some rows at a time and hands the pieces to the connection over a
//! bounded channel, so the memory of a response does not grow with the list, and a client that reads slowly holds
//! back the query. When the client goes, the channel closes, and the query is dropped with the task. When the query
//! fails half-way the body is cut off rather than ended, which the client can see.

#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use axum::body::{Body, Bytes};
use datafusion::error::DataFusionError;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::document::{DocumentWriter, Objects};
use super::flat::{ArrowWriter, Cells, CsvWriter};
use super::pulse::Hold;
use super::request_log::RequestLog;
use super::sorted::SortedRows;
use super::values::UnsupportedType;
use crate::catalog::{Rows, StopReason};

/// Rows rendered at a time: some 200 KiB of sessions.
const PIECE_ROWS: usize = 256;
/// Bytes that are worth a piece, where documents are small.
const PIECE_BYTES: usize = 32 * 1024;
/// Pieces that wait for the connection.
const PIECES: usize = 2;

enum Piece {
    Bytes(Bytes),
    End,
}

#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error("the query failed: {0}")]
    Query(#[from] DataFusionError),
    #[error(transparent)]
    Document(#[from] UnsupportedType),
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    #[error("the client reads nothing any more")]
    Stalled,
    #[error("the client has gone")]
    Gone,
}

/// Where a list's rows come from.
pub enum ListRows {
    /// One query.
    Query(Box<Rows>),
    /// One query of the ids, and others of the rows with these.
    Sorted(Box<SortedRows>),
}

impl ListRows {
    /// The next batch, for which a query may take so long.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn next(
        &mut self,
        wait_max: Duration,
    ) -> Result<Option<RecordBatch>, DataFusionError> {
        match self {
            Self::Query(rows) => next_batch(rows, wait_max).await,
            Self::Sorted(rows) => rows.next(wait_max).await,
        }
    }

    /// All of them have been sent.
    fn finish(self) {
        if let Self::Query(rows) = self {
            rows.finish();
        }
    }
}

impl From<Rows> for ListRows {
    fn from(rows: Rows) -> Self {
        Self::Query(Box::new(rows))
    }
}

/// Writes a list in one of its formats.
pub enum ListWriter {
    /// One document.
    Document(DocumentWriter),
    /// Objects, one a line.
    Lines(DocumentWriter),
    /// A table.
    Csv(CsvWriter),
    /// A table.
    Arrow(Box<ArrowWriter>),
}

/// A batch of which rows can be written.
enum Bound<'b> {
    Objects(Objects),
    Cells(Vec<Cells>),
    Whole(&'b RecordBatch),
}

impl ListWriter {
    fn begin(&mut self) {
        match self {
            Self::Document(writer) => writer.begin_list(),
            Self::Csv(writer) => writer.begin(),
            Self::Lines(_) | Self::Arrow(_) => {}
        }
    }

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Bound<'b>, StreamError> {
        Ok(match self {
            Self::Document(writer) | Self::Lines(writer) => Bound::Objects(writer.bind(batch)?),
            Self::Csv(writer) => Bound::Cells(writer.bind(batch)?),
            Self::Arrow(_) => Bound::Whole(batch),
        })
    }

    fn rows(&mut self, bound: &Bound<'_>, rows: Range<usize>) -> Result<(), StreamError> {
        match (self, bound) {
            (Self::Document(writer), Bound::Objects(objects)) => writer.objects(objects, rows),
            (Self::Lines(writer), Bound::Objects(objects)) => writer.lines(objects, rows),
            (Self::Csv(writer), Bound::Cells(cells)) => writer.rows(cells, rows),
            (Self::Arrow(writer), Bound::Whole(batch)) => {
                writer.rows(&batch.slice(rows.start, rows.len()))?;
            }
            // A writer binds what it writes.
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), StreamError> {
        match self {
            Self::Document(writer) => writer.end_list(),
            Self::Arrow(writer) => writer.end()?,
            Self::Lines(_) | Self::Csv(_) => {}
        }
        Ok(())
    }

    fn len(&mut self) -> usize {
        match self {
            Self::Document(writer) | Self::Lines(writer) => writer.len(),
            Self::Csv(writer) => writer.text().len(),
            Self::Arrow(writer) => writer.text().len(),
        }
    }

    fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Document(writer) | Self::Lines(writer) => writer.take(),
            Self::Csv(writer) => std::mem::take(writer.text()),
            Self::Arrow(writer) => std::mem::take(writer.text()),
        }
    }
}

/// The body with the query's rows, of which `first` has been taken already.
///
/// `wait_max` is how long the query may take for its next batch, and how long the client may take nothing.
pub fn list_body(
    rows: ListRows,
    first: Option<RecordBatch>,
    writer: ListWriter,
    wait_max: Duration,
    hold: Hold,
    log: RequestLog,
) -> Body {
    let (pieces, receiver) = mpsc::channel(PIECES);
    let producer = Producer {
        rows,
        writer,
        pieces,
        wait_max,
    };
    tokio::spawn(async move {
        match producer.run(first).await {
            Ok(()) | Err(StreamError::Gone) => {}
            Err(error) => log.cut_off(&error),
        }
        drop(hold);
    });
    // Only the mark ends the body: a producer that stops without it has failed.
    let pieces = stream::unfold(Some(receiver), |receiver| async {
        let mut receiver: mpsc::Receiver<Piece> = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the list was cut off")), None)),
        }
    });
    // Whoever compresses it asks once more behind the end.
    Body::from_stream(pieces.fuse())
}

struct Producer {
    rows: ListRows,
    writer: ListWriter,
    pieces: mpsc::Sender<Piece>,
    wait_max: Duration,
}

impl Producer {
    async fn run(mut self, first: Option<RecordBatch>) -> Result<(), StreamError> {
        self.writer.begin();
        let mut batch = first;
        while let Some(rows) = batch {
            self.render(&rows).await?;
            batch = self.next_batch().await?;
        }
        self.writer.end()?;
        self.send().await?;
        self.hand_over(Piece::End).await?;
        self.rows.finish();
        Ok(())
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, StreamError> {
        tokio::select! {
            batch = self.rows.next(self.wait_max) => Ok(batch?),
            () = self.pieces.closed() => Err(StreamError::Gone),
        }
    }

    async fn render(&mut self, batch: &RecordBatch) -> Result<(), StreamError> {
        let bound = self.writer.bind(batch)?;
        let mut from = 0;
        while from < batch.num_rows() {
            let to = batch.num_rows().min(from + PIECE_ROWS);
            self.writer.rows(&bound, from..to)?;
            from = to;
            if self.writer.len() >= PIECE_BYTES {
                self.send().await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), StreamError> {
        let bytes = Bytes::from(self.writer.take());
        if bytes.is_empty() {
            return Ok(());
        }
        self.hand_over(Piece::Bytes(bytes)).await
    }

    async fn hand_over(&mut self, piece: Piece) -> Result<(), StreamError> {
        match timeout(self.wait_max, self.pieces.send(piece)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(StreamError::Gone),
            Err(_) => Err(StreamError::Stalled),
        }
    }
}

/// The next batch, or the error of a query that took too long for it.
pub async fn next_batch(
    rows: &mut Rows,
    wait_max: Duration,
) -> Result<Option<RecordBatch>, DataFusionError> {
    match timeout(wait_max, rows.next()).await {
        Ok(batch) => batch.transpose(),
        Err(_) => {
            rows.stopper().stop(StopReason::TimedOut);
            // What it ends with now is the timeout, unless its last batch came at this very moment.
            rows.next().await.transpose()
        }
    }
}
