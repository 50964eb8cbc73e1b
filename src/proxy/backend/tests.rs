use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::MonitorConfig;

const LIMIT: Duration = Duration::from_secs(20);
/// Long enough for a handshake not to matter, short enough to be waited for.
const SHORT: Duration = Duration::from_millis(100);

/// What the peer does after it has read the SSLRequest.
enum Peer {
    /// Answers with these bytes and hangs up.
    Says(&'static [u8]),
    /// Waits until the client has gone.
    IsSilent,
    /// Answers `S`, does the handshake, and says `hello` inside.
    Encrypts(TlsAcceptor),
}

/// A peer for one client: its port, and the ALPN name that it agreed on.
async fn serve(peer: Peer) -> (u16, JoinHandle<Option<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let serving = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.ok()?;
        let mut request = [0; SSL_REQUEST.len()];
        tcp.read_exact(&mut request).await.ok()?;
        assert_eq!(request, SSL_REQUEST);
        match peer {
            Peer::Says(answer) => {
                tcp.write_all(answer).await.ok()?;
                None
            }
            Peer::IsSilent => {
                let _ = tcp.read(&mut request).await;
                None
            }
            Peer::Encrypts(acceptor) => {
                tcp.write_all(b"S").await.ok()?;
                let mut tls = acceptor.accept(tcp).await.ok()?;
                tls.write_all(b"hello").await.ok()?;
                tls.shutdown().await.ok()?;
                tls.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
            }
        }
    });
    (port, serving)
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(dir: &Path, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let file = dir.join(format!("{name}.crt"));
        let pem = params.self_signed(&key).expect("a certificate").pem();
        std::fs::write(&file, pem).expect("a writable directory");
        let issuer = Issuer::new(params, key);
        Self { issuer, file }
    }

    /// Serves with a certificate for `host`, which is also written to the file.
    fn certify(&self, host: &str, file: &Path) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(file, cert.pem()).expect("a writable directory");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a pair");
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A server that is connected to so, and otherwise as by default.
pub(in crate::proxy) fn config(host: &str, port: u16, tls: ServerTls) -> ServerConfig {
    ServerConfig {
        name: "db1".to_owned(),
        host: host.to_owned(),
        port,
        protocol: Protocol::PostgreSql,
        role: None,
        tls,
        certificate: None,
        proxy_protocol: false,
        monitor: MonitorConfig::default(),
    }
}

fn backend(config: &ServerConfig) -> Result<Backend, BackendError> {
    let server = Server::new("db1", &config.host, config.port, "postgresql", None);
    Backend::new(config, Arc::new(server))
}

async fn connect(config: &ServerConfig, limit: Duration) -> Result<Transport, ConnectError> {
    backend(config)
        .expect("a good configuration")
        .connect(limit)
        .await
}

async fn rest_of(mut transport: Transport) -> Vec<u8> {
    let mut rest = Vec::new();
    transport
        .read_to_end(&mut rest)
        .await
        .expect("a whole stream");
    rest
}

#[tokio::test]
async fn a_server_in_clear_hears_nothing_before_its_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    // A name resolves to several addresses, of which some may refuse.
    let config = config("localhost", port, ServerTls::Disable);
    let transport = connect(&config, LIMIT).await.expect("a listening peer");
    assert_eq!(transport.tls(), None);
    let (mut peer, _) = listener.accept().await.expect("a client");
    drop(transport);
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).await.expect("an end");
    assert!(heard.is_empty());
}

#[tokio::test]
async fn nobody_there_is_an_error_that_names_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    drop(listener);
    let config = config("127.0.0.1", port, ServerTls::Disable);
    let error = connect(&config, LIMIT).await.expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Io { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("server \"db1\" at 127.0.0.1:{port}: ")),
        "{text}"
    );
    let backend = backend(&config).expect("a good configuration");
    assert!(backend.reach(LIMIT).await.is_err());
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    for answer in [&b"N"[..], b"E\0\0\0\x05\0"] {
        let (port, _serving) = serve(Peer::Says(answer)).await;
        let error = connect(&config("127.0.0.1", port, ServerTls::Require), LIMIT)
            .await
            .expect_err("no TLS");
        assert!(matches!(error, ConnectError::NoTls { .. }), "{error:?}");
    }
    let (port, _serving) = serve(Peer::Says(b"HTTP/1.1 400 Bad Request")).await;
    let error = connect(&config("127.0.0.1", port, ServerTls::Require), LIMIT)
        .await
        .expect_err("no PostgreSQL");
    assert!(
        matches!(error, ConnectError::NotPostgreSql { answer: b'H', .. }),
        "{error:?}"
    );
    let (port, _serving) = serve(Peer::Says(b"")).await;
    let error = connect(&config("127.0.0.1", port, ServerTls::Require), LIMIT)
        .await
        .expect_err("it hung up");
    assert!(matches!(error, ConnectError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn what_follows_the_answer_in_clear_is_never_taken_for_the_servers_word() {
    let injected = b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let (port, _serving) = serve(Peer::Says(injected)).await;
    let error = connect(&config("127.0.0.1", port, ServerTls::Require), LIMIT)
        .await
        .expect_err("no handshake");
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn silence_ends_with_the_limit() {
    let (port, serving) = serve(Peer::IsSilent).await;
    let error = connect(&config("127.0.0.1", port, ServerTls::Require), SHORT)
        .await
        .expect_err("silence");
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error:?}");
    assert!(error.to_string().ends_with("no connection within 100 ms"));
    serving.await.expect("the peer sees the end");
}

#[tokio::test]
async fn require_takes_any_certificate_and_says_what_it_speaks() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = Authority::new(dir.path(), "ca");
    let acceptor = authority.certify("elsewhere.test", &dir.path().join("server.crt"));
    let (port, serving) = serve(Peer::Encrypts(acceptor)).await;
    let transport = connect(&config("127.0.0.1", port, ServerTls::Require), LIMIT)
        .await
        .expect("any certificate will do");
    assert_eq!(
        transport.tls().as_deref(),
        Some("TLSv1.3 TLS_AES_256_GCM_SHA384")
    );
    assert_eq!(rest_of(transport).await, b"hello");
    let alpn = serving.await.expect("a served client");
    assert_eq!(alpn.as_deref(), Some(&b"postgresql"[..]));
}

#[tokio::test]
async fn verify_full_wants_the_authority_and_the_host() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ours, other) = (
        Authority::new(dir.path(), "ours"),
        Authority::new(dir.path(), "other"),
    );
    for (certified, host, ca, good) in [
        ("127.0.0.1", "127.0.0.1", &ours, true),
        ("localhost", "localhost", &ours, true),
        ("localhost", "127.0.0.1", &ours, false),
        ("elsewhere.test", "localhost", &ours, false),
        ("127.0.0.1", "127.0.0.1", &other, false),
    ] {
        let acceptor = ours.certify(certified, &dir.path().join("server.crt"));
        let (port, _serving) = serve(Peer::Encrypts(acceptor)).await;
        let ca = ca.file.clone();
        let connected = connect(
            &config(host, port, ServerTls::VerifyFull { ca: ca.clone() }),
            LIMIT,
        )
        .await;
        match connected {
            Ok(transport) => {
                assert!(good, "{certified} as {host} by {ca:?}");
                assert_eq!(rest_of(transport).await, b"hello");
            }
            Err(error) => {
                assert!(!good, "{certified} as {host} by {ca:?}: {error}");
                assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_known_certificate_is_the_only_one_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = Authority::new(dir.path(), "ca");
    let (known, other) = (dir.path().join("known.crt"), dir.path().join("other.crt"));
    let acceptor = authority.certify("localhost", &known);
    authority.certify("localhost", &other);
    for (certificate, good) in [(known, true), (other, false)] {
        let (port, _serving) = serve(Peer::Encrypts(acceptor.clone())).await;
        let config = ServerConfig {
            certificate: Some(certificate),
            ..config("localhost", port, ServerTls::Require)
        };
        match connect(&config, LIMIT).await {
            Ok(_) => assert!(good),
            Err(error) => {
                assert!(!good, "{error}");
                assert!(
                    matches!(error, ConnectError::WrongCertificate { .. }),
                    "{error:?}"
                );
            }
        }
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let (missing, empty) = (dir.path().join("missing.crt"), dir.path().join("empty.crt"));
    std::fs::write(&empty, "").expect("a writable directory");
    for file in [missing, empty] {
        let with_ca = config("localhost", 1, ServerTls::VerifyFull { ca: file.clone() });
        let with_certificate = ServerConfig {
            certificate: Some(file.clone()),
            ..config("localhost", 1, ServerTls::Require)
        };
        for config in [with_ca, with_certificate] {
            let error = backend(&config).expect_err("no certificate").to_string();
            assert!(error.starts_with("server \"db1\": "), "{error}");
            assert!(error.contains(&file.display().to_string()), "{error}");
        }
    }
    let host = config("no host", 1, ServerTls::Require);
    assert!(matches!(backend(&host), Err(BackendError::Host { .. })));
}
