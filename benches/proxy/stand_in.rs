//! A server that lets everybody in and has no data: it stands in for thousands of real ones.

use std::io;
use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::process::argument;

/// The first argument of the process that stands in; then follows the address to listen on.
pub const MODE: &str = "--stand-in";

const BACKLOG: u32 = 4_096;
/// Messages are short, and there are thousands of readers.
const BUFFER_BYTES: usize = 256;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_ENCRYPTION_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

const PARAMETERS: [(&str, &str); 6] = [
    ("server_version", "15.0"),
    ("server_encoding", "UTF8"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("TimeZone", "UTC"),
    ("standard_conforming_strings", "on"),
];

/// Answers until the process is ended.
pub fn serve(arguments: &[String]) -> Result<()> {
    let address = argument(arguments, 0)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = listen(address)?;
        let mut number = 0;
        loop {
            let (client, _) = listener.accept().await?;
            number += 1;
            tokio::spawn(answer(client, number));
        }
    })
}

/// A listener that many may come to at once.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// One client, until it goes.
async fn answer(client: TcpStream, number: u32) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::with_capacity(BUFFER_BYTES, client);
    loop {
        let length = client.read_u32().await?;
        let code = client.read_u32().await?;
        skip(&mut client, length.saturating_sub(8)).await?;
        match code {
            SSL_REQUEST | GSS_ENCRYPTION_REQUEST => client.write_all(b"N").await?,
            CANCEL_REQUEST => return Ok(()),
            _ => break,
        }
    }
    let mut welcome = Vec::new();
    message(&mut welcome, b'R', &0_u32.to_be_bytes());
    for (name, value) in PARAMETERS {
        message(&mut welcome, b'S', format!("{name}\0{value}\0").as_bytes());
    }
    let key = u64::from(number) << 32 | u64::from(number);
    message(&mut welcome, b'K', &key.to_be_bytes());
    message(&mut welcome, b'Z', b"I");
    client.write_all(&welcome).await?;
    drop(welcome);
    loop {
        let kind = client.read_u8().await?;
        let length = client.read_u32().await?;
        skip(&mut client, length.saturating_sub(4)).await?;
        match kind {
            b'Q' => {
                let mut done = Vec::new();
                message(&mut done, b'C', b"SELECT 0\0");
                message(&mut done, b'Z', b"I");
                client.write_all(&done).await?;
            }
            b'X' => return Ok(()),
            _ => {}
        }
    }
}

async fn skip(client: &mut BufReader<TcpStream>, bytes: u32) -> io::Result<()> {
    let mut body = client.take(u64::from(bytes));
    tokio::io::copy(&mut body, &mut tokio::io::sink()).await?;
    Ok(())
}

fn message(to: &mut Vec<u8>, kind: u8, body: &[u8]) {
    to.push(kind);
    to.extend((body.len() as u32 + 4).to_be_bytes());
    to.extend(body);
}
