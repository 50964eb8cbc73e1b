//! Where a message begins and ends.
//!
//! Frames are cut by their header alone, and a frame's length is judged before its body is waited for: what a
//! client announces costs nothing, only what it sends does. Every body is then decoded from exactly its own bytes,
//! so nothing that hides behind a shorter content is ever read as a message of its own.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::error::SqlError;

/// Longest frame before a client is authenticated, in bytes; PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`.
pub(crate) const UNTRUSTED_BYTES_MAX: usize = 10_000;

/// The length field counts itself.
const LENGTH_BYTES: usize = 4;
/// Type byte and length field.
const HEADER_BYTES: usize = 1 + LENGTH_BYTES;
/// Length field and request code, the least that a start-up packet has.
const STARTUP_BYTES_MIN: usize = 8;

/// The types of messages that a client may send, from the protocol's "Message Formats".
const CLIENT_MESSAGES: &[u8] = b"BCDEFHPQSXcdfp";

/// One message of a client, with its body cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The type byte, one of the protocol's.
    pub kind: u8,
    /// Everything behind the length field.
    pub body: Bytes,
}

/// What arrives is not the protocol. Where the next message would begin cannot be known, so it ends the session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// A type byte that no message of a client has.
    #[error("invalid frontend message type {0}")]
    Kind(u8),
    /// A length that does not even count itself.
    #[error("invalid message length {0}")]
    Length(u32),
    /// More than is allowed.
    #[error("a message of {length} bytes is longer than the {max} bytes allowed")]
    TooLong {
        /// The length that the header announces.
        length: u32,
        /// The most that is allowed.
        max: usize,
    },
}

impl Frame {
    /// Appends the message as it came.
    pub fn put(&self, output: &mut BytesMut) {
        output.reserve(HEADER_BYTES + self.body.len());
        output.put_u8(self.kind);
        // The length came from a field of 32 bits.
        output.put_u32((LENGTH_BYTES + self.body.len()) as u32);
        output.extend_from_slice(&self.body);
    }
}

impl From<FrameError> for SqlError {
    fn from(error: FrameError) -> Self {
        Self::fatal("08P01", error.to_string())
    }
}

/// Takes the next message of a client off `input`; `None` until all of it is there. `bytes_max` bounds its length
/// field.
pub(crate) fn next(input: &mut BytesMut, bytes_max: usize) -> Result<Option<Frame>, FrameError> {
    match input.first() {
        Some(kind) if !CLIENT_MESSAGES.contains(kind) => Err(FrameError::Kind(*kind)),
        _ => next_of_any(input, bytes_max),
    }
}

/// The same whatever its type: a message of a server.
pub(crate) fn next_of_any(
    input: &mut BytesMut,
    bytes_max: usize,
) -> Result<Option<Frame>, FrameError> {
    let Some(&kind) = input.first() else {
        return Ok(None);
    };
    let Some(length) = length_at(input, 1, LENGTH_BYTES, bytes_max)? else {
        return Ok(None);
    };
    if input.len() < 1 + length {
        return Ok(None);
    }
    input.advance(HEADER_BYTES);
    let body = input.split_to(length - LENGTH_BYTES).freeze();
    Ok(Some(Frame { kind, body }))
}

/// Takes the next start-up packet off `input`: request code and content, without the length.
pub(crate) fn next_startup(input: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = length_at(input, 0, STARTUP_BYTES_MIN, UNTRUSTED_BYTES_MAX)? else {
        return Ok(None);
    };
    if input.len() < length {
        return Ok(None);
    }
    input.advance(LENGTH_BYTES);
    Ok(Some(input.split_to(length - LENGTH_BYTES).freeze()))
}

/// The length field at `offset`, if it is there and between `min` and `max`.
fn length_at(
    input: &[u8],
    offset: usize,
    min: usize,
    max: usize,
) -> Result<Option<usize>, FrameError> {
    let field = input.get(offset..).and_then(|rest| rest.first_chunk());
    let Some(length) = field.map(|field| u32::from_be_bytes(*field)) else {
        return Ok(None);
    };
    match length as usize {
        bytes if bytes < min => Err(FrameError::Length(length)),
        bytes if bytes > max => Err(FrameError::TooLong { length, max }),
        bytes => Ok(Some(bytes)),
    }
}

/// All messages of a client's stream that comes in pieces of so many bytes, up to the first error.
#[cfg(any(test, fuzzing))]
pub(super) fn cut_in_pieces(
    bytes: &[u8],
    piece: usize,
    bytes_max: usize,
) -> (Vec<Frame>, Option<FrameError>) {
    let (mut input, mut frames) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        input.extend_from_slice(piece);
        loop {
            match next(&mut input, bytes_max) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 64;

    fn cut(bytes: &[u8]) -> (Vec<Frame>, Option<FrameError>) {
        cut_in_pieces(bytes, bytes.len().max(1), MAX)
    }

    /// Frames that are mostly well-formed, so that the interesting places are reached.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let kind =
            prop_oneof![9 => prop::sample::select(CLIENT_MESSAGES.to_vec()), 1 => any::<u8>()];
        let frame = (
            kind,
            prop::collection::vec(any::<u8>(), 0..MAX + 8),
            any::<i8>(),
        )
            .prop_map(|(kind, body, slip)| {
                let slip = if slip % 16 == 0 { i32::from(slip) } else { 0 };
                let length = body.len() as i32 + 4 + slip;
                let mut bytes = vec![kind];
                bytes.extend(length.to_be_bytes());
                bytes.extend(body);
                bytes
            });
        prop::collection::vec(frame, 0..6).prop_map(|frames| frames.concat())
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            cut(&bytes);
            let _ = next_startup(&mut BytesMut::from(&bytes[..]));
        }

        #[test]
        fn split_reads_give_the_same_frames_as_whole_ones(bytes in stream(), piece in 1usize..40) {
            prop_assert_eq!(cut_in_pieces(&bytes, piece, MAX), cut(&bytes));
        }
    }

    #[test]
    fn a_length_is_judged_before_its_body_is_there() {
        let mut input = BytesMut::from(&b"Q\x40\0\0\0"[..]);
        let too_long = FrameError::TooLong {
            length: 0x4000_0000,
            max: MAX,
        };
        assert_eq!(next(&mut input, MAX), Err(too_long));
        let mut input = BytesMut::from(&b"Q\0\0\0\x03"[..]);
        assert_eq!(next(&mut input, MAX), Err(FrameError::Length(3)));
        let mut input = BytesMut::from(&b"z"[..]);
        assert_eq!(next(&mut input, MAX), Err(FrameError::Kind(b'z')));
        let mut input = BytesMut::from(&b"\0\0\0\x07\0\0\0"[..]);
        assert_eq!(next_startup(&mut input), Err(FrameError::Length(7)));
        let mut input = BytesMut::from(&b"\0\0\x27\x11"[..]);
        assert!(matches!(
            next_startup(&mut input),
            Err(FrameError::TooLong { .. })
        ));
    }
}
