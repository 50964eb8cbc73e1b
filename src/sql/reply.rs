//! What the server writes.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::datatypes::Fields;
use pgwire::messages::data::{FieldDescription, RowDescription};
use pgwire::messages::response::{CommandComplete, ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::ParameterStatus;

use super::charset::Charset;
use super::sqlstate::SqlError;
use crate::catalog::origin_of;
use crate::proxy::postgres::reply::tidy;
pub(super) use crate::proxy::postgres::reply::{bare, error, put, warning};

use super::types::{Format, modifier_of, pg_type_of, type_len};

/// Most columns of a result, as PostgreSQL has it; the count has 16 bits.
const COLUMNS_MAX: usize = 1_664;

/// ParameterStatus.
pub(super) fn parameter_status(output: &mut BytesMut, name: &str, value: &str) {
    put(
        output,
        &ParameterStatus::new(name.to_owned(), value.to_owned()),
    );
}

/// CommandComplete.
pub(super) fn complete(output: &mut BytesMut, tag: String) {
    put(output, &CommandComplete::new(tag));
}

/// ReadyForQuery.
pub(super) fn ready(output: &mut BytesMut, status: TransactionStatus) {
    put(output, &ReadyForQuery::new(status));
}

/// CopyOutResponse, `kind`: all of so many columns are in one format.
pub(super) fn copy_out(output: &mut BytesMut, kind: u8, format: Format, columns: usize) {
    let columns = u16::try_from(columns).unwrap_or(u16::MAX);
    output.put_u8(kind);
    output.put_u32(4 + 1 + 2 + 2 * u32::from(columns));
    output.put_u8(u8::from(format == Format::Binary));
    output.put_u16(columns);
    for _ in 0..columns {
        output.put_i16(format.code());
    }
}

/// RowDescription; `formats` as in Bind.
///
/// # Errors
/// 54011 for more columns than a result may have.
pub(super) fn row_description(
    output: &mut BytesMut,
    names: &[String],
    fields: &Fields,
    formats: &[Format],
) -> Result<(), SqlError> {
    if fields.len() > COLUMNS_MAX {
        let message = format!("target lists can have at most {COLUMNS_MAX} entries");
        return Err(SqlError::new("54011", message));
    }
    let first = formats.first().copied().unwrap_or_default();
    let describe = |(n, field): (usize, &std::sync::Arc<datafusion::arrow::datatypes::Field>)| {
        let ty = pg_type_of(field);
        let mut name = names.get(n).unwrap_or(field.name()).clone();
        tidy(&mut name);
        let format = formats.get(n).copied().unwrap_or(first);
        let (table, column) = origin_of(field).unwrap_or((0, 0));
        FieldDescription::new(
            name,
            table.cast_signed(),
            column,
            ty.oid(),
            type_len(&ty),
            modifier_of(field),
            format.code(),
        )
    };
    let fields = fields.iter().enumerate().map(describe).collect();
    put(output, &RowDescription::new(fields));
    Ok(())
}

/// Bytes of a message's type and length.
const HEAD_BYTES: usize = 5;

/// Puts the message of texts that stands in `output` from `start` on into the client's character set.
pub(super) fn recode(output: &mut BytesMut, start: usize, charset: Charset) {
    if charset.is_same() {
        return;
    }
    charset.recode_lossy(output, start + HEAD_BYTES);
    patch_length(output, start);
}

/// Appends a RowDescription with its names in the client's character set.
///
/// # Errors
/// 22P05 for a name that has a character which the character set has not.
pub(super) fn recode_row_description(
    message: &[u8],
    charset: Charset,
    output: &mut BytesMut,
) -> Result<(), SqlError> {
    /// What stands behind a name: table, column, type, length, modifier, format.
    const FIELD_BYTES: usize = 18;
    /// Type, length, number of columns.
    const BEFORE_FIELDS: usize = HEAD_BYTES + 2;
    let mut recoded = BytesMut::new();
    let (head, mut fields) = message.split_at(BEFORE_FIELDS.min(message.len()));
    recoded.extend_from_slice(head);
    while let Some(end) = fields.iter().position(|byte| *byte == 0) {
        let (name, rest) = fields.split_at(end);
        let start = recoded.len();
        recoded.extend_from_slice(name);
        let named = charset.recode(&mut recoded, start);
        named.map_err(|missing| SqlError::new("22P05", missing.to_string()))?;
        let (behind, next) = rest.split_at((1 + FIELD_BYTES).min(rest.len()));
        recoded.extend_from_slice(behind);
        fields = next;
    }
    patch_length(&mut recoded, 0);
    output.extend_from_slice(&recoded);
    Ok(())
}

/// Writes the length of the message that begins at `start` and ends with the output.
fn patch_length(output: &mut BytesMut, start: usize) {
    // What is too long for a length was refused before it was recoded.
    let length = (output.len() - start - 1) as u32;
    if let Some(field) = output.get_mut(start + 1..start + HEAD_BYTES) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}
