//! The SQL door in this process, and a client that sends what it likes: bytes, not statements.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rollcall::auth::{Credential, Role, UserMap, Users, Verifier};
use rollcall::catalog::{Catalog, CatalogOptions};
use rollcall::session::{Listener, Registry, Service, SessionId};
use rollcall::sql::{self, Door, Limits};
use rollcall::tls::TlsSlot;
use rustls::{ClientConnection, StreamOwned};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Bounds every wait; nothing here takes nearly as long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Protocol 3.0.
pub const PROTOCOL_3_0: u32 = 3 << 16;
/// Protocol 3.2.
pub const PROTOCOL_3_2: u32 = 3 << 16 | 2;
/// Request codes.
pub const CANCEL_REQUEST: u32 = 80_877_102;
pub const SSL_REQUEST: u32 = 80_877_103;
pub const GSSENC_REQUEST: u32 = 80_877_104;

/// A cross join that would run for years.
pub const ENDLESS: &str = "select count(*) from generate_series(1,100000) a, generate_series(1,100000) b, \
                           generate_series(1,100000) c";

/// A door that was opened for one test.
pub struct Opened {
    pub address: SocketAddr,
    pub registry: Arc<Registry>,
    pub shutdown: CancellationToken,
    served: Option<JoinHandle<()>>,
    runtime: Runtime,
}

/// What a test wants of its door.
#[derive(Default)]
pub struct Wanted {
    pub users: UserMap,
    pub tls: Option<Arc<TlsSlot>>,
    pub limits: Limits,
}

impl Opened {
    /// A door without users and with the usual limits.
    pub fn plain() -> Self {
        Self::new(Wanted::default())
    }

    pub fn new(wanted: Wanted) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let bound = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = bound.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let registry = Registry::new();
        let catalog = Catalog::new(Arc::clone(&registry), CatalogOptions::default());
        let service = Arc::new(Service::new("catalog", "catalog"));
        let door = Door::new(
            catalog.expect("a catalog"),
            Arc::new(Listener::new("sql", &service, "postgresql", address)),
            Arc::new(Users::new(wanted.users)),
            wanted.tls,
            wanted.limits,
        );
        let shutdown = CancellationToken::new();
        let serving = sql::serve(listener, Arc::new(door), shutdown.clone());
        let served = Some(runtime.spawn(serving));
        Self {
            address,
            registry,
            shutdown,
            served,
            runtime,
        }
    }

    /// Connects, and says nothing.
    pub fn connect(&self) -> Client {
        Client::new(self.address)
    }

    /// A client that is logged in where no password is asked for.
    pub fn client(&self) -> Client {
        let mut client = self.connect();
        client.start(PROTOCOL_3_0, &[("user", "ann")]);
        client.until_ready();
        client
    }

    /// Waits for the door to have drained.
    pub fn drained(&mut self) {
        let served = self.served.take().expect("drained once");
        let drained = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, served).await });
        drained.expect("drained in time").expect("no panic");
    }
}

/// One user.
pub fn user(name: &str, password: &str, role: Role) -> UserMap {
    let verifier = Verifier::generate(password);
    UserMap::from([(name.to_owned(), Credential { verifier, role })])
}

/// A message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: char,
    pub body: Vec<u8>,
}

impl Message {
    /// A field of ErrorResponse or NoticeResponse.
    pub fn field(&self, field: char) -> Option<&str> {
        self.body.split(|byte| *byte == 0).find_map(|part| {
            let (first, rest) = part.split_first()?;
            (char::from(*first) == field).then(|| std::str::from_utf8(rest).expect("UTF-8"))
        })
    }

    /// Its SQLSTATE.
    pub fn code(&self) -> &str {
        self.field('C')
            .unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    /// The text up to the first zero byte.
    pub fn text(&self) -> &str {
        let end = self.body.iter().position(|byte| *byte == 0);
        std::str::from_utf8(&self.body[..end.unwrap_or(self.body.len())]).expect("UTF-8")
    }

    /// The values of a DataRow in text form.
    pub fn values(&self) -> Vec<Option<String>> {
        assert_eq!(self.kind, 'D', "{self:?}");
        let mut rest = &self.body[2..];
        let mut values = Vec::new();
        while let Some((length, behind)) = rest.split_first_chunk() {
            rest = behind;
            let length = i32::from_be_bytes(*length);
            values.push(usize::try_from(length).ok().map(|length| {
                let (value, behind) = rest.split_at(length);
                rest = behind;
                String::from_utf8(value.to_vec()).expect("UTF-8")
            }));
        }
        values
    }
}

/// The kinds of messages, in their order.
pub fn kinds(messages: &[Message]) -> String {
    messages.iter().map(|message| message.kind).collect()
}

/// The first message of a kind.
pub fn first(messages: &[Message], kind: char) -> &Message {
    let found = messages.iter().find(|message| message.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {messages:?}"))
}

trait Socket: Read + Write {}
impl<T: Read + Write> Socket for T {}

/// A raw client.
pub struct Client {
    tcp: TcpStream,
    socket: Box<dyn Socket>,
    /// Its process id and secret key, once it has logged in.
    pub process: u32,
    pub secret: Vec<u8>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).expect("a connection");
        tcp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        tcp.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        tcp.set_nodelay(true).expect("no delay");
        let socket = Box::new(tcp.try_clone().expect("a second handle"));
        Self {
            tcp,
            socket,
            process: 0,
            secret: Vec::new(),
        }
    }

    /// Goes on inside TLS, trusting whatever certificate comes.
    pub fn start_tls(&mut self) {
        self.start_tls_for(&[b"postgresql"]);
    }

    /// The same, with these names of protocols.
    pub fn start_tls_for(&mut self, protocols: &[&[u8]]) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust::Anybody))
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = "localhost".try_into().expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let tcp = self.tcp.try_clone().expect("a second handle");
        self.socket = Box::new(StreamOwned::new(connection, tcp));
    }

    pub fn session(&self) -> SessionId {
        SessionId::new(i64::from(self.process)).expect("a process id")
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("a server that reads");
        self.socket.flush().expect("a server that reads");
    }

    /// Sends a start-up packet.
    pub fn start(&mut self, version: u32, parameters: &[(&str, &str)]) {
        self.send(&startup(version, parameters));
    }

    /// Closes the connection without a word.
    pub fn vanish(self) {}

    /// The socket below, for what is not made of messages.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.socket.read_exact(&mut byte).expect("a byte");
        byte[0]
    }

    /// The next message; `None` when the server has closed.
    pub fn next(&mut self) -> Option<Message> {
        let mut header = [0; 5];
        match self.socket.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer"),
            Err(_) => return None,
        }
        let [kind, length @ ..] = header;
        let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
        self.socket.read_exact(&mut body).expect("a whole message");
        let kind = char::from(kind);
        if kind == 'K' {
            self.process = u32::from_be_bytes(*body.first_chunk().expect("a process id"));
            self.secret = body[4..].to_vec();
        }
        Some(Message { kind, body })
    }

    pub fn message(&mut self) -> Message {
        self.next().expect("a message")
    }

    /// All messages up to ReadyForQuery.
    pub fn until_ready(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let message = self.message();
            messages.push(message);
            if messages.last().is_some_and(|message| message.kind == 'Z') {
                return messages;
            }
        }
    }

    /// All messages up to the end of the connection.
    pub fn until_closed(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Runs a text by the simple protocol.
    pub fn query(&mut self, sql: &str) -> Vec<Message> {
        self.send(&query(sql));
        self.until_ready()
    }

    /// The single value of a single row.
    pub fn value(&mut self, sql: &str) -> String {
        let messages = self.query(sql);
        let values = first(&messages, 'D').values();
        values[0].clone().expect("a value")
    }

    /// The SCRAM exchange up to the server's verdict, which comes as the last message.
    pub fn log_in(&mut self, password: &str, bind_to: Option<&[u8]>) -> Message {
        let asked = self.message();
        assert_eq!(
            (asked.kind, &asked.body[..4]),
            ('R', &[0, 0, 0, 10][..]),
            "{asked:?}"
        );
        let (mechanism, gs2) = match bind_to {
            Some(_) => ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,"),
            None => ("SCRAM-SHA-256", "n,,"),
        };
        let offered = String::from_utf8_lossy(&asked.body[4..]).into_owned();
        assert!(
            offered.split('\0').any(|offer| offer == mechanism),
            "{offered:?}"
        );
        let bare = "n=,r=rOprNGfwEbeRWgbNEkqO";
        let data = format!("{gs2}{bare}");
        let mut first = cstring(mechanism);
        first.extend((data.len() as u32).to_be_bytes());
        first.extend(data.as_bytes());
        self.send(&frame('p', &first));

        let answer = self.message();
        assert_eq!(
            (answer.kind, &answer.body[..4]),
            ('R', &[0, 0, 0, 11][..]),
            "{answer:?}"
        );
        let server_first = std::str::from_utf8(&answer.body[4..]).expect("UTF-8");
        let part = |name: &str| {
            let found = server_first
                .split(',')
                .find_map(|part| part.strip_prefix(name));
            found.expect("a part of server-first").to_owned()
        };
        let salt = STANDARD.decode(part("s=")).expect("base64");
        let iterations = part("i=").parse().expect("a number");
        let mut binding = gs2.as_bytes().to_vec();
        if let Some(certificate) = bind_to {
            binding.extend(Sha256::digest(certificate));
        }
        let last = format!("c={},r={}", STANDARD.encode(binding), part("r="));
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut salted);
        let client_key = hmac_sha256(&salted, b"Client Key");
        let signed = format!("{bare},{server_first},{last}");
        let signature = hmac_sha256(&Sha256::digest(client_key), signed.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(key, sign)| key ^ sign)
            .collect();
        self.send(&frame(
            'p',
            format!("{last},p={}", STANDARD.encode(proof)).as_bytes(),
        ));
        self.message()
    }
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn cstring(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

/// A message of a client.
pub fn frame(kind: char, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind as u8];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A packet without a type.
pub fn packet(code: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend(code.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A start-up packet.
pub fn startup(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body: Vec<u8> = parameters
        .iter()
        .flat_map(|(name, value)| [cstring(name), cstring(value)].concat())
        .collect();
    body.push(0);
    packet(version, &body)
}

/// A Query message.
pub fn query(sql: &str) -> Vec<u8> {
    frame('Q', &cstring(sql))
}

/// A Parse message without parameter types.
pub fn parse(name: &str, sql: &str) -> Vec<u8> {
    frame('P', &[cstring(name), cstring(sql), vec![0, 0]].concat())
}

/// A Bind message without parameters.
pub fn bind(portal: &str, statement: &str) -> Vec<u8> {
    frame(
        'B',
        &[cstring(portal), cstring(statement), vec![0; 6]].concat(),
    )
}

/// A Bind message with parameters in text form.
pub fn bind_text(portal: &str, statement: &str, values: &[&str]) -> Vec<u8> {
    let mut body = [cstring(portal), cstring(statement), vec![0, 0]].concat();
    body.extend((values.len() as u16).to_be_bytes());
    for value in values {
        body.extend((value.len() as u32).to_be_bytes());
        body.extend(value.as_bytes());
    }
    body.extend([0, 0]);
    frame('B', &body)
}

/// A Describe message; what is `S` or `P`.
pub fn describe(what: char, name: &str) -> Vec<u8> {
    frame('D', &[vec![what as u8], cstring(name)].concat())
}

/// An Execute message.
pub fn execute(portal: &str, rows_max: i32) -> Vec<u8> {
    frame(
        'E',
        &[cstring(portal), rows_max.to_be_bytes().to_vec()].concat(),
    )
}

/// A Sync message.
pub fn sync() -> Vec<u8> {
    frame('S', b"")
}

mod trust {
    use rustls::DigitallySignedStruct;
    use rustls::SignatureScheme;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

    /// Trusts every certificate: what is tested is not the certificate.
    #[derive(Debug)]
    pub struct Anybody;

    impl ServerCertVerifier for Anybody {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![
                SignatureScheme::ECDSA_NISTP256_SHA256,
                SignatureScheme::ED25519,
            ]
        }
    }
}
