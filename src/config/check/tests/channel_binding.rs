//! The combinations of TLS on the two legs.

use super::*;

/// Writes `own`, the same certificate behind another comment and before another one (`chain`), and `other`.
fn certificates(dir: &Path) {
    let write = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).expect("a writable directory");
    };
    let pair = |name: &str| {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a certificate");
        write(&format!("{name}.crt"), &pair.cert.pem());
        write(&format!("{name}.key"), &pair.signing_key.serialize_pem());
        pair.cert.pem()
    };
    let (own, other) = (pair("own"), pair("other"));
    write("chain.crt", &format!("of the server\n{own}{other}"));
    write("broken.crt", "nothing");
}

fn file(server: &str, listener: &str) -> String {
    format!(
        r#"
        [servers]
        db1 = {{ address = "127.0.0.1:5432" }}
        db2 = {{ address = "127.0.0.1:5433", {server} }}
        unused = {{ address = "127.0.0.1:5434", tls = "require" }}
        [services.app]
        router = "readconnroute"
        servers = ["db1", "db2"]
        [listeners.app]
        service = "app"
        address = "127.0.0.1:6432"
        {listener}
        "#
    )
}

#[test]
fn clients_must_be_able_to_log_in_to_every_server() {
    let dir = tempfile::tempdir().expect("a directory");
    certificates(dir.path());
    let own = "tls = { cert = \"own.crt\", key = \"own.key\" }";
    let chain = "tls = { cert = \"chain.crt\", key = \"own.key\" }";
    let stripped = &format!("{own}\nchannel_binding = \"disable\"");
    for (server, listener, good) in [
        ("tls = \"disable\"", "", true),
        ("tls = \"disable\"", own, true),
        ("tls = \"require\"", "", true),
        ("tls = \"require\"", own, false),
        ("tls = \"require\"", stripped, true),
        ("tls = \"require\", certificate = \"own.crt\"", own, true),
        ("tls = \"require\", certificate = \"own.crt\"", chain, true),
        ("tls = \"require\", certificate = \"chain.crt\"", own, true),
        ("tls = \"require\", certificate = \"other.crt\"", own, false),
        (
            "tls = \"require\", certificate = \"other.crt\"",
            stripped,
            true,
        ),
        ("tls = \"verify-full\", ca = \"own.crt\"", own, false),
    ] {
        let told = parse_in(dir.path(), &file(server, listener));
        assert_eq!(told.is_ok(), good, "{server} {listener}: {told:?}");
        if let Err(told) = told {
            assert!(told.starts_with("rollcall.toml:12: listeners.app.tls: server \"db2\" "));
            for way in [
                "the server's own certificate and key",
                "channel_binding = \"disable\" here and channel_binding=disable in the clients",
                "tls = \"disable\" at the server",
            ] {
                assert!(told.contains(way), "{told}");
            }
            assert_eq!(told.lines().count(), 1, "{told}");
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_read_is_told_once() {
    let dir = tempfile::tempdir().expect("a directory");
    certificates(dir.path());
    let server = "tls = \"require\", certificate = \"broken.crt\"";
    let listener = "tls = { cert = \"own.crt\", key = \"own.key\" }";
    let told = parse_in(dir.path(), &file(server, listener)).expect_err("no certificate");
    assert!(told.contains("servers.db2.certificate: "), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}
