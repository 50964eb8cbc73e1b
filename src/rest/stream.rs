//! The body of a list: rendered while the query runs.
//!
//! A task takes batches from the query, renders some rows at a time and hands the pieces to the connection over a
//! bounded channel, so the memory of a response does not grow with the list, and a client that reads slowly holds
//! back the query. When the client goes, the channel closes, and the query is dropped with the task. When the query
//! fails half-way the body is cut off rather than ended, which the client can see.

use std::io;
use std::time::Duration;

use arrow::array::RecordBatch;
use axum::body::{Body, Bytes};
use datafusion::error::DataFusionError;
use futures::stream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::document::DocumentWriter;
use super::request_log::RequestLog;
use super::server::Hold;
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
    #[error("the client reads nothing any more")]
    Stalled,
    #[error("the client has gone")]
    Gone,
}

/// The body with the query's rows, of which `first` has been taken already.
///
/// `wait_max` is how long the query may take for its next batch, and how long the client may take nothing.
pub fn list_body(
    rows: Rows,
    first: Option<RecordBatch>,
    writer: DocumentWriter,
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
    Body::from_stream(stream::unfold(Some(receiver), |receiver| async {
        let mut receiver: mpsc::Receiver<Piece> = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the list was cut off")), None)),
        }
    }))
}

struct Producer {
    rows: Rows,
    writer: DocumentWriter,
    pieces: mpsc::Sender<Piece>,
    wait_max: Duration,
}

impl Producer {
    async fn run(mut self, first: Option<RecordBatch>) -> Result<(), StreamError> {
        self.writer.begin_list();
        let mut batch = first;
        while let Some(rows) = batch {
            self.render(&rows).await?;
            batch = self.next_batch().await?;
        }
        self.writer.end_list();
        self.send().await?;
        self.hand_over(Piece::End).await?;
        self.rows.finish();
        Ok(())
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, StreamError> {
        tokio::select! {
            batch = next_batch(&mut self.rows, self.wait_max) => Ok(batch?),
            () = self.pieces.closed() => Err(StreamError::Gone),
        }
    }

    async fn render(&mut self, batch: &RecordBatch) -> Result<(), StreamError> {
        let objects = self.writer.bind(batch)?;
        let mut from = 0;
        while from < batch.num_rows() {
            let to = batch.num_rows().min(from + PIECE_ROWS);
            self.writer.objects(&objects, from..to);
            from = to;
            if self.writer.len() >= PIECE_BYTES {
                self.send().await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), StreamError> {
        let bytes = Bytes::from(self.writer.take());
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
