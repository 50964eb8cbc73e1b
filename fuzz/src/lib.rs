//! The modules of the program that read bytes from outside and know nothing of the engine, compiled for the fuzz
//! targets: the same files, without the rest of the program around them.

#![allow(
    dead_code,
    reason = "the rest of the program calls what the targets do not"
)]

#[path = "../../src/auth/mod.rs"]
pub mod auth;
#[path = "../../src/sql/charset.rs"]
mod charset;
#[path = "../../src/config/mod.rs"]
pub mod config;
/// The SQL door's reader of messages.
#[path = "../../src/sql/message.rs"]
mod message;
#[path = "../../src/proxy/mod.rs"]
pub mod proxy;
pub mod rest;
#[path = "../../src/session/mod.rs"]
pub mod session;
#[path = "../../src/tls.rs"]
pub mod tls;

/// Reads the body of a client's message as every kind that it could be.
pub fn read_message(bytes: &[u8]) {
    let body = bytes::Bytes::copy_from_slice(bytes);
    for charset in ["UTF8", "LATIN1", "SJIS"] {
        let charset = charset::Charset::named(charset).unwrap_or_default();
        let _ = message::query(&body, charset);
        let _ = message::parse(&body, charset);
        let _ = message::bind(&body, charset);
        let _ = message::target(&body, charset);
        let _ = message::execute(&body, charset);
    }
    let _ = message::sasl_initial_response(&body);
    let _ = message::startup_parameters(&body);
    let _ = message::nothing(&body);
}
