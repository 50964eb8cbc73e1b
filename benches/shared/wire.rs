//! A PostgreSQL client that does nothing but count: it reads frames and skips what is in them, so that what is
//! measured is the server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const PROTOCOL_3_0: i32 = 196_608;
const BUFFER_BYTES: usize = 256 * 1024;
/// The longest that any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How values are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Binary,
}

/// What an answer amounted to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    /// DataRow and CopyData messages.
    pub rows: usize,
    /// Bytes of all messages.
    pub bytes: usize,
}

/// A connection.
pub struct Client {
    stream: TcpStream,
    buffer: Box<[u8]>,
    from: usize,
    to: usize,
    outgoing: Vec<u8>,
}

impl Client {
    /// Connects and logs in without a password.
    pub fn connect(address: SocketAddr, user: &str, database: &str) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut client = Self {
            stream,
            buffer: vec![0; BUFFER_BYTES].into(),
            from: 0,
            to: 0,
            outgoing: Vec::new(),
        };
        let mut startup = PROTOCOL_3_0.to_be_bytes().to_vec();
        for text in ["user", user, "database", database, ""] {
            startup.extend(text.as_bytes());
            startup.push(0);
        }
        let length = startup.len() as i32 + 4;
        client.outgoing.extend(length.to_be_bytes());
        client.outgoing.append(&mut startup);
        client.answer()?;
        Ok(client)
    }

    /// Its socket, for whoever wants to keep it open or to hang up from another thread.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Runs a statement by the simple protocol: text.
    pub fn simple(&mut self, sql: &str) -> Result<Answer> {
        self.message(b'Q', |body| string(body, sql));
        self.answer().with_context(|| sql.to_owned())
    }

    /// Prepares a statement under a name.
    pub fn prepare(&mut self, name: &str, sql: &str) -> Result<()> {
        self.message(b'P', |body| {
            string(body, name);
            string(body, sql);
            body.extend(0_i16.to_be_bytes());
        });
        self.message(b'S', |_| {});
        self.answer().with_context(|| sql.to_owned())?;
        Ok(())
    }

    /// Runs a prepared statement: Bind, Execute, Sync.
    pub fn execute(&mut self, name: &str, parameter: Option<&str>, form: Form) -> Result<Answer> {
        self.message(b'B', |body| {
            string(body, "");
            string(body, name);
            // Parameters in text.
            body.extend(0_i16.to_be_bytes());
            body.extend(i16::from(parameter.is_some()).to_be_bytes());
            if let Some(parameter) = parameter {
                body.extend((parameter.len() as i32).to_be_bytes());
                body.extend(parameter.as_bytes());
            }
            body.extend(1_i16.to_be_bytes());
            body.extend(i16::from(form == Form::Binary).to_be_bytes());
        });
        self.message(b'E', |body| {
            string(body, "");
            body.extend(0_i32.to_be_bytes());
        });
        self.message(b'S', |_| {});
        self.answer()
    }

    /// Runs `COPY … FROM STDIN` with the data that `write` makes piece by piece, until it makes none.
    pub fn copy_in(&mut self, sql: &str, mut write: impl FnMut(&mut Vec<u8>)) -> Result<()> {
        self.message(b'Q', |body| string(body, sql));
        self.send()?;
        loop {
            match self.frame()? {
                (b'G', length) => break self.skip(length)?,
                (b'E', length) => bail!("{sql}: {}", self.error(length)?),
                (_, length) => self.skip(length)?,
            }
        }
        loop {
            let mut piece = Vec::new();
            write(&mut piece);
            if piece.is_empty() {
                break;
            }
            self.message(b'd', |body| body.append(&mut piece));
            self.send()?;
        }
        self.message(b'c', |_| {});
        self.answer().with_context(|| sql.to_owned())?;
        Ok(())
    }

    fn message(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.outgoing.push(kind);
        let length_at = self.outgoing.len();
        self.outgoing.extend([0; 4]);
        write(&mut self.outgoing);
        let length = (self.outgoing.len() - length_at) as i32;
        self.outgoing[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.outgoing)?;
        self.outgoing.clear();
        Ok(())
    }

    /// Sends what waits, and reads up to ReadyForQuery.
    fn answer(&mut self) -> Result<Answer> {
        self.send()?;
        let mut answer = Answer::default();
        let mut error = None;
        loop {
            let (kind, length) = self.frame()?;
            answer.bytes += length + 5;
            match kind {
                b'D' | b'd' => {
                    answer.rows += 1;
                    self.skip(length)?;
                }
                b'E' => {
                    error.get_or_insert(self.error(length)?);
                }
                b'R' => {
                    let body = self.body(length)?;
                    ensure!(body == [0; 4], "the server wants a password");
                }
                b'Z' => {
                    self.skip(length)?;
                    break;
                }
                _ => self.skip(length)?,
            }
        }
        match error {
            Some(error) => bail!("{error}"),
            None => Ok(answer),
        }
    }

    /// The kind of the next message, and the length of its body.
    fn frame(&mut self) -> Result<(u8, usize)> {
        while self.to - self.from < 5 {
            self.fill()?;
        }
        let head = &self.buffer[self.from..self.from + 5];
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let kind = head[0];
        self.from += 5;
        let body = length
            .checked_sub(4)
            .context("a message without a length")?;
        Ok((kind, body))
    }

    fn skip(&mut self, mut length: usize) -> Result<()> {
        while self.to - self.from < length {
            length -= self.to - self.from;
            self.from = self.to;
            self.fill()?;
        }
        self.from += length;
        Ok(())
    }

    fn body(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = Vec::with_capacity(length.min(BUFFER_BYTES));
        while body.len() < length {
            if self.from == self.to {
                self.fill()?;
            }
            let take = (length - body.len()).min(self.to - self.from);
            body.extend(&self.buffer[self.from..self.from + take]);
            self.from += take;
        }
        Ok(body)
    }

    /// The message of an ErrorResponse.
    fn error(&mut self, length: usize) -> Result<String> {
        let body = self.body(length)?;
        let mut fields = body.split(|byte| *byte == 0);
        let message = fields.find_map(|field| field.strip_prefix(b"M"));
        Ok(String::from_utf8_lossy(message.unwrap_or(&body)).into_owned())
    }

    /// Reads what has come. What was not taken yet moves to the front: it is less than a frame's head.
    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        let read = self.stream.read(&mut self.buffer[self.to..])?;
        ensure!(read > 0, "the server hung up");
        self.to += read;
        Ok(())
    }
}

fn string(body: &mut Vec<u8>, text: &str) {
    body.extend(text.as_bytes());
    body.push(0);
}
