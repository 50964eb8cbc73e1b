//! A client of MariaDB's protocol that knows its packets and nothing else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::wire::PATIENCE;

/// Protocol 4.1, transactions, secure connection, multi-statements and -results, plugins.
pub const CAPABILITIES: u32 = 0x0000_0200 | 0x2000 | 0x8000 | 1 << 16 | 1 << 17 | 1 << 18 | 1 << 19;
/// The status comes in OK instead of EOF.
pub const DEPRECATE_EOF: u32 = 1 << 24;
/// OK tells what has changed in the session.
pub const SESSION_TRACK: u32 = 1 << 23;
/// Files of the client's.
pub const LOCAL_FILES: u32 = 1 << 7;

/// A body up to here is one frame.
const FRAME_BYTES_MAX: usize = 0xff_ffff;

/// A packet of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub sequence: u8,
    pub body: Vec<u8>,
}

impl Packet {
    /// The code of an error.
    pub fn error(&self) -> Option<u16> {
        match self.body[..] {
            [0xff, low, high, ..] => Some(u16::from_le_bytes([low, high])),
            _ => None,
        }
    }

    /// Everything that can be read in it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn is_ok(&self) -> bool {
        self.body.first() == Some(&0)
    }
}

pub struct Client {
    tcp: TcpStream,
    pub greeting: Packet,
}

impl Client {
    /// Connects and reads the greeting.
    pub fn connect(address: SocketAddr) -> Self {
        Self::connect_behind(address, b"")
    }

    /// Connects, sends these bytes and reads the greeting.
    pub fn connect_behind(address: SocketAddr, first: &[u8]) -> Self {
        let mut tcp = TcpStream::connect(address).expect("a listener");
        tcp.write_all(first).expect("a server");
        tcp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        tcp.set_nodelay(true).expect("a socket");
        let greeting = Packet {
            sequence: 0,
            body: Vec::new(),
        };
        let mut client = Self { tcp, greeting };
        client.greeting = client.next().expect("a greeting");
        client
    }

    /// Connects and logs in as `trusted`, who has no password, to the database `app`.
    pub fn log_in(address: SocketAddr, capabilities: u32) -> Self {
        let mut client = Self::connect(address);
        client.answer(capabilities);
        let ok = client.next().expect("an answer");
        assert!(ok.is_ok(), "{}", ok.text());
        client
    }

    /// Answers the greeting as `trusted`.
    pub fn answer(&mut self, capabilities: u32) {
        self.answer_as("trusted", capabilities);
    }

    /// Answers the greeting as somebody who has no password.
    pub fn answer_as(&mut self, user: &str, capabilities: u32) {
        let capabilities = capabilities | 8;
        let mut body = capabilities.to_le_bytes().to_vec();
        body.extend((1u32 << 24).to_le_bytes());
        body.push(45);
        body.extend([0; 23]);
        body.extend(format!("{user}\0\0app\0mysql_native_password\0").into_bytes());
        self.send(1, &body);
    }

    /// The number that the greeting tells.
    pub fn thread_id(&self) -> u32 {
        let body = &self.greeting.body;
        let version = body
            .iter()
            .skip(1)
            .position(|byte| *byte == 0)
            .expect("a version");
        let id = &body[version + 2..version + 6];
        u32::from_le_bytes(id.try_into().expect("four bytes"))
    }

    /// Sends a packet in as many frames as it takes.
    pub fn send(&mut self, sequence: u8, body: &[u8]) {
        let bytes = packet(sequence, body);
        self.tcp.write_all(&bytes).expect("a server");
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.tcp.write_all(bytes).expect("a server");
    }

    /// Sends a command.
    pub fn command(&mut self, command: u8, argument: &[u8]) {
        self.send(0, &[&[command], argument].concat());
    }

    /// Sends a command that is answered by one packet.
    pub fn ask(&mut self, command: u8, argument: &[u8]) -> Packet {
        self.command(command, argument);
        self.next().expect("an answer")
    }

    /// Sends a text that is answered by one packet.
    pub fn query(&mut self, sql: &str) -> Packet {
        self.ask(3, sql.as_bytes())
    }

    /// The next packet; `None` at the end.
    pub fn next(&mut self) -> Option<Packet> {
        let mut body = Vec::new();
        loop {
            let mut header = [0; 4];
            let mut read = 0;
            while read < header.len() {
                match self.tcp.read(&mut header[read..]) {
                    Ok(0) | Err(_) if read == 0 && body.is_empty() => return None,
                    Ok(0) => panic!("the end inside a packet"),
                    Ok(more) => read += more,
                    Err(error) => panic!("{error}"),
                }
            }
            let length =
                usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
            let begin = body.len();
            body.resize(begin + length, 0);
            self.tcp
                .read_exact(&mut body[begin..])
                .expect("a whole packet");
            if length < FRAME_BYTES_MAX {
                return Some(Packet {
                    sequence: header[3],
                    body,
                });
            }
        }
    }

    /// Packets up to and with the first that satisfies.
    pub fn until(&mut self, satisfies: impl Fn(&Packet) -> bool) -> Vec<Packet> {
        let mut packets = Vec::new();
        loop {
            let packet = self.next().expect("more packets");
            let over = satisfies(&packet);
            packets.push(packet);
            if over {
                return packets;
            }
        }
    }

    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }
}

/// A packet in as many frames as it takes.
pub fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 8);
    let mut rest = body;
    let mut sequence = sequence;
    loop {
        let (frame, behind) = rest.split_at(rest.len().min(FRAME_BYTES_MAX));
        bytes.extend(&(frame.len() as u32).to_le_bytes()[..3]);
        bytes.push(sequence);
        bytes.extend(frame);
        sequence = sequence.wrapping_add(1);
        rest = behind;
        if frame.len() < FRAME_BYTES_MAX {
            return bytes;
        }
    }
}
