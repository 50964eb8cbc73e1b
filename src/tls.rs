//! Certificates and keys for the listeners.
//!
//! A listener holds a [`TlsSlot`]. A reload puts a new certificate into the slot; handshakes under way keep the
//! one that they began with, and a certificate that cannot be used never replaces one that can.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// ALPN names of the SQL door, as registered for PostgreSQL; a client that asked for TLS in the protocol need not send any.
pub const ALPN_SQL: &[&str] = &["postgresql"];
/// ALPN names of the REST door, the preferred one first.
pub const ALPN_REST: &[&str] = &["h2", "http/1.1"];

/// Where a listener's certificate and key are: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those between it and the root, if any.
    pub cert: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC1, not encrypted.
    pub key: PathBuf,
}

/// Which of the two files an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPart {
    /// The certificate.
    Cert,
    /// The private key.
    Key,
}

/// Why a certificate and key cannot be used. Names files, never their content.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        part: TlsPart,
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is read but holds nothing of the right kind.
    #[error("no PEM {kind} in {}", path.display())]
    Pem {
        /// Which file.
        part: TlsPart,
        /// What was looked for.
        kind: &'static str,
        /// Its path.
        path: PathBuf,
    },
    /// The key is not the certificate's.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The key's path.
        key: PathBuf,
        /// The certificate's path.
        cert: PathBuf,
    },
    /// The pair is of a kind that cannot be used here.
    #[error("cannot use the certificate in {}: {source}", cert.display())]
    Unusable {
        /// The certificate's path.
        cert: PathBuf,
        /// What the TLS library says.
        source: rustls::Error,
    },
}

impl TlsError {
    /// Which of the two files to look at first.
    pub fn part(&self) -> TlsPart {
        match self {
            Self::Read { part, .. } | Self::Pem { part, .. } => *part,
            Self::Mismatch { .. } => TlsPart::Key,
            Self::Unusable { .. } => TlsPart::Cert,
        }
    }
}

/// One certificate, ready to serve.
pub struct Identity {
    config: Arc<ServerConfig>,
    certificate_pem: Arc<[u8]>,
}

impl Identity {
    /// Reads the files and checks that the key belongs to the certificate.
    ///
    /// # Errors
    /// When a file cannot be read or used, or the two do not belong together.
    pub fn load(files: &TlsFiles, alpn: &[&str]) -> Result<Self, TlsError> {
        let chain = read_certificates(&files.cert)?;
        let key = read_key(&files.key)?;
        let certificate_pem = chain.first().map(pem_of).unwrap_or_default();
        let unusable = |source| TlsError::Unusable {
            cert: files.cert.clone(),
            source,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                    key: files.key.clone(),
                    cert: files.cert.clone(),
                },
                source => unusable(source),
            })?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Self {
            config: Arc::new(config),
            certificate_pem: certificate_pem.into(),
        })
    }

    /// Accepts TLS clients with this certificate.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// The server's own certificate in PEM, without those above it: what SCRAM binds a channel to.
    pub fn certificate_pem(&self) -> &Arc<[u8]> {
        &self.certificate_pem
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// A listener's certificate, which can be replaced while clients come and go.
#[derive(Debug)]
pub struct TlsSlot {
    alpn: &'static [&'static str],
    current: ArcSwap<Identity>,
}

impl TlsSlot {
    /// Reads the files.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn load(files: &TlsFiles, alpn: &'static [&'static str]) -> Result<Self, TlsError> {
        Ok(Self {
            alpn,
            current: ArcSwap::from_pointee(Identity::load(files, alpn)?),
        })
    }

    /// The certificate of now. Take it once for a client that needs both the acceptor and the certificate: a
    /// reload may come between two calls.
    pub fn current(&self) -> Arc<Identity> {
        self.current.load_full()
    }

    /// Accepts TLS clients with the certificate of now.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.current.load().acceptor()
    }

    /// Reads the files again, or others; the handshakes that begin from now on get what is in them.
    ///
    /// # Errors
    /// As [`Identity::load`]; the slot then keeps what it has.
    pub fn reload(&self, files: &TlsFiles) -> Result<(), TlsError> {
        let identity = Identity::load(files, self.alpn)?;
        self.current.store(Arc::new(identity));
        Ok(())
    }
}

fn read(part: TlsPart, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        part,
        path: path.to_owned(),
        source,
    })
}

/// The certificates of a PEM file, at least one, in its order.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(TlsPart::Cert, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    chain
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| TlsError::Pem {
            part: TlsPart::Cert,
            kind: "certificate",
            path: path.to_owned(),
        })
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = zeroize::Zeroizing::new(read(TlsPart::Key, path)?);
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::Pem {
        part: TlsPart::Key,
        kind: "private key",
        path: path.to_owned(),
    })
}

fn pem_of(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let text = STANDARD.encode(certificate);
    let mut pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
    for line in text.as_bytes().chunks(64) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(b"-----END CERTIFICATE-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(dir: &Path, name: &str) -> (TlsFiles, String) {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a certificate");
        let files = TlsFiles {
            cert: dir.join(format!("{name}.crt")),
            key: dir.join(format!("{name}.key")),
        };
        std::fs::write(&files.cert, pair.cert.pem()).expect("a writable directory");
        std::fs::write(&files.key, pair.signing_key.serialize_pem()).expect("a writable directory");
        (files, pair.cert.pem())
    }

    fn der(pem: &[u8]) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem).expect("PEM")
    }

    #[test]
    fn a_pair_is_loaded_with_its_alpn_and_certificate() {
        let dir = tempfile::tempdir().expect("a directory");
        let (files, pem) = write_pair(dir.path(), "a");
        let slot = TlsSlot::load(&files, ALPN_REST).expect("a good pair");
        let identity = slot.current();
        assert_eq!(identity.config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
        assert_eq!(der(identity.certificate_pem()), der(pem.as_bytes()));
    }

    #[test]
    fn only_the_leaf_is_exposed_of_a_chain() {
        let dir = tempfile::tempdir().expect("a directory");
        let (files, leaf) = write_pair(dir.path(), "a");
        let (_, other) = write_pair(dir.path(), "b");
        std::fs::write(&files.cert, format!("{leaf}{other}")).expect("a writable directory");
        let identity = Identity::load(&files, ALPN_SQL).expect("a good pair");
        let pem = identity.certificate_pem();
        assert_eq!(CertificateDer::pem_slice_iter(pem).count(), 1);
        assert_eq!(der(pem), der(leaf.as_bytes()));
    }

    #[test]
    fn errors_name_the_file_to_look_at() {
        let dir = tempfile::tempdir().expect("a directory");
        let (a, _) = write_pair(dir.path(), "a");
        let (b, _) = write_pair(dir.path(), "b");
        let files = |cert: &Path, key: &Path| TlsFiles {
            cert: cert.to_owned(),
            key: key.to_owned(),
        };
        let missing = dir.path().join("missing");
        for (files, part, words) in [
            (files(&missing, &a.key), TlsPart::Cert, "cannot read"),
            (files(&a.cert, &missing), TlsPart::Key, "cannot read"),
            (
                files(&a.key, &a.key),
                TlsPart::Cert,
                "no PEM certificate in",
            ),
            (
                files(&a.cert, &a.cert),
                TlsPart::Key,
                "no PEM private key in",
            ),
            (files(&a.cert, &b.key), TlsPart::Key, "does not belong to"),
        ] {
            let error = Identity::load(&files, ALPN_SQL).expect_err(words);
            assert_eq!(error.part(), part, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_reload_takes_a_good_pair_and_leaves_a_bad_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let (files, first) = write_pair(dir.path(), "a");
        let slot = TlsSlot::load(&files, ALPN_SQL).expect("a good pair");
        std::fs::write(&files.key, "not a key").expect("a writable directory");
        assert!(slot.reload(&files).is_err());
        assert_eq!(der(slot.current().certificate_pem()), der(first.as_bytes()));

        let (_, second) = write_pair(dir.path(), "a");
        slot.reload(&files).expect("a good pair");
        assert_eq!(
            der(slot.current().certificate_pem()),
            der(second.as_bytes())
        );
    }
}
