//! A client of our own, for whoever looks after a server: logs in, asks by text, reads the rows.
//!
//! What it takes beside that is what the proxy has already. It proves its password by `mysql_native_password` and
//! `caching_sha2_password`; the packet types of `mysql_common`, which knows more plugins, ask features of crates that
//! the engine shares, and nearly all of that would be compiled once more for them.

use std::io;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::capability::{
    CONNECT_ATTRS, CONNECT_WITH_DB, MYSQL, PLUGIN_AUTH, PLUGIN_AUTH_LENENC, PROTOCOL_41,
    SECURE_CONNECTION, SSL,
};
use super::greeting::{ANSWER_FIXED_BYTES, Greeting};
use super::packet::{self, Packet, Values};
use super::status::{self, EOF, ERR, OK};
use super::{command, decline};
use crate::config::MonitorCredentials;
use crate::proxy::backend::{Backend, ConnectError};
use crate::proxy::proxy_protocol::Origin;
use crate::proxy::transport::Transport;

/// How our own sessions call themselves on the server.
const PROGRAM_NAME: &str = "rollcall monitor";
/// Longest packet that the server is to send, in bytes.
const PACKET_BYTES_MAX: u32 = 1 << 24;
/// utf8mb4.
const CHARACTER_SET: u8 = 45;
/// Most rows that are read: nothing that is asked has so many.
const ROWS_MAX: usize = 10_000;

/// Why a server cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum ClientError {
    /// There is no connection to be had.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The server refuses.
    #[error("error {code}: {message}")]
    Server {
        /// Its code.
        code: u16,
        /// What it says.
        message: String,
    },
    /// The login needs what is not known here.
    #[error("cannot log in by plugin {plugin:?}: {why}")]
    Plugin {
        /// The plugin's name.
        plugin: String,
        /// What is missing.
        why: String,
    },
    /// What the server sends cannot be read.
    #[error("{0}")]
    Protocol(&'static str),
}

/// The rows of an answer, by the names of their columns.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// Whether any row has this value in this column.
    pub fn any(&self, column: &str, value: &str) -> bool {
        let place = self
            .columns
            .iter()
            .position(|name| name.eq_ignore_ascii_case(column));
        let is = |row: &Vec<Option<String>>| {
            place
                .and_then(|place| row.get(place))
                .and_then(Option::as_deref)
                == Some(value)
        };
        self.rows.iter().any(is)
    }

    /// The first value of the first row.
    pub fn value(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_deref()
    }
}

/// A connection that is logged in.
#[derive(Debug)]
pub(in crate::proxy) struct Client {
    server: Transport,
    input: BytesMut,
    /// The server's own, and not one of its kin's.
    pub is_mariadb: bool,
}

impl Client {
    /// Logs in.
    ///
    /// # Errors
    /// When there is no connection to be had within `limit`, or the server refuses.
    pub async fn log_in(
        backend: &Backend,
        credentials: &MonitorCredentials,
        limit: Duration,
    ) -> Result<Self, ClientError> {
        let mut client = Self {
            server: backend.connect_plain(Origin::Proxy, limit).await?,
            input: BytesMut::new(),
            is_mariadb: false,
        };
        let greeting = client.packet().await?;
        let greeting = Greeting::read(greeting.body);
        let greeting = greeting.ok_or(ClientError::Protocol("its greeting cannot be read"))?;
        client.is_mariadb = greeting.version().windows(7).any(|part| part == b"MariaDB");
        let mut proof = Proof {
            plugin: greeting.plugin().to_vec(),
            scramble: greeting.scramble(),
            password: &credentials.password,
            tls: backend.has_tls(),
        };
        let mut answer = answer(credentials, &proof.prove()?, &proof.plugin, proof.tls);
        let mut sequence = 1;
        if backend.has_tls() {
            if greeting.capabilities() & SSL == 0 {
                return Err(ClientError::Protocol("it does not offer TLS"));
            }
            let mut request = BytesMut::new();
            packet::put(&mut request, sequence, &answer[..ANSWER_FIXED_BYTES]);
            client.server = backend.start_tls(client.server, &request, limit).await?;
            sequence += 1;
        }
        client.send(sequence, &answer).await?;
        loop {
            let said = client.packet().await?;
            let proved = match said.body.first() {
                Some(&OK) => return Ok(client),
                Some(&EOF) => {
                    let mut values = Values(said.body.get(1..).unwrap_or_default());
                    proof.plugin = values.text().unwrap_or_default().to_vec();
                    proof.scramble = values.0.strip_suffix(&[0]).unwrap_or(values.0).to_vec();
                    Some(proof.prove()?)
                }
                _ => proof.go_on(&said.body)?,
            };
            if let Some(proved) = proved {
                answer = BytesMut::from(&proved[..]);
                client.send(said.sequence.wrapping_add(1), &answer).await?;
            }
        }
    }

    /// Runs a text, and returns the rows of its answer.
    ///
    /// # Errors
    /// When the server refuses it, or the connection breaks.
    pub async fn ask(&mut self, sql: &str) -> Result<Rows, ClientError> {
        self.send(0, &[&[command::QUERY], sql.as_bytes()].concat())
            .await?;
        let first = self.packet().await?.body;
        if first.first() == Some(&OK) {
            return Ok(Rows::default());
        }
        let count = Values(&first).int().unwrap_or_default();
        let mut rows = Rows::default();
        for _ in 0..count {
            let definition = self.packet().await?.body;
            let mut values = Values(&definition);
            // Catalog, schema, table and the table's own name come before.
            for _ in 0..4 {
                values.string();
            }
            let name = values.string();
            let name = name.ok_or(ClientError::Protocol("a column cannot be read"))?;
            rows.columns
                .push(String::from_utf8_lossy(name).into_owned());
        }
        self.packet().await?;
        while rows.rows.len() < ROWS_MAX {
            let row = self.packet().await?.body;
            if row.first() == Some(&EOF) && row.len() < 9 {
                return Ok(rows);
            }
            let mut values = Values(&row);
            let value = |_| match values.0.first() {
                Some(0xfb) => {
                    values.u8();
                    None
                }
                _ => values
                    .string()
                    .map(|value| String::from_utf8_lossy(value).into_owned()),
            };
            rows.rows.push((0..count).map(value).collect());
        }
        Err(ClientError::Protocol("there are too many rows"))
    }

    /// Says goodbye.
    pub async fn quit(mut self) {
        // It is over, whether it is heard or not.
        let _ = self.server.write_all(decline::GOODBYE).await;
        let _ = self.server.shutdown().await;
    }

    async fn send(&mut self, sequence: u8, body: &[u8]) -> io::Result<()> {
        let mut output = BytesMut::new();
        packet::put(&mut output, sequence, body);
        self.server.write_all_buf(&mut output).await?;
        self.server.flush().await
    }

    /// The next packet that is no error.
    async fn packet(&mut self) -> Result<Packet, ClientError> {
        loop {
            match packet::next(&mut self.input) {
                Ok(Some(packet)) if packet.body.first() == Some(&ERR) => {
                    let (code, message) = status::error(&packet.body).unwrap_or_default();
                    return Err(ClientError::Server { code, message });
                }
                Ok(Some(packet)) => return Ok(packet),
                Ok(None) if self.server.read_buf(&mut self.input).await? > 0 => {}
                Ok(None) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Err(error) => return Err(io::Error::other(error).into()),
            }
        }
    }
}

/// The answer to a greeting.
fn answer(credentials: &MonitorCredentials, proved: &[u8], plugin: &[u8], tls: bool) -> BytesMut {
    let mut taken =
        MYSQL | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | PLUGIN_AUTH_LENENC | CONNECT_ATTRS;
    if tls {
        taken |= SSL;
    }
    if credentials.database.is_some() {
        taken |= CONNECT_WITH_DB;
    }
    let mut body = BytesMut::new();
    // All of them are in the lower half.
    body.put_u32_le(taken as u32);
    body.put_u32_le(PACKET_BYTES_MAX);
    body.put_u8(CHARACTER_SET);
    body.put_bytes(0, 23);
    let text = |body: &mut BytesMut, text: &[u8]| {
        body.put_slice(text);
        body.put_u8(0);
    };
    text(&mut body, credentials.user.as_bytes());
    string(&mut body, proved);
    if let Some(database) = &credentials.database {
        text(&mut body, database.as_bytes());
    }
    text(&mut body, plugin);
    let mut attributes = BytesMut::new();
    string(&mut attributes, b"program_name");
    string(&mut attributes, PROGRAM_NAME.as_bytes());
    string(&mut body, &attributes);
    body
}

/// Bytes behind their length.
fn string(body: &mut BytesMut, bytes: &[u8]) {
    match bytes.len() {
        short @ 0..=250 => body.put_u8(short as u8),
        long => {
            body.put_u8(0xfd);
            body.put_uint_le(long as u64, 3);
        }
    }
    body.put_slice(bytes);
}

/// How the password is proved.
struct Proof<'a> {
    plugin: Vec<u8>,
    scramble: Vec<u8>,
    password: &'a str,
    tls: bool,
}

const NATIVE: &[u8] = b"mysql_native_password";
const CACHING_SHA2: &[u8] = b"caching_sha2_password";

/// What a server says in `caching_sha2_password`: it remembers the password, or wants it itself.
const REMEMBERED: &[u8] = &[1, 3];
const WANTED: &[u8] = &[1, 4];

impl Proof<'_> {
    /// The answer to the scramble.
    fn prove(&self) -> Result<Vec<u8>, ClientError> {
        match &self.plugin[..] {
            NATIVE | CACHING_SHA2 if self.password.is_empty() => Ok(Vec::new()),
            NATIVE => Ok(native(self.password.as_bytes(), &self.scramble)),
            CACHING_SHA2 => Ok(caching_sha2(self.password.as_bytes(), &self.scramble)),
            b"mysql_clear_password" => self.password_itself(),
            _ => Err(self.unable("it is not known here")),
        }
    }

    /// The answer to what the server says next, if it waits for one.
    fn go_on(&self, said: &[u8]) -> Result<Option<Vec<u8>>, ClientError> {
        match said {
            REMEMBERED => Ok(None),
            WANTED => self.password_itself().map(Some),
            _ => Err(self.unable("the server asks for more than it has")),
        }
    }

    fn password_itself(&self) -> Result<Vec<u8>, ClientError> {
        match self.tls {
            true => Ok([self.password.as_bytes(), &[0]].concat()),
            false => Err(self.unable("it wants the password itself, without TLS")),
        }
    }

    fn unable(&self, why: &str) -> ClientError {
        ClientError::Plugin {
            plugin: String::from_utf8_lossy(&self.plugin).into_owned(),
            why: why.to_owned(),
        }
    }
}

/// `SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password)))`
fn native(password: &[u8], scramble: &[u8]) -> Vec<u8> {
    let once = Sha1::digest(password);
    let proof = Sha1::new()
        .chain_update(scramble)
        .chain_update(Sha1::digest(once));
    exclusive(&once, &proof.finalize())
}

/// `SHA256(password) XOR SHA256(SHA256(SHA256(password)), scramble)`
fn caching_sha2(password: &[u8], scramble: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let proof = Sha256::new()
        .chain_update(Sha256::digest(once))
        .chain_update(scramble);
    exclusive(&once, &proof.finalize())
}

fn exclusive(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one ^ other)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server undoes it with what it keeps, the password hashed twice.
    #[test]
    fn a_native_password_is_proved() {
        let scramble = b"4,|P[Y+iO2Kb-VJP3Npf";
        let proved = native(b"secret", scramble);
        let kept = Sha1::digest(Sha1::digest(b"secret"));
        let proof = Sha1::new().chain_update(scramble).chain_update(kept);
        let once = exclusive(&proved, &proof.finalize());
        assert_eq!(Sha1::digest(once), kept);
    }

    /// The same with the other hash, and the other order.
    #[test]
    fn a_remembered_password_is_proved() {
        let scramble = b"abcdefghijklmnopqrst";
        let proved = caching_sha2(b"secret", scramble);
        let kept = Sha256::digest(Sha256::digest(b"secret"));
        let proof = Sha256::new().chain_update(kept).chain_update(scramble);
        let once = exclusive(&proved, &proof.finalize());
        assert_eq!(Sha256::digest(once), kept);
    }
}
