//! Packets whole, as they come before a client is logged in, and the values in them.
//!
//! A packet is a length of three bytes, a sequence number of one, and a body (MariaDB's "0 - Packet"). One that is
//! longer than 2²⁴ − 2 bytes goes on in another; before a login none is allowed to be.

use bytes::{Buf, BufMut, BytesMut};

/// Length and sequence number.
pub(super) const HEADER_BYTES: usize = 4;
/// A body of this length goes on in the next frame.
pub(super) const FRAME_BYTES_MAX: usize = 0xff_ffff;
/// Longest packet of either side before the login has ended, in bytes: connection attributes have at most 64 KiB.
pub(super) const LOGIN_BYTES_MAX: usize = 128 * 1024;

/// A packet that is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a packet of {length} bytes is longer than the {LOGIN_BYTES_MAX} bytes allowed before the login"
)]
pub(super) struct TooLong {
    length: usize,
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub sequence: u8,
    pub body: BytesMut,
}

/// Takes the next packet off `input`; `None` until all of it is there.
pub(super) fn next(input: &mut BytesMut) -> Result<Option<Packet>, TooLong> {
    let Some(header) = input.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let (length, sequence) = split_header(*header);
    if length > LOGIN_BYTES_MAX {
        return Err(TooLong { length });
    }
    if input.len() < HEADER_BYTES + length {
        return Ok(None);
    }
    input.advance(HEADER_BYTES);
    let body = input.split_to(length);
    Ok(Some(Packet { sequence, body }))
}

/// At least so many bytes more the next packet of `input` has.
pub(super) fn missing(input: &[u8]) -> usize {
    match input.first_chunk::<HEADER_BYTES>() {
        None => HEADER_BYTES - input.len(),
        Some(header) => (HEADER_BYTES + split_header(*header).0).saturating_sub(input.len()),
    }
}

/// Length of the body, and sequence number.
pub(super) fn split_header([a, b, c, sequence]: [u8; HEADER_BYTES]) -> (usize, u8) {
    (u32::from_le_bytes([a, b, c, 0]) as usize, sequence)
}

/// Appends a packet, whose body is shorter than [`FRAME_BYTES_MAX`].
pub(super) fn put(output: &mut BytesMut, sequence: u8, body: &[u8]) {
    debug_assert!(body.len() < FRAME_BYTES_MAX);
    output.reserve(HEADER_BYTES + body.len());
    output.put_uint_le(body.len() as u64, 3);
    output.put_u8(sequence);
    output.put_slice(body);
}

/// What is left of a body, value by value; each is `None` when the body ends before it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a>(pub &'a [u8]);

impl<'a> Values<'a> {
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (value, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(value)
    }

    pub fn u8(&mut self) -> Option<u8> {
        let (value, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*value)
    }

    pub fn u16(&mut self) -> Option<u16> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_le_bytes(*value))
    }

    pub fn u32(&mut self) -> Option<u32> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*value))
    }

    /// Up to a zero byte, which is not part of it.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.0.iter().position(|byte| *byte == 0)?;
        let value = self.bytes(length)?;
        self.u8()?;
        Some(value)
    }

    /// An integer of one, three, four or nine bytes ("length encoded").
    pub fn int(&mut self) -> Option<u64> {
        let bytes = match self.u8()? {
            0xfc => self.bytes(2)?,
            0xfd => self.bytes(3)?,
            0xfe => self.bytes(8)?,
            // NULL and the header of an error.
            0xfb | 0xff => return None,
            short => return Some(u64::from(short)),
        };
        let mut value = [0; 8];
        value[..bytes.len()].copy_from_slice(bytes);
        Some(u64::from_le_bytes(value))
    }

    /// Bytes behind their length.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.int()?).ok()?;
        self.bytes(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_is_taken_when_it_is_there_whole() {
        let mut input = BytesMut::from(&b"\x02\0\0\x07a"[..]);
        assert_eq!(next(&mut input), Ok(None));
        input.put_slice(b"bc");
        let packet = next(&mut input).expect("short").expect("whole");
        assert_eq!((packet.sequence, &packet.body[..]), (7, &b"ab"[..]));
        assert_eq!(&input[..], b"c");

        let mut input = BytesMut::from(&b"\x01\0\x02\0"[..]);
        assert_eq!(next(&mut input), Err(TooLong { length: 0x2_0001 }));
    }

    #[test]
    fn integers_have_the_length_that_their_first_byte_says() {
        for (bytes, value) in [
            (&b"\x05"[..], Some(5)),
            (b"\xfc\x01\x02", Some(0x201)),
            (b"\xfd\x01\x02\x03", Some(0x03_0201)),
            (b"\xfe\x01\0\0\0\0\0\0\x01", Some(0x0100_0000_0000_0001)),
            (b"\xfe\x01", None),
            (b"\xfb", None),
            (b"\xff", None),
            (b"", None),
        ] {
            assert_eq!(Values(bytes).int(), value, "{bytes:?}");
        }
        assert_eq!(
            Values(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffabc").string(),
            None
        );
    }

    proptest! {
        #[test]
        fn what_is_put_is_what_comes_out(sequence: u8, body in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut output = BytesMut::new();
            put(&mut output, sequence, &body);
            let packet = next(&mut output).expect("short").expect("whole");
            prop_assert_eq!(packet.sequence, sequence);
            prop_assert_eq!(&packet.body[..], &body[..]);
            prop_assert!(output.is_empty());
        }
    }
}
