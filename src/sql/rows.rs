//! A result on its way to the client: batch by batch, and no faster than the client takes it.
//!
//! A result is read where it stands, as a cursor of PostgreSQL is: before the first row at position 0, on row n at n, and
//! behind the last one at one more than there are. Rows that were sent are forgotten, unless they are kept to go back.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::BytesMut;
use datafusion::arrow::array::RecordBatch;

use super::cancel::Watch;
use super::charset::Charset;
use super::connection::Halt;
use super::encode::interval::Forms;
use super::encode::{EncodeError, RowEncoder};
use super::parse::Direction;
use super::query;
use super::sqlstate::SqlError;
use super::types::Format;
use crate::catalog::Rows;
use crate::proxy::wire::{FLUSH_BYTES, Wire};

/// The most that a cursor with SCROLL keeps, in bytes.
const SCROLL_BYTES_MAX: usize = 64 << 20;
/// And one that says nothing: it can go back as long as that is cheap.
const UNSAID_BYTES_MAX: usize = 1 << 20;

/// Which rows are kept after they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// The batch at hand only.
    Last,
    /// All, up to so many bytes; then none any more.
    While(usize),
    /// All, and more than so many bytes are an error.
    All(usize),
}

/// Rows that were read from the engine.
struct Window {
    /// Each with the number of its first row, counted from 0.
    batches: Vec<(u64, RecordBatch)>,
    /// Rows read so far.
    read: u64,
    bytes: usize,
    keep: Keep,
}

impl Window {
    fn new(keep: Keep) -> Self {
        Self {
            batches: Vec::new(),
            read: 0,
            bytes: 0,
            keep,
        }
    }

    fn push(&mut self, batch: RecordBatch) -> Result<(), SqlError> {
        if self.keep != Keep::Last {
            self.bytes = self.bytes.saturating_add(batch.get_array_memory_size());
        }
        match self.keep {
            Keep::All(max) if self.bytes > max => {
                let message = format!("a cursor with SCROLL can keep at most {max} bytes of rows");
                return Err(SqlError::new("53400", message).with_hint(
                    "Declare it with NO SCROLL, and read it forward, or ask for fewer rows.",
                ));
            }
            Keep::While(max) if self.bytes > max => self.keep = Keep::Last,
            _ => {}
        }
        if self.keep == Keep::Last {
            self.batches.clear();
        }
        let first = self.read;
        self.read += batch.num_rows() as u64;
        self.batches.push((first, batch));
        Ok(())
    }

    /// The batch with this row, counted from 0, and the row's place in it.
    fn find(&self, row: u64) -> Option<(RecordBatch, usize)> {
        let behind = self.batches.partition_point(|(first, _)| *first <= row);
        let (first, batch) = self.batches.get(behind.checked_sub(1)?)?;
        let at = usize::try_from(row - first).ok()?;
        (at < batch.num_rows()).then(|| (batch.clone(), at))
    }
}

/// Where rows go.
pub(super) enum Output<'a> {
    /// To the client.
    Client {
        /// As in Bind.
        formats: &'a [Format],
        /// The client's.
        forms: &'a Forms,
        /// The client's.
        charset: Charset,
    },
    /// Aside, to be sent later.
    Aside(&'a mut Aside),
    /// They are passed over.
    Nowhere,
}

/// Rows that are put aside.
#[derive(Default)]
pub(super) struct Aside {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Aside {
    /// Adds these rows of a batch.
    ///
    /// # Errors
    /// 53400 if they are too many to be kept.
    fn push(
        &mut self,
        batch: &RecordBatch,
        rows: Range<usize>,
        last_first: bool,
    ) -> Result<(), SqlError> {
        // Their part of a batch that others may hold as well.
        let part = rows.len() as f64 / batch.num_rows().max(1) as f64;
        self.bytes = self
            .bytes
            .saturating_add((batch.get_array_memory_size() as f64 * part) as usize);
        if self.bytes > SCROLL_BYTES_MAX {
            let message =
                format!("FETCH with a row limit can keep at most {SCROLL_BYTES_MAX} bytes of rows");
            return Err(SqlError::new("53400", message)
                .with_hint("Fetch fewer rows at a time, or run it without a row limit."));
        }
        if last_first {
            self.batches
                .extend(rows.rev().map(|row| batch.slice(row, 1)));
        } else {
            self.batches.push(batch.slice(rows.start, rows.len()));
        }
        Ok(())
    }
}

/// A result, or what is left of it.
pub(super) struct Source {
    /// What the engine still makes; none for a result that the door made itself.
    rows: Option<Rows>,
    window: Window,
    position: u64,
}

/// How far a result was sent.
pub(super) struct Sent {
    /// Rows sent this time.
    pub rows: u64,
    /// Whether that was all of it.
    pub complete: bool,
}

impl Source {
    /// What the engine makes, to be read forward.
    pub fn engine(rows: Rows) -> Self {
        Self {
            rows: Some(rows),
            window: Window::new(Keep::Last),
            position: 0,
        }
    }

    /// What the engine makes for a cursor with SCROLL, with NO SCROLL, or with neither.
    pub fn cursor(rows: Rows, scroll: Option<bool>) -> Self {
        let keep = match scroll {
            Some(true) => Keep::All(SCROLL_BYTES_MAX),
            Some(false) => Keep::Last,
            None => Keep::While(UNSAID_BYTES_MAX),
        };
        Self {
            window: Window::new(keep),
            ..Self::engine(rows)
        }
    }

    /// What was put aside.
    pub fn aside(aside: Aside) -> Self {
        Self::ready(aside.batches)
    }

    /// What there is already.
    pub fn ready(batches: Vec<RecordBatch>) -> Self {
        let mut window = Window::new(Keep::All(usize::MAX));
        for batch in batches {
            // It has no limit.
            let _ = window.push(batch);
        }
        Self {
            rows: None,
            window,
            position: 0,
        }
    }

    /// The engine's part, when all is written, to be told of it.
    pub fn into_rows(self) -> Option<Rows> {
        self.rows
    }

    /// Sends all rows that are left, or as many as `rows_max`. The number is counted to, never allocated by.
    pub async fn send(
        &mut self,
        wire: &mut Wire,
        watch: &Watch,
        formats: &[Format],
        forms: &Forms,
        charset: Charset,
        rows_max: Option<u32>,
    ) -> Result<Sent, Halt> {
        let mut output = Output::Client {
            formats,
            forms,
            charset,
        };
        let max = rows_max.map(u64::from);
        let rows = self.forward(max, wire, watch, &mut output).await?;
        Ok(Sent {
            rows,
            complete: max.is_none_or(|max| rows < max),
        })
    }

    /// FETCH, or MOVE with [`Output::Nowhere`]; returns the number of rows.
    ///
    /// # Errors
    /// 55000 where the rows that are wanted again were not kept; what the statement fails with.
    pub async fn fetch(
        &mut self,
        direction: Direction,
        wire: &mut Wire,
        watch: &Watch,
        output: &mut Output<'_>,
    ) -> Result<u64, Halt> {
        let over = &mut Output::Nowhere;
        match direction {
            Direction::Forward(Some(0)) | Direction::Backward(Some(0)) | Direction::Relative(0) => {
                self.again(wire, watch, output).await
            }
            Direction::Forward(count) => self.forward(count, wire, watch, output).await,
            Direction::Backward(count) => self.backward(count, wire, watch, output).await,
            Direction::Relative(by) => {
                let before = Some(by.unsigned_abs() - 1);
                if by > 0 {
                    self.forward(before, wire, watch, over).await?;
                    self.forward(Some(1), wire, watch, output).await
                } else {
                    self.backward(before, wire, watch, over).await?;
                    self.backward(Some(1), wire, watch, output).await
                }
            }
            Direction::Absolute(0) => {
                if self.position > 0 {
                    self.can_go_back()?;
                    self.position = 0;
                }
                Ok(0)
            }
            Direction::Absolute(to) if to > 0 => {
                let before = to.unsigned_abs() - 1;
                if before < self.position {
                    self.can_go_back()?;
                    self.position = before.min(self.window.read);
                }
                let over_to = before - self.position.min(before);
                self.forward(Some(over_to), wire, watch, over).await?;
                self.forward(Some(1), wire, watch, output).await
            }
            Direction::Absolute(to) => {
                self.forward(None, wire, watch, over).await?;
                let before = Some(to.unsigned_abs() - 1);
                self.backward(before, wire, watch, over).await?;
                self.backward(Some(1), wire, watch, output).await
            }
        }
    }

    /// Whether rows that were passed are still there.
    fn can_go_back(&self) -> Result<(), SqlError> {
        match self.window.keep {
            Keep::Last => Err(SqlError::new("55000", "cursor can only scan forward")
                .with_hint("Declare it with SCROLL option to enable backward scan.")),
            Keep::While(_) | Keep::All(_) => Ok(()),
        }
    }

    async fn forward(
        &mut self,
        max: Option<u64>,
        wire: &mut Wire,
        watch: &Watch,
        output: &mut Output<'_>,
    ) -> Result<u64, Halt> {
        self.demand(max);
        let mut count = 0;
        while max.is_none_or(|max| count < max) {
            let Some((batch, from)) = self.batch_at(self.position, wire, watch).await? else {
                self.position = self.window.read + 1;
                break;
            };
            let left = (batch.num_rows() - from) as u64;
            let some = max.map_or(left, |max| left.min(max - count));
            let rows = from..from + some as usize;
            pass(&batch, rows, false, wire, watch, output).await?;
            count += some;
            self.position += some;
        }
        Ok(count)
    }

    /// Lets a statement that acts go as far as rows are wanted, and no further.
    fn demand(&self, max: Option<u64>) {
        let Some(rows) = &self.rows else { return };
        let wanted = match max {
            Some(max) => self.position.saturating_add(max),
            None => u64::MAX,
        };
        let missing = wanted.saturating_sub(self.window.read);
        if missing > 0 {
            rows.demand(u32::try_from(missing).unwrap_or(u32::MAX));
        }
    }

    async fn backward(
        &mut self,
        max: Option<u64>,
        wire: &mut Wire,
        watch: &Watch,
        output: &mut Output<'_>,
    ) -> Result<u64, Halt> {
        if max == Some(0) {
            return Ok(0);
        }
        self.can_go_back()?;
        let there = self.position.saturating_sub(1);
        let count = max.map_or(there, |max| there.min(max));
        let mut left = count;
        while left > 0 {
            let row = self.position - 2;
            let Some((batch, at)) = self.window.find(row) else {
                break;
            };
            let some = left.min(at as u64 + 1);
            let rows = at + 1 - some as usize..at + 1;
            pass(&batch, rows, true, wire, watch, output).await?;
            left -= some;
            self.position -= some;
        }
        if max.is_none_or(|max| count < max) {
            self.position = 0;
        }
        Ok(count)
    }

    /// The row where it stands, once more.
    async fn again(
        &mut self,
        wire: &mut Wire,
        watch: &Watch,
        output: &mut Output<'_>,
    ) -> Result<u64, Halt> {
        if self.position == 0 || self.position > self.window.read {
            return Ok(0);
        }
        if !matches!(output, Output::Nowhere) {
            self.can_go_back()?;
            if let Some((batch, at)) = self.window.find(self.position - 1) {
                pass(&batch, at..at + 1, false, wire, watch, output).await?;
            }
        }
        Ok(1)
    }

    /// The batch with this row, counted from 0, and the row's place in it; none behind the end.
    async fn batch_at(
        &mut self,
        row: u64,
        wire: &mut Wire,
        watch: &Watch,
    ) -> Result<Option<(RecordBatch, usize)>, Halt> {
        loop {
            if let Some(found) = self.window.find(row) {
                return Ok(Some(found));
            }
            if row > self.window.read {
                return Ok(None);
            }
            let Some(rows) = &mut self.rows else {
                return Ok(None);
            };
            match watch.run(wire, rows.next()).await? {
                Some(Ok(batch)) => self.window.push(batch)?,
                Some(Err(error)) => return Err(query::error("", &error).into()),
                None => return Ok(None),
            }
        }
    }
}

async fn pass(
    batch: &RecordBatch,
    rows: Range<usize>,
    last_first: bool,
    wire: &mut Wire,
    watch: &Watch,
    output: &mut Output<'_>,
) -> Result<(), Halt> {
    let (formats, forms, charset) = match output {
        Output::Nowhere => return Ok(()),
        Output::Aside(aside) => return Ok(aside.push(batch, rows, last_first)?),
        Output::Client {
            formats,
            forms,
            charset,
        } => (*formats, *forms, *charset),
    };
    let bind = |_: &mut BytesMut| {
        let encoder = RowEncoder::try_new(batch, formats, forms)?;
        Ok(encoder.in_charset(charset))
    };
    let mut encoder = encode(&mut wire.output, bind)?;
    if last_first {
        for row in rows.rev() {
            encode(&mut wire.output, |out| encoder.encode_row(row, out))?;
            if wire.output.len() >= FLUSH_BYTES {
                watch.flush(wire).await?;
            }
        }
        return Ok(());
    }
    write_rows(wire, watch, rows, |rows, out| {
        encoder.encode_rows(rows, out, FLUSH_BYTES)
    })
    .await
}

/// Has `write` append rows until all are written, and sends them when there are enough. It is told which are left, and
/// returns the row that comes next.
pub(super) async fn write_rows(
    wire: &mut Wire,
    watch: &Watch,
    mut rows: Range<usize>,
    mut write: impl FnMut(Range<usize>, &mut BytesMut) -> Result<usize, EncodeError>,
) -> Result<(), Halt> {
    while !rows.is_empty() {
        rows.start = encode(&mut wire.output, |out| write(rows.clone(), out))?;
        if wire.output.len() >= FLUSH_BYTES {
            watch.flush(wire).await?;
        }
    }
    Ok(())
}

/// Lets `write` append to the output. If it panics, that is an error of the statement, and nothing was appended.
pub(super) fn encode<T>(
    output: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<T, EncodeError>,
) -> Result<T, SqlError> {
    let before = output.len();
    match catch_unwind(AssertUnwindSafe(|| write(output))) {
        Ok(written) => written.map_err(SqlError::from),
        Err(_) => {
            output.truncate(before);
            tracing::error!("writing a row panicked");
            let message = "the statement failed by an internal error: a row could not be written";
            Err(SqlError::new("XX000", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_writing_is_an_error_and_leaves_nothing() {
        let mut output = BytesMut::from("before".as_bytes());
        let written: Result<(), _> = encode(&mut output, |output| {
            output.extend_from_slice(b"half a row");
            panic!("of a test");
        });
        assert_eq!(written.map_err(|error| error.code), Err("XX000"));
        assert_eq!(&output[..], b"before");
    }
}
