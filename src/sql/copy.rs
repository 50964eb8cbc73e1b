//! COPY … TO STDOUT: rows as a stream of text, CSV or PostgreSQL's binary format.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

use super::cancel::Watch;
use super::connection::{Connection, Halt};
use super::encode::{LineEncoder, LineStyle, RowEncoder};
use super::parse::{CopyOptions, ForceQuote};
use super::rows::{encode, write_rows};
use super::sqlstate::SqlError;
use super::types::Format;
use super::{query, reply};
use crate::catalog::Rows;
use crate::proxy::wire::FLUSH_BYTES;

const COPY_OUT_RESPONSE: u8 = b'H';
const COPY_DATA: u8 = b'd';
const COPY_DONE: u8 = b'c';

/// What a binary stream begins with: the signature, no flags, no extension of the header.
const BINARY_HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with, in place of a row's number of values.
const BINARY_TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// Bytes of a message's type and length.
const MESSAGE_HEAD_BYTES: usize = 5;

/// The form of one COPY, with the columns known.
enum Form {
    Lines(LineStyle),
    Binary,
}

impl Connection {
    /// Sends what `rows` yields, and returns the number of rows. `names` are those of the columns.
    pub async fn copy_out(
        &mut self,
        options: &CopyOptions,
        table: Option<&str>,
        schema: &SchemaRef,
        names: &[String],
        mut rows: Rows,
        watch: &Watch,
    ) -> Result<u64, Halt> {
        let form = form(options, table, names)?;
        let format = match form {
            Form::Lines(_) => Format::Text,
            Form::Binary => Format::Binary,
        };
        let columns = schema.fields().len();
        reply::copy_out(&mut self.wire.output, COPY_OUT_RESPONSE, format, columns);
        let charset = self.settings.charset();
        if let (Form::Lines(style), true) = (&form, options.header) {
            encode(&mut self.wire.output, |out| {
                style.write_names(names, charset, out)
            })?;
        }
        rows.demand(u32::MAX);
        let mut count = 0;
        // The header of the binary format stands in the message of the first row.
        let mut begun = false;
        while let Some(batch) = watch.run(&mut self.wire, rows.next()).await? {
            let batch = batch.map_err(|error| query::error("", &error))?;
            match &form {
                Form::Lines(style) => self.copy_lines(&batch, style, watch).await?,
                Form::Binary => self.copy_binary(&batch, &mut begun, watch).await?,
            }
            count += batch.num_rows() as u64;
        }
        if matches!(form, Form::Binary) {
            let header: &[u8] = if begun { &[] } else { &BINARY_HEADER };
            let output = &mut self.wire.output;
            output.put_u8(COPY_DATA);
            output.put_u32(4 + (header.len() + BINARY_TRAILER.len()) as u32);
            output.extend_from_slice(header);
            output.extend_from_slice(&BINARY_TRAILER);
        }
        reply::bare(&mut self.wire.output, COPY_DONE);
        self.finished.push(rows);
        Ok(count)
    }

    async fn copy_lines(
        &mut self,
        batch: &RecordBatch,
        style: &LineStyle,
        watch: &Watch,
    ) -> Result<(), Halt> {
        let (forms, charset) = (self.settings.forms(), self.settings.charset());
        let bind = |_: &mut BytesMut| {
            let encoder = LineEncoder::try_new(batch, style, &forms)?;
            Ok(encoder.in_charset(charset))
        };
        let mut encoder = encode(&mut self.wire.output, bind)?;
        write_rows(&mut self.wire, watch, 0..batch.num_rows(), |rows, out| {
            encoder.encode_rows(rows, out, FLUSH_BYTES)
        })
        .await
    }

    async fn copy_binary(
        &mut self,
        batch: &RecordBatch,
        begun: &mut bool,
        watch: &Watch,
    ) -> Result<(), Halt> {
        let (forms, charset) = (self.settings.forms(), self.settings.charset());
        let bind = |_: &mut BytesMut| {
            let encoder = RowEncoder::try_new_for_copy(batch, &forms)?;
            Ok(encoder.in_charset(charset))
        };
        let mut encoder = encode(&mut self.wire.output, bind)?;
        let mut rows = 0..batch.num_rows();
        if !*begun && !rows.is_empty() {
            *begun = true;
            rows.start = 1;
            let at = self.wire.output.len();
            encode(&mut self.wire.output, |out| encoder.encode_row(0, out))?;
            let row = self.wire.output.split_off(at);
            let values = row.get(MESSAGE_HEAD_BYTES..).unwrap_or_default();
            let output = &mut self.wire.output;
            output.put_u8(COPY_DATA);
            output.put_u32(4 + (BINARY_HEADER.len() + values.len()) as u32);
            output.extend_from_slice(&BINARY_HEADER);
            output.extend_from_slice(values);
        }
        write_rows(&mut self.wire, watch, rows, |rows, out| {
            encoder.encode_rows(rows, out, FLUSH_BYTES)
        })
        .await
    }
}

/// The form of rows with these columns.
///
/// # Errors
/// 42703 for a column that is to be quoted and is not there.
fn form(options: &CopyOptions, table: Option<&str>, names: &[String]) -> Result<Form, SqlError> {
    let Some(style) = &options.style else {
        return Ok(Form::Binary);
    };
    let forced = match &options.force_quote {
        ForceQuote::All => vec![true; names.len()],
        ForceQuote::Columns(wanted) => {
            if let Some(missing) = wanted.iter().find(|name| !names.contains(name)) {
                let of = table.map(|table| format!(" of relation \"{table}\""));
                let of = of.unwrap_or_default();
                let message = format!("column \"{missing}\"{of} does not exist");
                return Err(SqlError::new("42703", message));
            }
            names.iter().map(|name| wanted.contains(name)).collect()
        }
    };
    Ok(Form::Lines(LineStyle {
        forced,
        is_single: names.len() == 1,
        ..style.clone()
    }))
}
