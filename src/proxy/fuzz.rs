//! What the fuzz targets and the property tests call of what all protocols share.

use std::net::SocketAddr;

use bytes::BytesMut;

use super::proxy_protocol::{Header, HeaderError, next};

/// The longest header that is taken, in bytes.
const HEADER_BYTES_MAX: usize = 16 + 4096;

/// Reads a header of the PROXY protocol as a connection does, in pieces of what is missing. Returns the client's
/// address and the header's length; `Ok(None)` when the bytes end before it does.
pub(super) fn proxy_header(
    bytes: &[u8],
) -> Result<Option<(Option<SocketAddr>, usize)>, HeaderError> {
    let (mut input, mut read) = (BytesMut::new(), 0);
    loop {
        match next(&mut input)? {
            Header::Whole(client) => {
                assert!(input.is_empty(), "read beyond the header");
                return Ok(Some((client, read)));
            }
            Header::Missing(missing) => {
                assert!(missing > 0 && read + missing <= HEADER_BYTES_MAX);
                let Some(more) = bytes.get(read..read + missing) else {
                    return Ok(None);
                };
                input.extend_from_slice(more);
                read += missing;
            }
        }
    }
}

/// Whatever a trusted address sends first.
pub fn header(bytes: &[u8]) {
    let _ = proxy_header(bytes);
}
