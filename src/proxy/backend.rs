//! A connection to a server, up to where its protocol begins.
//!
//! The server side of TLS in PostgreSQL: an SSLRequest is answered with one byte, `S` or `N`, and the handshake
//! follows. Exactly that byte is read before the handshake: what somebody between here and the server puts behind it
//! is then garbage inside TLS and never taken for the server's own words.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::proxy_protocol::Origin;
use super::transport::{Socket, Transport};
use crate::config::{MonitorCredentials, Protocol, ServerConfig, ServerTls};
use crate::session::Server;
use crate::tls::{ALPN_SQL, TlsError, read_certificates};

/// SSLRequest: its length and its code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Why a server of the configuration cannot be connected to as it is meant to be.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// A certificate file cannot be read or used.
    #[error("server \"{server}\": {source}")]
    Certificate {
        /// The server's name.
        server: Arc<str>,
        /// Which file, and what is wrong with it.
        source: TlsError,
    },
    /// The host is none that a certificate could be for.
    #[error("server \"{server}\": no certificate can be checked for the host \"{host}\"")]
    Host {
        /// The server's name.
        server: Arc<str>,
        /// The host.
        host: String,
    },
    /// TLS cannot be set up.
    #[error("server \"{server}\": {source}")]
    Tls {
        /// The server's name.
        server: Arc<str>,
        /// What the TLS library says.
        source: rustls::Error,
    },
}

/// Why a connection to a server did not come about. Names the server and its configured address.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host's addresses cannot be found.
    #[error("server \"{server}\": cannot resolve {address}: {source}")]
    Resolve {
        /// The server's name.
        server: Arc<str>,
        /// Host and port.
        address: Arc<str>,
        /// What the system says.
        source: io::Error,
    },
    /// The server cannot be reached, or hung up.
    #[error("server \"{server}\" at {address}: {source}")]
    Io {
        /// The server's name.
        server: Arc<str>,
        /// Host and port.
        address: Arc<str>,
        /// What the system says.
        source: io::Error,
    },
    /// It took too long.
    #[error("server \"{server}\" at {address}: no connection within {} ms", limit.as_millis())]
    TimedOut {
        /// The server's name.
        server: Arc<str>,
        /// Host and port.
        address: Arc<str>,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The server does not offer TLS.
    #[error("server \"{server}\" at {address} does not offer TLS")]
    NoTls {
        /// The server's name.
        server: Arc<str>,
        /// Host and port.
        address: Arc<str>,
    },
    /// What answers is no PostgreSQL server.
    #[error("server \"{server}\" at {address} answers an SSLRequest with byte 0x{answer:02x}")]
    NotPostgreSql {
        /// The server's name.
        server: Arc<str>,
        /// Host and port.
        address: Arc<str>,
        /// The byte.
        answer: u8,
    },
    /// The TLS handshake failed, or the server's certificate is not to be trusted.
    #[error("server \"{server}\" at {address}: TLS: {source}")]
    Tls {
        /// The server's name.
        server: Arc<str>,
        /// Host and port.
        address: Arc<str>,
        /// What the TLS library says.
        source: io::Error,
    },
    /// The server shows another certificate than the configured one.
    #[error("server \"{server}\" at {address} shows another certificate than the configured one")]
    WrongCertificate {
        /// The server's name.
        server: Arc<str>,
        /// Host and port.
        address: Arc<str>,
    },
}

/// A server as the proxy connects to it.
pub struct Backend {
    /// The server in the catalog.
    pub server: Arc<Server>,
    /// What it speaks.
    pub protocol: Protocol,
    /// Who its monitor logs in as.
    pub monitor: Option<Arc<MonitorCredentials>>,
    /// Host and port, for messages.
    address: Arc<str>,
    /// Hears first, by the PROXY protocol, on whose behalf a connection is made.
    hears_origin: bool,
    tls: Option<BackendTls>,
}

struct BackendTls {
    connector: TlsConnector,
    name: ServerName<'static>,
    /// The certificate that the server must show, if it is known.
    certificate: Option<CertificateDer<'static>>,
}

impl Backend {
    /// Prepares connections to `server` as `config` says: reads the files that it names.
    ///
    /// # Errors
    /// When a certificate cannot be read or used, or the host is none that a certificate could be for.
    pub fn new(config: &ServerConfig, server: Arc<Server>) -> Result<Self, BackendError> {
        let tls = match &config.tls {
            ServerTls::Disable => None,
            _ => Some(BackendTls::new(config, &server.name)?),
        };
        let address = match config.host.contains(':') {
            true => format!("[{}]:{}", config.host, config.port),
            false => format!("{}:{}", config.host, config.port),
        };
        Ok(Self {
            server,
            protocol: config.protocol,
            monitor: config.monitor.credentials.clone().map(Arc::new),
            address: address.into(),
            hears_origin: config.proxy_protocol,
            tls,
        })
    }

    /// Connects to the first of the server's addresses that can be, and goes on inside TLS if so configured, as
    /// PostgreSQL begins it.
    ///
    /// # Errors
    /// When no such connection comes about within `limit`.
    pub async fn connect(&self, limit: Duration) -> Result<Transport, ConnectError> {
        let deadline = Instant::now() + limit;
        let socket = self.connect_tcp(deadline, limit).await?;
        match &self.tls {
            None => Ok(Transport::Plain(socket)),
            Some(tls) => timeout_at(deadline, self.request_tls(socket, tls))
                .await
                .unwrap_or_else(|_| Err(self.timed_out(limit))),
        }
    }

    /// Connects to the first of the server's addresses that can be, and tells the server of the `origin` if it wants to
    /// hear of it; whether TLS follows is the protocol's business.
    ///
    /// # Errors
    /// When no such connection comes about within `limit`.
    pub async fn connect_plain(
        &self,
        origin: Origin,
        limit: Duration,
    ) -> Result<Transport, ConnectError> {
        let mut socket = self.connect_tcp(Instant::now() + limit, limit).await?;
        if self.hears_origin {
            // The kernel takes so little at once.
            let told = socket.write_all(&origin.header()).await;
            told.map_err(|source| self.broken(source))?;
        }
        Ok(Transport::Plain(socket))
    }

    /// Whether connections go on inside TLS.
    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Goes on inside TLS, if so configured, behind a `request` that the server does not answer.
    ///
    /// # Errors
    /// When TLS does not come about within `limit`, or not with the server that is meant.
    pub async fn start_tls(
        &self,
        server: Transport,
        request: &[u8],
        limit: Duration,
    ) -> Result<Transport, ConnectError> {
        let (Some(tls), Transport::Plain(mut socket)) = (&self.tls, server) else {
            return Err(self.broken(io::Error::other("TLS inside TLS")));
        };
        let started = async {
            let written = socket.write_all(request).await;
            written.map_err(|source| self.broken(source))?;
            self.handshake(socket, tls).await
        };
        timeout(limit, started)
            .await
            .unwrap_or_else(|_| Err(self.timed_out(limit)))
    }

    /// Connects and hangs up without a word: whether there is anybody.
    ///
    /// # Errors
    /// When no connection comes about within `limit`.
    pub async fn reach(&self, limit: Duration) -> Result<(), ConnectError> {
        self.connect_tcp(Instant::now() + limit, limit).await?;
        Ok(())
    }

    /// Tries each address in turn. One that does not answer may take its share of the time that is left, so that the
    /// others get theirs.
    async fn connect_tcp(
        &self,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Socket, ConnectError> {
        let resolve = lookup_host((&*self.server.address, self.server.port));
        let addresses: Vec<SocketAddr> = match timeout_at(deadline, resolve).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(source)) => return Err(self.unresolved(source)),
            Err(_) => return Err(self.timed_out(limit)),
        };
        let mut failure = None;
        let mut left = addresses.len() as u32;
        for address in addresses {
            let share = deadline.duration_since(Instant::now()) / left;
            left -= 1;
            let connect = TcpStream::connect(address);
            failure = match timeout_at(Instant::now() + share, connect).await {
                Ok(Ok(tcp)) => return Socket::tcp(tcp).map_err(|source| self.broken(source)),
                Ok(Err(source)) => Some(self.broken(source)),
                Err(_) => Some(failure.unwrap_or_else(|| self.timed_out(limit))),
            };
        }
        Err(failure.unwrap_or_else(|| self.unresolved(io::ErrorKind::NotFound.into())))
    }

    /// Asks for TLS as PostgreSQL is asked.
    async fn request_tls(
        &self,
        mut socket: Socket,
        tls: &BackendTls,
    ) -> Result<Transport, ConnectError> {
        let broken = |source| self.broken(source);
        socket.write_all(&SSL_REQUEST).await.map_err(broken)?;
        let mut answer = [0];
        socket.read_exact(&mut answer).await.map_err(broken)?;
        let (server, address) = self.names();
        match answer[0] {
            b'S' => {}
            // An error message: a server from before there was TLS.
            b'N' | b'E' => return Err(ConnectError::NoTls { server, address }),
            answer => {
                return Err(ConnectError::NotPostgreSql {
                    server,
                    address,
                    answer,
                });
            }
        }
        self.handshake(socket, tls).await
    }

    async fn handshake(&self, socket: Socket, tls: &BackendTls) -> Result<Transport, ConnectError> {
        let (server, address) = self.names();
        let handshake = tls.connector.connect(tls.name.clone(), socket);
        let stream = match handshake.await {
            Ok(stream) => stream,
            Err(source) => {
                return Err(ConnectError::Tls {
                    server,
                    address,
                    source,
                });
            }
        };
        let shown = stream.get_ref().1.peer_certificates();
        let shown = shown.and_then(|chain| chain.first());
        match &tls.certificate {
            Some(expected) if shown != Some(expected) => {
                Err(ConnectError::WrongCertificate { server, address })
            }
            _ => Ok(Transport::TlsClient(Box::new(stream))),
        }
    }

    fn names(&self) -> (Arc<str>, Arc<str>) {
        (Arc::clone(&self.server.name), Arc::clone(&self.address))
    }

    fn unresolved(&self, source: io::Error) -> ConnectError {
        let (server, address) = self.names();
        ConnectError::Resolve {
            server,
            address,
            source,
        }
    }

    /// A connection that broke.
    pub fn broken(&self, source: io::Error) -> ConnectError {
        let (server, address) = self.names();
        ConnectError::Io {
            server,
            address,
            source,
        }
    }

    fn timed_out(&self, limit: Duration) -> ConnectError {
        let (server, address) = self.names();
        ConnectError::TimedOut {
            server,
            address,
            limit,
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("server", &self.server.name)
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl BackendTls {
    fn new(config: &ServerConfig, server: &Arc<str>) -> Result<Self, BackendError> {
        let unreadable = |source| BackendError::Certificate {
            server: Arc::clone(server),
            source,
        };
        let name = ServerName::try_from(config.host.clone()).map_err(|_| BackendError::Host {
            server: Arc::clone(server),
            host: config.host.clone(),
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match &config.tls {
            ServerTls::VerifyFull { ca } => {
                let unusable = |source| {
                    let cert = ca.clone();
                    unreadable(TlsError::Unusable { cert, source })
                };
                let mut roots = RootCertStore::empty();
                for authority in read_certificates(ca).map_err(unreadable)? {
                    roots.add(authority).map_err(unusable)?;
                }
                WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                    .build()
                    .map_err(|error| unusable(rustls::Error::General(error.to_string())))?
            }
            ServerTls::Disable | ServerTls::Require => Arc::new(Anybody(Arc::clone(&provider))),
        };
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| BackendError::Tls {
                server: Arc::clone(server),
                source,
            })?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        if config.protocol == Protocol::PostgreSql {
            client.alpn_protocols = ALPN_SQL.iter().map(|name| (*name).into()).collect();
        }
        // PostgreSQL resumes no sessions, and MariaDB's gain nothing by it.
        client.resumption = Resumption::disabled();
        let certificate = match &config.certificate {
            Some(path) => {
                let chain = read_certificates(path).map_err(unreadable)?;
                chain.into_iter().next()
            }
            None => None,
        };
        Ok(Self {
            connector: TlsConnector::from(Arc::new(client)),
            name,
            certificate,
        })
    }
}

/// `tls = "require"`: takes whatever certificate is shown, as libpq's `sslmode=require` does, by whoever has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

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
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
pub(super) mod tests;
