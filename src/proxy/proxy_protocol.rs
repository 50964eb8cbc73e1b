//! The PROXY protocol, versions 1 and 2 (HAProxy's `doc/proxy-protocol.txt`): whoever connects on behalf of somebody
//! else says so before the first byte of the protocol proper.
//!
//! What is before the proxy says it to a listener that trusts its address; the proxy says it to servers that want to
//! hear it. From an address that is trusted a header must come, and from any other none is looked for: otherwise
//! anybody could take any address.
//!
//! A header is read to its last byte and no further, since what follows may be a handshake of TLS.

use std::net::{IpAddr, SocketAddr};

use bytes::{Buf, BytesMut};
use proxy_header::{ParseConfig, Protocol, ProxiedAddress, ProxyHeader};

use super::wire::Wire;
use crate::session::Remote;

/// What a header of version 1 begins with, the shortest and the longest one, in bytes.
const V1: &[u8] = b"PROXY ";
const V1_BYTES_MIN: usize = b"PROXY UNKNOWN\r\n".len();
const V1_BYTES_MAX: usize = 107;
/// What a header of version 2 begins with, and the part of it that has always the same length, in bytes.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED_BYTES: usize = 16;
/// How long the rest may be, in bytes: addresses take at most 216, and what else is told is skipped.
const V2_REST_BYTES_MAX: usize = 4096;

/// Why what a trusted address sends first is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("a header of the PROXY protocol must come first from this address")]
    Missing,
    #[error("the header of the PROXY protocol cannot be read")]
    Malformed,
    #[error("the header of the PROXY protocol is too long")]
    TooLong,
}

/// What has come of a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// All of it, with the client's address. `None`: it is for nobody else, or does not say for whom.
    Whole(Option<SocketAddr>),
    /// At least so many bytes more belong to it; never 0.
    Missing(usize),
}

/// Takes a header off `input`, which has been given no more bytes than were missing.
pub(super) fn next(input: &mut BytesMut) -> Result<Header, HeaderError> {
    let missing = missing(input)?;
    if missing > 0 {
        return Ok(Header::Missing(missing));
    }
    let config = ParseConfig {
        include_tlvs: false,
        ..ParseConfig::default()
    };
    let (header, length) = ProxyHeader::parse(input, config).map_err(|_| HeaderError::Malformed)?;
    let client = match header.proxied_address() {
        Some(address) if address.protocol != Protocol::Stream => {
            return Err(HeaderError::Malformed);
        }
        address => address.map(|address| address.source),
    };
    input.advance(length);
    Ok(Header::Whole(client))
}

/// At least so many bytes more a header has that begins so; 0: it is there whole.
fn missing(input: &[u8]) -> Result<usize, HeaderError> {
    let begins = |signature: &[u8]| input.iter().zip(signature).all(|(a, b)| a == b);
    if begins(V2) {
        let Some(fixed) = input.first_chunk::<V2_FIXED_BYTES>() else {
            // Nothing has come yet, and the shortest header is one of version 1.
            let least = if input.is_empty() {
                V1_BYTES_MIN
            } else {
                V2_FIXED_BYTES
            };
            return Ok(least - input.len());
        };
        let [.., high, low] = *fixed;
        let rest = usize::from(u16::from_be_bytes([high, low]));
        if rest > V2_REST_BYTES_MAX {
            return Err(HeaderError::TooLong);
        }
        return Ok((V2_FIXED_BYTES + rest).saturating_sub(input.len()));
    }
    if !begins(V1) {
        return Err(HeaderError::Missing);
    }
    let have = input.len();
    match input.last() {
        _ if have < V1_BYTES_MIN => Ok(V1_BYTES_MIN - have),
        Some(b'\n') => Ok(0),
        _ if have >= V1_BYTES_MAX => Err(HeaderError::TooLong),
        Some(b'\r') => Ok(1),
        // The end of the line, at least.
        _ => Ok(2.min(V1_BYTES_MAX - have)),
    }
}

/// Reads the header that comes before all else, and gives the session the address of the client. False: the connection
/// ended before.
///
/// # Errors
/// When something else comes.
pub(super) async fn read(wire: &mut Wire) -> Result<bool, HeaderError> {
    loop {
        match next(&mut wire.input)? {
            Header::Whole(client) => {
                if let Some(client) = client {
                    wire.guard.comes_from(client);
                }
                return Ok(true);
            }
            Header::Missing(bytes) => {
                if !matches!(wire.read_at_most(bytes).await, Ok(true)) {
                    return Ok(false);
                }
            }
        }
    }
}

/// On whose behalf a connection to a server is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The proxy's own: of a monitor, or of a client that has no address that a server could make use of.
    Proxy,
    /// A client's.
    Client {
        /// Where the client connected from.
        client: SocketAddr,
        /// Where it connected to.
        listener: SocketAddr,
    },
}

impl Origin {
    /// Of a client of the proxy's. One of a UNIX socket has none: to be local to the proxy's host is not to be local
    /// to the server's.
    pub(super) fn of(wire: &Wire) -> Self {
        match (wire.guard.remote(), wire.local_address()) {
            (Remote::Tcp(client), Some(listener)) => Self::Client { client, listener },
            _ => Self::Proxy,
        }
    }

    /// What a server is told, in version 2.
    pub(super) fn header(self) -> Vec<u8> {
        let header = match self {
            Self::Proxy => ProxyHeader::with_local(),
            Self::Client { client, listener } => {
                let (client, listener) = of_one_family(client, listener);
                ProxyHeader::with_address(ProxiedAddress::stream(client, listener))
            }
        };
        let mut bytes = Vec::new();
        // It cannot fail where the families are the same.
        let _ = header.encode_v2(&mut bytes);
        bytes
    }
}

/// The addresses as IPv4 where both are, and else as IPv6.
fn of_one_family(one: SocketAddr, other: SocketAddr) -> (SocketAddr, SocketAddr) {
    let (mut a, mut b) = (one.ip().to_canonical(), other.ip().to_canonical());
    if a.is_ipv4() != b.is_ipv4() {
        let wide = |address| match address {
            IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
            v6 => v6,
        };
        (a, b) = (wide(a), wide(b));
    }
    ((a, one.port()).into(), (b, other.port()).into())
}

#[cfg(test)]
mod tests {
    use super::super::fuzz::proxy_header as taken;
    use super::*;

    use proptest::prelude::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn headers_of_both_versions_are_read() {
        let cases: [(&[u8], Option<&str>); 8] = [
            (b"PROXY UNKNOWN\r\n", None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 3306\r\n",
                Some("192.0.2.7:4711"),
            ),
            (
                b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 3306\r\n",
                Some("[2001:db8::7]:4711"),
            ),
            // LOCAL, and PROXY of a family that is not said, with something else behind it.
            (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", None),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\x04\x04\0\x01\0", None),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\x0c\xea",
                Some("192.0.2.7:4711"),
            ),
            // Behind the addresses a unique id of the connection.
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x11\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\x0c\xea\x05\0\x02ab",
                Some("192.0.2.7:4711"),
            ),
        ];
        for (header, client) in cases {
            let stream = [header, b"\x16\x03\x01"].concat();
            let expected = (client.map(address), header.len());
            assert_eq!(taken(&stream), Ok(Some(expected)), "{header:?}");
            let cut = &stream[..header.len() - 1];
            assert_eq!(taken(cut), Ok(None), "{header:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let mut long = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x10\x01".to_vec();
        long.resize(8192, 0);
        let unended = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        let cases: [(&[u8], HeaderError); 9] = [
            (
                b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\0\0\0\0\0",
                HeaderError::Missing,
            ),
            (b"PROXYTCP4 192.0.2.7 198.51.100.1", HeaderError::Missing),
            (b"GET / HTTP/1.1\r\n\r\n", HeaderError::Missing),
            (&long, HeaderError::TooLong),
            (&unended, HeaderError::TooLong),
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n",
                HeaderError::Malformed,
            ),
            (
                b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
                HeaderError::Malformed,
            ),
            // A version that there is not, and datagrams.
            (b"\r\n\r\n\0\r\nQUIT\n\x31\0\0\0", HeaderError::Malformed),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\x0c\xea",
                HeaderError::Malformed,
            ),
        ];
        for (stream, error) in cases {
            assert_eq!(taken(stream), Err(error), "{stream:?}");
        }
    }

    #[test]
    fn a_server_hears_addresses_of_one_family() {
        for (client, listener, heard) in [
            ("192.0.2.7:1", "198.51.100.1:2", "192.0.2.7:1"),
            (
                "[::ffff:192.0.2.7]:1",
                "[::ffff:198.51.100.1]:2",
                "192.0.2.7:1",
            ),
            ("[2001:db8::7]:1", "198.51.100.1:2", "[2001:db8::7]:1"),
            ("192.0.2.7:1", "[2001:db8::1]:2", "[::ffff:192.0.2.7]:1"),
        ] {
            let (client, listener) = (address(client), address(listener));
            let header = Origin::Client { client, listener }.header();
            let heard = (Some(address(heard)), header.len());
            assert_eq!(taken(&header), Ok(Some(heard)), "{client} {listener}");
        }
        let local = Origin::Proxy.header();
        assert_eq!(taken(&local), Ok(Some((None, local.len()))));
    }

    /// Bytes that are nearly a header.
    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let noise = || prop::collection::vec(any::<u8>(), 0..300);
        let v1 =
            "PROXY (TCP4|TCP6|UNKNOWN)( [0-9a-f:.]{0,40}){0,3} [0-9]{0,6}(\r\n|\n|\r|)[a-z]{0,9}";
        let v2 = (
            0x1e_u8..0x23,
            prop::sample::select(vec![0, 0x11, 0x12, 0x21, 0x22, 0x31, 0x41]),
        );
        prop_oneof![
            noise(),
            v1.prop_map(String::into_bytes),
            (v2, 0_u16..300, noise()).prop_map(|((command, family), length, rest)| {
                [V2, &[command, family], &length.to_be_bytes(), &rest].concat()
            }),
        ]
    }

    proptest! {
        #[test]
        fn whatever_comes_is_bounded_and_nothing_behind_a_header_is_read(bytes in nearly()) {
            let _ = taken(&bytes);
        }
    }
}
