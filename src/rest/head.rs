//! The head of a request of HTTP/1, as it is before the HTTP library gets to see it.
//!
//! The library answers what it cannot read by itself: without a document, and without anybody hearing of it. It also
//! takes what a server that others stand in front of had better not (RFC 9112, section 6.1), and does not take what
//! programs send all the same, such as quotation marks in a target. So heads are read here first, with the library's
//! own parser: what passes, it can read, and what does not is answered like every other request.

use std::borrow::Cow;

use axum::http::{HeaderName, Method, StatusCode, Uri, header};
use bytes::Bytes;
use httparse::Status;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use super::parameters::shorten;
use super::refusal::Refusal;

/// Bytes of a head, at most.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a target, at most; somewhat less than the library can read.
const TARGET_BYTES_MAX: usize = 62 * 1024;
/// Headers, at most: what the library takes.
const HEADERS_MAX: usize = 100;

/// What a client of HTTP/2 begins with (RFC 9113, section 3.4): the first part of it has the form of a head.
pub const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What a client begins with that expects TLS: the type of its first record.
pub const TLS_HANDSHAKE: u8 = 0x16;

/// What must not stand in a target as it is (RFC 3986, section 2), although programs write it; besides all that is no
/// ASCII.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// How long a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Bytes(u64),
    /// What its chunks say.
    Chunked,
}

/// A head that the library can read.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// As it is passed on.
    pub text: Bytes,
    /// Of the body behind it.
    pub body: Length,
}

/// A request that cannot be read.
#[derive(Debug)]
pub struct Unread {
    /// Why.
    pub refusal: Refusal,
    /// Its method, as far as it can be told.
    pub method: Method,
    /// Its path, or what stands there, as far as the log shows it.
    pub path: String,
}

impl Unread {
    /// A request of which these bytes have come, with the answer to it.
    pub fn new(bytes: &[u8], refusal: Refusal) -> Self {
        let line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let mut words = line.split(|byte| *byte == b' ');
        let method = words.next().and_then(|word| Method::from_bytes(word).ok());
        let target = match begins_wrong(bytes) {
            None => words.next().unwrap_or_default(),
            Some(_) => &[],
        };
        let path = target
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default();
        // Four bytes are a character's most.
        let path = String::from_utf8_lossy(path.get(..1024).unwrap_or(path));
        Self {
            refusal,
            method: method.unwrap_or(Method::GET),
            path: shorten(&path).trim_end().to_owned(),
        }
    }
}

/// Whether these bytes, which are there so far, are those of no request.
pub fn begins_wrong(bytes: &[u8]) -> Option<Refusal> {
    let first = bytes.first()?;
    if *first == TLS_HANDSHAKE {
        let detail = "this is no request of HTTP but a greeting of TLS, which is not spoken here";
        return Some(Refusal::bad_request(detail));
    }
    let is_method = first.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(first);
    (!is_method).then(|| Refusal::bad_request("this is no request of HTTP"))
}

/// Whether a client speaks HTTP/2 whose first bytes these are, as far as they have come.
pub fn is_http2(bytes: &[u8]) -> bool {
    let preface = bytes.get(..HTTP2_PREFACE.len()).unwrap_or(bytes);
    preface.len() > 3 && HTTP2_PREFACE.starts_with(preface)
}

/// Where the head ends with which these bytes begin: behind its empty line. `from` bytes have been searched before.
pub fn end(bytes: &[u8], from: usize) -> Option<usize> {
    // What ends it may have begun before.
    let mut at = from.saturating_sub(3);
    while let Some(found) = bytes.get(at..)?.iter().position(|byte| *byte == b'\n') {
        at += found + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// What to say of a head that does not end within [`HEAD_BYTES_MAX`].
pub fn too_long(bytes: &[u8]) -> Refusal {
    match bytes.contains(&b'\n') {
        true => headers_too_long(),
        false => target_too_long(),
    }
}

fn headers_too_long() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        format!("a request's head has at most {HEAD_BYTES_MAX} bytes and {HEADERS_MAX} headers"),
    )
}

fn target_too_long() -> Refusal {
    Refusal::new(
        StatusCode::URI_TOO_LONG,
        format!("the request's target is longer than {TARGET_BYTES_MAX} bytes"),
    )
}

/// Reads a whole head.
///
/// # Errors
/// 400, 414, 431 or 501 with what is wrong with it.
pub fn read(head: Bytes) -> Result<Head, Refusal> {
    if head.len() > HEAD_BYTES_MAX {
        return Err(too_long(&head));
    }
    let text = with_plain_target(head)?;
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(&text) {
        Ok(Status::Complete(length)) if length == text.len() => {}
        Ok(_) => return Err(Refusal::bad_request("the request's head is malformed")),
        Err(error) => return Err(malformed(error)),
    }
    let is_uri = |target: &str| Uri::try_from(target).is_ok();
    if !request.path.is_some_and(is_uri) {
        return Err(Refusal::bad_request("the request's target is no URI"));
    }
    let body = length(request.headers, request.version == Some(1))?;
    Ok(Head { text, body })
}

fn malformed(error: httparse::Error) -> Refusal {
    Refusal::bad_request(match error {
        httparse::Error::TooManyHeaders => return headers_too_long(),
        httparse::Error::HeaderName => {
            "the request has a header whose name is malformed, or which goes on in a second line"
        }
        httparse::Error::HeaderValue => {
            "the request has a header with characters that none can have"
        }
        httparse::Error::NewLine => "the request has a line that ends wrongly",
        httparse::Error::Version => "the request's version is none of HTTP/1.0 and HTTP/1.1",
        httparse::Error::Token | httparse::Error::Status => "the request's first line is malformed",
    })
}

/// The head with those characters escaped in its target that must be.
///
/// # Errors
/// 400 when the first line is not one; 414 when the target is too long.
fn with_plain_target(head: Bytes) -> Result<Bytes, Refusal> {
    let malformed = || {
        Refusal::bad_request(
            "the request's first line is not METHOD TARGET VERSION: in the target, a space is written %20",
        )
    };
    let line_end = head.iter().position(|byte| *byte == b'\n');
    let line = head.get(..line_end.unwrap_or(0)).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(malformed());
    };
    if method.is_empty() || target.is_empty() || version.contains(&b' ') {
        return Err(malformed());
    }
    if target.iter().any(u8::is_ascii_control) {
        return Err(Refusal::bad_request(
            "the request's target has control characters",
        ));
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(target_too_long());
    }
    let plain = Cow::from(percent_encode(target, ESCAPED));
    if plain.as_bytes() == target {
        return Ok(head);
    }
    if plain.len() > TARGET_BYTES_MAX {
        return Err(target_too_long());
    }
    let behind = head.get(method.len() + 1 + target.len()..);
    let text = [method, b" ", plain.as_bytes(), behind.unwrap_or_default()].concat();
    match text.len() > HEAD_BYTES_MAX {
        true => Err(headers_too_long()),
        false => Ok(text.into()),
    }
}

/// How long the body is that these headers announce.
///
/// # Errors
/// 400 where two readers could come to different answers; 501 for codings of transfer that are not known.
fn length(headers: &[httparse::Header<'_>], is_http_11: bool) -> Result<Length, Refusal> {
    let values = |name: HeaderName| {
        let named = headers.iter();
        named
            .filter(move |header| header.name.eq_ignore_ascii_case(name.as_str()))
            .map(|header| header.value)
    };
    let mut lengths = values(header::CONTENT_LENGTH);
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(Refusal::bad_request(
            "the request has two Content-Length headers",
        ));
    }
    let mut codings = Vec::new();
    for value in values(header::TRANSFER_ENCODING) {
        codings.extend(value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
    }
    let Some((last, others)) = codings.split_last() else {
        return content_length(length).map(Length::Bytes);
    };
    if length.is_some() {
        return Err(Refusal::bad_request(
            "the request has both Content-Length and Transfer-Encoding",
        ));
    }
    if !is_http_11 {
        return Err(Refusal::bad_request(
            "the request has Transfer-Encoding, which HTTP/1.0 does not know",
        ));
    }
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if !is_chunked(last) || others.iter().any(|coding| is_chunked(coding)) {
        return Err(Refusal::bad_request(
            "the request's Transfer-Encoding does not end with chunked, once",
        ));
    }
    match others.is_empty() {
        true => Ok(Length::Chunked),
        false => Err(Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "chunked is the only Transfer-Encoding that is known here",
        )),
    }
}

fn content_length(value: Option<&[u8]>) -> Result<u64, Refusal> {
    let Some(value) = value else {
        return Ok(0);
    };
    let digits = value.trim_ascii();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = str::from_utf8(digits).ok().filter(|_| is_number);
    // The library keeps the largest numbers for itself.
    let number = number.and_then(|digits| digits.parse::<i64>().ok());
    number
        .and_then(|number| number.try_into().ok())
        .ok_or_else(|| {
            Refusal::bad_request("the request's Content-Length is not a number of bytes")
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_text(text: &str) -> Result<Head, u16> {
        read(Bytes::copy_from_slice(text.as_bytes())).map_err(|refusal| {
            assert!(!refusal.detail().is_empty());
            refusal.status.as_u16()
        })
    }

    fn passed(target: &str) -> Result<String, u16> {
        let head = read_text(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
        let text = String::from_utf8(head.text.to_vec()).unwrap();
        let target = text.strip_prefix("GET ").unwrap();
        let target = target.strip_suffix(" HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        Ok(target.to_owned())
    }

    #[test]
    fn targets_are_taken_as_programs_write_them() {
        for plain in ["/", "/v1/sessions?page[size]=1&x=%22", "*", "http://a/b"] {
            assert_eq!(passed(plain).as_deref(), Ok(plain));
        }
        for (written, plain) in [
            ("/v1?filter=/a=\"x\"", "/v1?filter=/a=%22x%22"),
            ("/<>\\^`{|}", "/%3C%3E%5C%5E%60%7B%7C%7D"),
            ("/?a=b#c", "/?a=b%23c"),
            ("/?user=\u{fc}", "/?user=%C3%BC"),
        ] {
            assert_eq!(passed(written).as_deref(), Ok(plain), "{written}");
        }
        for wrong in [
            "/a b",
            "",
            "a\u{7f}",
            "/\0",
            "/a\tb",
            "x://",
            "http://a\"b/",
        ] {
            assert_eq!(passed(wrong), Err(400), "{wrong:?}");
        }
        assert_eq!(passed(&format!("/{}", "a".repeat(62 * 1024))), Err(414));
        assert_eq!(passed(&"\"".repeat(30 * 1024)), Err(414));
        assert!(passed(&format!("/{}", "\"".repeat(20 * 1024))).is_ok());
    }

    #[test]
    fn a_body_is_as_long_as_its_head_says_in_one_way() {
        let length = |headers: &str| {
            let head = read_text(&format!("POST / HTTP/1.1\r\n{headers}\r\n"));
            head.map(|head| head.body)
        };
        assert_eq!(length(""), Ok(Length::Bytes(0)));
        assert_eq!(length("Content-Length: 12\r\n"), Ok(Length::Bytes(12)));
        assert_eq!(
            length("transfer-encoding: Chunked\r\n"),
            Ok(Length::Chunked)
        );
        for wrong in [
            "Content-Length: +1\r\n",
            "Content-Length: -1\r\n",
            "Content-Length:\r\n",
            "Content-Length: 1, 1\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "Content-Length: 18446744073709551615\r\n",
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding:\r\n",
        ] {
            assert_eq!(length(wrong), Err(400), "{wrong}");
        }
        assert_eq!(length("Transfer-Encoding: gzip, chunked\r\n"), Err(501));
        let old = read_text("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(old, Err(400));
    }

    #[test]
    fn what_is_no_head_is_told_so() {
        for (text, status) in [
            ("GET /\r\n\r\n", 400),
            ("GET / HTTP/9.9\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nA\r\n\r\n", 400),
            ("\r\n\r\n", 400),
            ("", 400),
        ] {
            assert_eq!(read_text(text), Err(status), "{text:?}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
        assert_eq!(read_text(&many), Err(431));
        let long = format!(
            "GET / HTTP/1.1\r\nA: {}\r\n\r\n",
            "b".repeat(HEAD_BYTES_MAX)
        );
        assert_eq!(read_text(&long), Err(431));
        assert!(begins_wrong(b"\x16\x03\x01").is_some_and(|it| it.detail().contains("TLS")));
        assert!(begins_wrong(b"\0").is_some() && begins_wrong(b"GET").is_none());
        assert!(is_http2(b"PRI * HTTP/2.0\r\n\r\n") && is_http2(b"PRI * H"));
        assert!(is_http2(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"));
        assert!(!is_http2(b"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
        assert!(!is_http2(b"PRI / HTTP/1.1\r\n\r\n") && !is_http2(b""));
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for (text, at) in [
            ("a\r\n\r\nb\r\n\r\n", Some(5)),
            ("a\n\nb", Some(3)),
            ("a\n\r\nb", Some(4)),
            ("a\r\nb\r\n", None),
            ("a\r\n\r", None),
            ("", None),
        ] {
            for from in 0..at.unwrap_or(text.len()) {
                assert_eq!(end(text.as_bytes(), from), at, "{text:?} from {from}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_as_far_as_it_goes() {
        let named = |bytes: &[u8]| {
            let unread = Unread::new(bytes, Refusal::bad_request("no"));
            (unread.method, unread.path)
        };
        let delete = named(b"DELETE /v1/sessions/9?ttl=1 HTTP/1.1\r\nA");
        assert_eq!(delete, (Method::DELETE, "/v1/sessions/9".to_owned()));
        assert_eq!(named(b"GET /a\r\n\r\n"), (Method::GET, "/a".to_owned()));
        assert_eq!(named(b"\x16\x03 \x01"), (Method::GET, String::new()));
        let (_, long) = named(&[b"GET /", &[b'a'; 60_000][..]].concat());
        assert!(long.len() <= 128);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), from in 0..300_usize) {
            let _ = end(&bytes, from);
            let _ = begins_wrong(&bytes);
            let _ = too_long(&bytes);
            let _ = Unread::new(&bytes, Refusal::bad_request("no"));
            let _ = read(bytes.into());
        }

        /// What passes can be read by the library, and says the same to it.
        #[test]
        fn what_passes_is_plain(
            method in "[A-Z]{1,8}",
            target in "[/*][ -~\u{80}-\u{2ff}]{0,40}",
            headers in "((Host|Content-Length|Transfer-Encoding|X): ?[ -~]{0,12}\r?\n){0,4}",
        ) {
            let text = format!("{method} {target} HTTP/1.1\r\n{headers}\r\n");
            let Ok(head) = read(text.into_bytes().into()) else {
                return Ok(());
            };
            let mut space = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut request = httparse::Request::new(&mut space);
            prop_assert!(request.parse(&head.text).unwrap().is_complete());
            let plain = request.path.unwrap();
            prop_assert!(plain.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'));
            let meant = percent_encoding::percent_decode_str(plain).collect::<Vec<u8>>();
            let wanted = percent_encoding::percent_decode_str(&target).collect::<Vec<u8>>();
            prop_assert_eq!(meant, wanted);
            prop_assert_eq!(read(head.text.clone()).unwrap(), head);
        }
    }
}
