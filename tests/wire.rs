//! The PostgreSQL wire protocol, kept to the letter against clients that do not keep it.

mod charset;
mod copy;
mod cursors;
mod framing;
mod login;
mod prepared;
mod random;
mod statements;
mod stops;

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rollcall::session::LiveValues;
use rollcall::sql::Limits;
use rollcall::tls::{ALPN_SQL, TlsFiles, TlsSlot};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::support::wire::*;

/// Asks again until it is so.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::yield_now();
    }
}

/// Waits until a statement of the client runs.
fn wait_until_busy(door: &Opened, client: &Client) {
    let session = door.registry.get(client.session()).expect("a live session");
    let runs = |live: LiveValues| live.statement_started_ms.is_some();
    eventually("the statement runs", || runs(session.live()));
}

fn limits(change: impl FnOnce(&mut Limits)) -> Wanted {
    let mut limits = Limits::default();
    change(&mut limits);
    Wanted {
        limits,
        ..Wanted::default()
    }
}

fn certificate(directory: &tempfile::TempDir) -> (Arc<TlsSlot>, Vec<u8>) {
    let pair =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let files = TlsFiles {
        cert: directory.path().join("server.crt"),
        key: directory.path().join("server.key"),
    };
    let pem = pair.cert.pem();
    std::fs::write(&files.cert, &pem).expect("a writable directory");
    std::fs::write(&files.key, pair.signing_key.serialize_pem()).expect("a writable directory");
    let slot = TlsSlot::load(&files, ALPN_SQL).expect("a good pair");
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    (Arc::new(slot), der.to_vec())
}
