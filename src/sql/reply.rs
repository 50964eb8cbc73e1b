//! What the server writes.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::datatypes::Fields;
use pgwire::messages::Message;
use pgwire::messages::data::{FieldDescription, RowDescription};
use pgwire::messages::response::{
    CommandComplete, ErrorResponse, NoticeResponse, ReadyForQuery, TransactionStatus,
};
use pgwire::messages::startup::ParameterStatus;

use super::sqlstate::SqlError;
use super::types::{Format, pg_type, type_len};

/// Longest text in an error, in characters: a token that an error names may be as long as the statement.
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// Most columns of a result, as PostgreSQL has it; the count has 16 bits.
const COLUMNS_MAX: usize = 1_664;

/// Appends a message that is short by construction.
pub(super) fn put(output: &mut BytesMut, message: &impl Message) {
    let start = output.len();
    if let Err(error) = message.encode(output) {
        output.truncate(start);
        tracing::error!(%error, "a message could not be written");
    }
}

/// A message without content.
pub(super) fn bare(output: &mut BytesMut, kind: u8) {
    output.put_u8(kind);
    output.put_u32(4);
}

/// ErrorResponse.
pub(super) fn error(output: &mut BytesMut, error: SqlError) {
    let mut response = ErrorResponse::from(error);
    response.fields.iter_mut().for_each(|(_, text)| tidy(text));
    put(output, &response);
}

/// NoticeResponse with the severity WARNING.
pub(super) fn warning(output: &mut BytesMut, warning: SqlError) {
    let mut fields = ErrorResponse::from(warning).fields;
    for (field, text) in &mut fields {
        match field {
            b'S' | b'V' => "WARNING".clone_into(text),
            _ => tidy(text),
        }
    }
    put(output, &NoticeResponse::new(fields));
}

/// Keeps a text within what clients take: no zero byte, which would end it, and no more than they show.
fn tidy(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        text.truncate(end);
        text.push('…');
    }
}

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
        let ty = pg_type(field.data_type());
        let mut name = names.get(n).unwrap_or(field.name()).clone();
        tidy(&mut name);
        let format = formats.get(n).copied().unwrap_or(first);
        FieldDescription::new(name, 0, 0, ty.oid(), type_len(&ty), -1, format.code())
    };
    let fields = fields.iter().enumerate().map(describe).collect();
    put(output, &RowDescription::new(fields));
    Ok(())
}
