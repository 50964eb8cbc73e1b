//! The bodies of a client's messages, read strictly: every byte belongs to a field, every text is one in the client's
//! character set.

use bytes::Bytes;

use super::charset::Charset;
use crate::proxy::postgres::SqlError;

/// Format of one value on the wire (the format codes of Bind and RowDescription).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Code 0: the type's text form.
    #[default]
    Text,
    /// Code 1: the type's binary form, as its send function writes it.
    Binary,
}

impl Format {
    /// The code as Bind and RowDescription carry it.
    pub fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}

impl TryFrom<i16> for Format {
    type Error = SqlError;

    fn try_from(code: i16) -> Result<Self, Self::Error> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            _ => Err(violation(format!("unsupported format code: {code}"))),
        }
    }
}

/// What Describe and Close are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A prepared statement; the unnamed one is the empty name.
    Statement(String),
    /// A portal; the unnamed one is the empty name.
    Portal(String),
}

/// A Parse message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parse {
    /// The statement's name; empty for the unnamed one.
    pub name: String,
    /// Its text.
    pub sql: String,
    /// The types that the client gives its parameters; 0 where it leaves that to the server.
    pub parameter_types: Vec<u32>,
}

/// A Bind message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bind {
    /// The portal's name; empty for the unnamed one.
    pub portal: String,
    /// The statement's name; empty for the unnamed one.
    pub statement: String,
    /// Formats of the parameters: none (all text), one for all, or one each.
    pub parameter_formats: Vec<Format>,
    /// The values; `None` is NULL.
    pub parameters: Vec<Option<Bytes>>,
    /// Formats of the result columns: none (all text), one for all, or one each.
    pub result_formats: Vec<Format>,
}

/// An Execute message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Execute {
    /// The portal's name; empty for the unnamed one.
    pub portal: String,
    /// The most rows to return now; `None` for all.
    pub rows_max: Option<u32>,
}

/// A SASLInitialResponse message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SaslInitialResponse {
    /// The mechanism that the client chose.
    pub mechanism: String,
    /// Its first message; `None` if it has none to send.
    pub data: Option<Bytes>,
}

/// The text of a Query message.
pub(super) fn query(body: &Bytes, charset: Charset) -> Result<String, SqlError> {
    read(body, charset, |reader| reader.text())
}

/// A Parse message.
pub(super) fn parse(body: &Bytes, charset: Charset) -> Result<Parse, SqlError> {
    read(body, charset, |reader| {
        Ok(Parse {
            name: reader.text()?,
            sql: reader.text()?,
            parameter_types: reader.list(Reader::u32)?,
        })
    })
}

/// A Bind message.
pub(super) fn bind(body: &Bytes, charset: Charset) -> Result<Bind, SqlError> {
    read(body, charset, |reader| {
        Ok(Bind {
            portal: reader.text()?,
            statement: reader.text()?,
            parameter_formats: reader.list(Reader::format)?,
            parameters: reader.list(Reader::value)?,
            result_formats: reader.list(Reader::format)?,
        })
    })
}

/// A Describe or a Close message.
pub(super) fn target(body: &Bytes, charset: Charset) -> Result<Target, SqlError> {
    read(body, charset, |reader| match reader.u8()? {
        b'S' => Ok(Target::Statement(reader.text()?)),
        b'P' => Ok(Target::Portal(reader.text()?)),
        other => Err(violation(format!("invalid message subtype {other}"))),
    })
}

/// An Execute message.
pub(super) fn execute(body: &Bytes, charset: Charset) -> Result<Execute, SqlError> {
    read(body, charset, |reader| {
        let portal = reader.text()?;
        // Zero and less are "no limit", as to PostgreSQL.
        let rows_max = reader.u32()? as i32;
        Ok(Execute {
            portal,
            rows_max: u32::try_from(rows_max).ok().filter(|max| *max > 0),
        })
    })
}

/// A SASLInitialResponse message.
pub(super) fn sasl_initial_response(body: &Bytes) -> Result<SaslInitialResponse, SqlError> {
    read(body, Charset::default(), |reader| {
        Ok(SaslInitialResponse {
            mechanism: reader.text()?,
            data: reader.value()?,
        })
    })
}

/// The parameters of a start-up message, in their order: everything behind the protocol version.
pub(super) fn startup_parameters(body: &Bytes) -> Result<Vec<(String, String)>, SqlError> {
    read(body, Charset::default(), |reader| {
        let mut parameters = Vec::new();
        loop {
            let name = reader.text()?;
            if name.is_empty() {
                return Ok(parameters);
            }
            parameters.push((name, reader.text()?));
        }
    })
}

/// A message without content.
pub(super) fn nothing(body: &Bytes) -> Result<(), SqlError> {
    read(body, Charset::default(), |_| Ok(()))
}

/// Reads a whole body; bytes that are left over are an error.
fn read<T>(
    body: &Bytes,
    charset: Charset,
    fields: impl FnOnce(&mut Reader<'_>) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let mut reader = Reader {
        body,
        rest: body,
        charset,
    };
    let message = fields(&mut reader)?;
    if reader.rest.is_empty() {
        Ok(message)
    } else {
        Err(violation(format!(
            "invalid message format: {} bytes too many",
            reader.rest.len()
        )))
    }
}

struct Reader<'a> {
    body: &'a Bytes,
    rest: &'a [u8],
    /// That of its texts.
    charset: Charset,
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], SqlError> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or_else(short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SqlError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(short)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, SqlError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, SqlError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, SqlError> {
        self.array().map(u32::from_be_bytes)
    }

    fn format(&mut self) -> Result<Format, SqlError> {
        Format::try_from(self.u16()? as i16)
    }

    /// A string up to its zero byte.
    fn text(&mut self) -> Result<String, SqlError> {
        let end = self.rest.iter().position(|byte| *byte == 0);
        let bytes = self.take(end.ok_or_else(short)?)?;
        self.take(1)?;
        self.charset.decode(bytes)
    }

    /// A length and so many bytes; the length -1 is NULL.
    fn value(&mut self) -> Result<Option<Bytes>, SqlError> {
        let length = self.u32()?;
        if length == u32::MAX {
            return Ok(None);
        }
        let bytes = self.take(length as usize)?;
        Ok(Some(self.body.slice_ref(bytes)))
    }

    /// A count of 16 bits, unsigned as PostgreSQL reads it, and so many items. Grows with what is really there.
    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let count = self.u16()?;
        (0..count).map(|_| item(self)).collect()
    }
}

fn violation(message: impl Into<String>) -> SqlError {
    SqlError::new("08P01", message)
}

fn short() -> SqlError {
    violation("insufficient data left in message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_bodies_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let body = Bytes::from(bytes);
            let utf8 = Charset::default();
            let _ = (query(&body, utf8), parse(&body, utf8), bind(&body, utf8));
            let _ = (target(&body, utf8), execute(&body, utf8));
            let _ = (sasl_initial_response(&body), startup_parameters(&body), nothing(&body));
        }
    }

    fn code<T>(result: Result<T, SqlError>) -> &'static str {
        result.err().map_or("none", |error| error.code)
    }

    #[test]
    fn a_body_is_exactly_its_fields() {
        let body = Bytes::from_static;
        assert_eq!(
            query(&body(b"SELECT 1\0"), Charset::default()),
            Ok("SELECT 1".to_owned())
        );
        assert_eq!(
            code(query(
                &body(b"SELECT 1\0Q\0\0\0\x0dSELECT 2\0"),
                Charset::default()
            )),
            "08P01"
        );
        assert_eq!(code(query(&body(b"SELECT 1"), Charset::default())), "08P01");
        assert_eq!(
            code(query(&body(b"SELECT '\xff'\0"), Charset::default())),
            "22021"
        );
        assert_eq!(
            code(parse(&body(b"\0SELECT 1\0\0\x01\0\0"), Charset::default())),
            "08P01"
        );
        assert_eq!(code(target(&body(b"X\0"), Charset::default())), "08P01");
        assert_eq!(code(nothing(&body(b"\0"))), "08P01");
        assert_eq!(
            code(execute(&body(b"p\0\0\0\0"), Charset::default())),
            "08P01"
        );
    }

    #[test]
    fn counts_and_lengths_are_held_to_what_is_there() {
        let body = Bytes::from_static;
        assert_eq!(
            code(parse(&body(b"\0\0\xff\xff"), Charset::default())),
            "08P01"
        );
        assert_eq!(
            code(bind(
                &body(b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0"),
                Charset::default()
            )),
            "08P01"
        );
        assert_eq!(
            code(bind(&body(b"\0\0\0\x01\0\x02\0\0\0\0"), Charset::default())),
            "08P01"
        );
        let bound = bind(
            &body(b"p\0s\0\0\x01\0\x01\0\x02\xff\xff\xff\xff\0\0\0\x01a\0\0"),
            Charset::default(),
        );
        let expected = Bind {
            portal: "p".to_owned(),
            statement: "s".to_owned(),
            parameter_formats: vec![Format::Binary],
            parameters: vec![None, Some(Bytes::from_static(b"a"))],
            result_formats: vec![],
        };
        assert_eq!(bound, Ok(expected));
    }

    #[test]
    fn a_row_limit_of_zero_or_less_is_none() {
        let limit = |bytes: &'static [u8]| {
            execute(&Bytes::from_static(bytes), Charset::default()).map(|e| e.rows_max)
        };
        assert_eq!(limit(b"\0\0\0\0\0"), Ok(None));
        assert_eq!(limit(b"\0\xff\xff\xff\xff"), Ok(None));
        assert_eq!(limit(b"\0\x7f\xff\xff\xff"), Ok(Some(2_147_483_647)));
    }
}
