//! What is written to a client.

use bytes::{BufMut, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

use super::error::SqlError;

/// Longest text in an error, in characters: a token that an error names may be as long as the statement.
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// Appends a message that is short by construction.
pub(crate) fn put(output: &mut BytesMut, message: &impl Message) {
    let start = output.len();
    if let Err(error) = message.encode(output) {
        output.truncate(start);
        tracing::error!(%error, "a message could not be written");
    }
}

/// A message without content.
pub(crate) fn bare(output: &mut BytesMut, kind: u8) {
    output.put_u8(kind);
    output.put_u32(4);
}

/// ErrorResponse.
pub(crate) fn error(output: &mut BytesMut, error: SqlError) {
    let mut response = ErrorResponse::from(error);
    response.fields.iter_mut().for_each(|(_, text)| tidy(text));
    put(output, &response);
}

/// NoticeResponse with the severity WARNING.
pub(crate) fn warning(output: &mut BytesMut, warning: SqlError) {
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
pub(crate) fn tidy(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        text.truncate(end);
        text.push('…');
    }
}
