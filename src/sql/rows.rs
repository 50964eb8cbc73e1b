//! A result on its way to the client: batch by batch, and no faster than the client takes it.

use datafusion::arrow::array::RecordBatch;

use super::cancel::Watch;
use super::connection::Halt;
use super::encode::RowEncoder;
use super::encode::zone::Zone;
use super::query;
use super::sqlstate::SqlError;
use super::types::Format;
use crate::catalog::Rows;
use crate::proxy::postgres::wire::{FLUSH_BYTES, Wire};

/// A result, or what is left of it.
pub(super) struct Source {
    /// What the engine still makes; none for a result that the door made itself.
    rows: Option<Rows>,
    /// Made and not yet sent, from this row on.
    batch: Option<(RecordBatch, usize)>,
}

/// How far a result was sent.
pub(super) struct Sent {
    /// Rows sent this time.
    pub rows: u64,
    /// Whether that was all of it.
    pub complete: bool,
}

impl Source {
    /// What the engine makes.
    pub fn engine(rows: Rows) -> Self {
        Self {
            rows: Some(rows),
            batch: None,
        }
    }

    /// What the door made.
    pub fn table(batch: RecordBatch) -> Self {
        Self {
            rows: None,
            batch: Some((batch, 0)),
        }
    }

    /// The engine's part, when all is written, to be told of it.
    pub fn into_rows(self) -> Option<Rows> {
        self.rows
    }

    /// Sends all rows, or as many as `rows_max`. The number is counted to, never allocated by.
    pub async fn send(
        &mut self,
        wire: &mut Wire,
        watch: &Watch,
        formats: &[Format],
        zone: &Zone,
        rows_max: Option<u32>,
    ) -> Result<Sent, Halt> {
        if let Some(rows) = &self.rows {
            rows.demand(rows_max.unwrap_or(u32::MAX));
        }
        let max = rows_max.map_or(u64::MAX, u64::from);
        let mut sent = 0;
        while sent < max {
            let Some((batch, from)) = self.next_batch(wire, watch).await? else {
                return Ok(Sent {
                    rows: sent,
                    complete: true,
                });
            };
            let left = (batch.num_rows() - from) as u64;
            let count = left.min(max - sent);
            let to = from + count as usize;
            send_batch(wire, watch, &batch, from..to, formats, zone).await?;
            sent += count;
            if count < left {
                self.batch = Some((batch, to));
            }
        }
        Ok(Sent {
            rows: sent,
            complete: false,
        })
    }

    async fn next_batch(
        &mut self,
        wire: &mut Wire,
        watch: &Watch,
    ) -> Result<Option<(RecordBatch, usize)>, Halt> {
        if let Some(begun) = self.batch.take() {
            return Ok(Some(begun));
        }
        let Some(rows) = &mut self.rows else {
            return Ok(None);
        };
        match watch.run(wire, rows.next()).await? {
            Some(Ok(batch)) => Ok(Some((batch, 0))),
            Some(Err(error)) => Err(query::error("", &error).into()),
            None => Ok(None),
        }
    }
}

async fn send_batch(
    wire: &mut Wire,
    watch: &Watch,
    batch: &RecordBatch,
    rows: std::ops::Range<usize>,
    formats: &[Format],
    zone: &Zone,
) -> Result<(), Halt> {
    let mut encoder = RowEncoder::try_new(batch, formats, zone).map_err(SqlError::from)?;
    let mut next = rows.start;
    while next < rows.end {
        next = encoder
            .encode_rows(next..rows.end, &mut wire.output, FLUSH_BYTES)
            .map_err(SqlError::from)?;
        if wire.output.len() >= FLUSH_BYTES {
            watch.flush(wire).await?;
        }
    }
    Ok(())
}
