//! An HTTP/1.1 client that keeps its connection and counts what comes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

const BUFFER_BYTES: usize = 256 * 1024;
/// The longest that any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub struct Client {
    stream: TcpStream,
    buffer: Box<[u8]>,
    from: usize,
    to: usize,
    host: String,
}

/// How a body ends.
enum Length {
    Known(usize),
    Chunked,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER_BYTES].into(),
            from: 0,
            to: 0,
            host: address.to_string(),
        })
    }

    /// Asks for a path and counts the bytes of its body.
    pub fn get(&mut self, path: &str) -> Result<usize> {
        let mut bytes = 0;
        self.fetch(path, |piece| bytes += piece.len())?;
        Ok(bytes)
    }

    /// Asks for a path and sees its body piece by piece.
    ///
    /// # Errors
    /// When the answer is not 200, besides all that can go wrong on the way.
    pub fn fetch(&mut self, path: &str, mut see: impl FnMut(&[u8])) -> Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.write_all(request.as_bytes())?;
        let status = self.line()?;
        ensure!(status.contains(" 200 "), "{path}: {status}");
        let mut length = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(Length::Known(value.trim().parse()?));
            } else if line.starts_with("transfer-encoding:") {
                length = Some(Length::Chunked);
            }
        }
        match length.context("a body without a length")? {
            Length::Known(length) => self.take(length, &mut see)?,
            Length::Chunked => loop {
                let size = usize::from_str_radix(self.line()?.trim(), 16)?;
                self.take(size, &mut see)?;
                self.take(2, &mut |_| {})?;
                if size == 0 {
                    break;
                }
            },
        }
        Ok(())
    }

    fn take(&mut self, mut length: usize, see: &mut impl FnMut(&[u8])) -> Result<()> {
        while length > 0 {
            if self.from == self.to {
                self.fill()?;
            }
            let take = length.min(self.to - self.from);
            see(&self.buffer[self.from..self.from + take]);
            self.from += take;
            length -= take;
        }
        Ok(())
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<String> {
        loop {
            let waiting = &self.buffer[self.from..self.to];
            if let Some(end) = waiting.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&waiting[..end]).into_owned();
                self.from += end + 2;
                return Ok(line);
            }
            ensure!(waiting.len() < self.buffer.len(), "a line without an end");
            self.fill()?;
        }
    }

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
