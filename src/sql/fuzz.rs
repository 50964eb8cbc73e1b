//! What the fuzz targets call: the door with a real engine behind it, its reader of statements and its reader of
//! parameters, and what must hold of them whatever a client sends.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use pgwire::api::Type;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::encode::RowEncoder;
use super::encode::interval::Forms;
use super::query::Work;
use super::types::Format;
use super::{Door, Limits, connection, params, query, reply};
use crate::auth::{UserMap, Users};
use crate::catalog::{Catalog, CatalogOptions, ReverseResolver};
use crate::proxy::postgres::frame::Frame;
use crate::proxy::transport::Socket;
use crate::proxy::wire::Wire;
use crate::session::{Listener, Registry, Remote, Service};

/// What a client of [`House::client`] may have the engine do.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(300);
const QUERY_MEMORY_BYTES_MAX: usize = 32 << 20;
const FRAME_BYTES_MAX: usize = 1 << 20;

/// Between the messages of a client whose bytes are cut into frames: not a byte of UTF-8.
const BETWEEN_MESSAGES: u8 = 0xff;

/// Protocol 3.0, user `ann`.
const STARTUP: &[u8] = b"\0\0\0\x12\0\x03\0\0user\0ann\0\0";

/// Type byte and length of a message.
const HEADER_BYTES: usize = 5;

/// No address has a name, and nobody is asked for it.
#[derive(Debug)]
struct NoNames;

#[async_trait]
impl ReverseResolver for NoNames {
    async fn name_of(&self, _: IpAddr) -> Option<String> {
        None
    }
}

/// The door and the engine behind it, set up once for all clients.
pub struct House {
    runtime: Runtime,
    registry: Arc<Registry>,
    listener: Arc<Listener>,
    door: Arc<Door>,
}

impl House {
    /// A door without users.
    ///
    /// # Panics
    /// When the engine or its threads cannot be set up.
    pub fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let registry = Registry::new();
        let options = CatalogOptions {
            query_memory_bytes_max: QUERY_MEMORY_BYTES_MAX,
            resolver: Arc::new(NoNames),
            ..CatalogOptions::default()
        };
        let service = Arc::new(Service::new("catalog", "catalog"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let listener = Arc::new(Listener::new("sql", &service, "postgresql", address));
        let door = Door::new(
            Catalog::new(Arc::clone(&registry), options).expect("a catalog"),
            Arc::clone(&listener),
            Arc::new(Users::new(UserMap::default())),
            None,
            Limits {
                statement_timeout: Some(STATEMENT_TIMEOUT),
                frame_bytes_max: FRAME_BYTES_MAX,
                ..Limits::default()
            },
        );
        Self {
            runtime: runtime.expect("a runtime"),
            registry,
            listener,
            door: Arc::new(door),
        }
    }

    /// A client that sends all of `bytes` and then no more, and what it is answered. The first byte says how they
    /// are meant: 0 for bytes as they are, from the first one of a connection; 1 for those of a client that is logged
    /// in; others for messages of such a one, each its kind and its body, with [`BETWEEN_MESSAGES`] between them.
    ///
    /// # Panics
    /// When the door does not do what it must.
    pub fn client(&self, bytes: &[u8]) {
        let Some((how, bytes)) = bytes.split_first() else {
            return;
        };
        let mut input = BytesMut::new();
        match how % 3 {
            0 => input.extend_from_slice(bytes),
            1 => {
                input.extend_from_slice(STARTUP);
                input.extend_from_slice(bytes);
            }
            _ => {
                input.extend_from_slice(STARTUP);
                for message in bytes.split(|byte| *byte == BETWEEN_MESSAGES) {
                    if let Some((&kind, body)) = message.split_first() {
                        let body = Bytes::copy_from_slice(body);
                        Frame { kind, body }.put(&mut input);
                    }
                }
            }
        }
        let answers = self.runtime.block_on(self.converse(&input));
        assert!(self.registry.is_empty(), "a session was left behind");
        let internal = answers.windows(7).any(|bytes| bytes == b"CXX000\0");
        assert!(!internal, "an internal error: {}", answers.escape_ascii());
        if how % 3 != 0 {
            assert_messages(&answers);
        }
    }

    async fn converse(&self, input: &[u8]) -> Vec<u8> {
        let (client, server) = UnixStream::pair().expect("two sockets");
        let guard = self.registry.register(&self.listener, Remote::Unix);
        let wire = Wire::new(Socket::Unix(server), guard.expect("a free id"));
        let shutdown = CancellationToken::new();
        let (mut reading, mut writing) = client.into_split();
        let send = async {
            // The server may have had enough before all is sent.
            let _ = writing.write_all(input).await;
            let _ = writing.shutdown().await;
        };
        let mut answers = Vec::new();
        let receive = async { reading.read_to_end(&mut answers).await };
        let ((), _, ()) = tokio::join!(
            send,
            receive,
            connection::serve(&self.door, wire, &shutdown)
        );
        answers
    }
}

/// Whole messages, one behind the other, and each of a kind that a server sends.
fn assert_messages(mut answers: &[u8]) {
    while !answers.is_empty() {
        let header: [u8; HEADER_BYTES] = answers
            .first_chunk()
            .copied()
            .unwrap_or_else(|| panic!("a piece of a header: {}", answers.escape_ascii()));
        let [kind, length @ ..] = header;
        let known = b"123ACDEGHIKNRSTVWZcdnstv".contains(&kind);
        assert!(known, "no message: {}", answers.escape_ascii());
        let length = u32::from_be_bytes(length) as usize;
        answers = answers
            .get(1 + length..)
            .unwrap_or_else(|| panic!("a piece of a message: {}", answers.escape_ascii()));
    }
}

/// The statements of a text.
///
/// # Panics
/// When an error is told with a place outside of the text.
pub fn statements(text: &str) {
    match query::parse(text) {
        Ok(statements) => statements.into_iter().for_each(|statement| {
            let _ = Work::of(statement);
        }),
        Err(error) => {
            let end = text.chars().count() + 1;
            assert!(
                error
                    .position
                    .is_none_or(|position| (1..=end).contains(&(position as usize))),
                "{error:?}"
            );
            reply::error(&mut BytesMut::new(), error);
        }
    }
}

/// The types of parameters that are read, by their oids.
const TYPES: [Type; 34] = [
    Type::BOOL,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::OID,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::TEXT,
    Type::VARCHAR,
    Type::NAME,
    Type::UNKNOWN,
    Type::UUID,
    Type::JSON,
    Type::JSONB,
    Type::BYTEA,
    Type::DATE,
    Type::TIME,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
    Type::BOOL_ARRAY,
    Type::INT2_ARRAY,
    Type::INT4_ARRAY,
    Type::INT8_ARRAY,
    Type::FLOAT4_ARRAY,
    Type::FLOAT8_ARRAY,
    Type::NUMERIC_ARRAY,
    Type::TEXT_ARRAY,
    Type::UUID_ARRAY,
    Type::BYTEA_ARRAY,
    Type::DATE_ARRAY,
    Type::TIMESTAMP_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
];

/// A parameter: its format, the type that it is declared with, the type that is wanted, and its bytes. What can be read
/// is written and read again, and must be the same.
///
/// # Panics
/// When it is not.
pub fn parameter(bytes: &[u8]) {
    let Some(([format, declared, wanted], bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let at = |number: u8| TYPES.get(usize::from(number) % TYPES.len());
    let (Some(declared), Some(wanted)) = (at(*declared), at(*wanted)) else {
        return;
    };
    let Some(data_type) = params::oid_to_arrow(wanted.oid()) else {
        panic!("parameters of type {wanted} are not read");
    };
    let format = match format % 2 {
        0 => Format::Text,
        _ => Format::Binary,
    };
    let Ok(value) = params::decode_parameter(Some(bytes), format, declared.oid(), &data_type)
    else {
        return;
    };
    assert_eq!(value.data_type(), data_type);
    for format in [Format::Text, Format::Binary] {
        let Some(written) = write(&value, &data_type, format) else {
            continue;
        };
        let oid = super::types::pg_type(&data_type).oid();
        let again = params::decode_parameter(Some(&written), format, oid, &data_type);
        let again = again.map(|again| write(&again, &data_type, format));
        assert_eq!(again, Ok(Some(written)), "{value:?} in {format:?}");
    }
}

/// A value as a column of a row has it; none if it cannot be shown, as moments outside of PostgreSQL's range.
fn write(value: &ScalarValue, data_type: &DataType, format: Format) -> Option<Vec<u8>> {
    let schema = Schema::new(vec![Field::new("value", data_type.clone(), true)]);
    let column = value.to_array().ok()?;
    let batch = RecordBatch::try_new(Arc::new(schema), vec![column]).ok()?;
    let mut row = BytesMut::new();
    let mut encoder = RowEncoder::try_new(&batch, &[format], &Forms::default()).ok()?;
    encoder.encode_row(0, &mut row).ok()?;
    // Kind, length, one column, its length.
    row.get(HEADER_BYTES + 6..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_client_is_served_in_each_way() {
        let house = House::open();
        let conversations: [&[u8]; 5] = [
            b"",
            b"\0\0\0\0\x08\x04\xd2\x16\x2f",
            b"\x01Q\0\0\0\x0dSELECT 1\0X\0\0\0\x04",
            b"\x02QSELECT 1; SELECT 1/0\0\xffX",
            b"\x02P\0SELECT $1::bigint\0\0\0\xffB\0\0\0\0\0\x01\0\0\0\x011\0\0\xffE\0\0\0\0\0\xffS",
        ];
        for bytes in conversations {
            house.client(bytes);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            statements(&text);
        }

        #[test]
        fn any_parameter_is_read_as_it_is_written(bytes in vec(any::<u8>(), 0..40)) {
            parameter(&bytes);
        }
    }
}
