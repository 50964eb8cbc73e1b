//! What sessions have asked last, and the log of all statements, as for PostgreSQL's.

use crate::proxy::{Setup, statements::logged};
use crate::support::mariadb::MariaDb;
use crate::support::program::eventually;

use super::{only_session, raw};

const PREPARE: u8 = 22;
const EXECUTE: u8 = 23;

#[test]
fn statements_are_retained_and_logged_by_their_texts() {
    let server = MariaDb::start();
    let setup = Setup {
        servers: &server.section("db1"),
        service: "retain_last_statements = 5\nfilters = [\"log\"]",
        more: "[filters.log]\nmodule = \"qlafilter\"\nfile = \"queries.csv\"\n",
        ..Setup::default()
    };
    let mut proxied = setup.start();
    let mut client = raw(&proxied);
    assert!(client.query("DO 1").is_ok());
    assert_eq!(client.query("DO nothing").error(), Some(1054));
    assert!(client.query("SET PASSWORD = PASSWORD('secret')").is_ok());
    // Longer than what is looked into for a KILL.
    let long = format!("DO '{}'", "x".repeat(20_000));
    assert!(client.query(&long).is_ok());
    let ok = client.ask(PREPARE, b"DO 2");
    assert!(ok.is_ok(), "{}", ok.text());
    let execute = [&ok.body[1..5], &[0, 1, 0, 0, 0]].concat();
    assert!(client.ask(EXECUTE, &execute).is_ok());

    let long = &long[..4096];
    let id = only_session(&mut proxied);
    let queries = "SELECT command, statement, server, outcome FROM queries ORDER BY position DESC";
    let expected = [
        "COM_QUERY|DO 1|db1|ok".to_owned(),
        "COM_QUERY|DO nothing|db1|error".to_owned(),
        "COM_QUERY|SET PASSWORD = PASSWORD('***')|db1|ok".to_owned(),
        format!("COM_QUERY|{long}|db1|ok"),
        "COM_STMT_EXECUTE|DO 2|db1|ok".to_owned(),
    ];
    proxied.comes_to(queries, &expected.join("\n"));

    let file = proxied.program.dir.path().join("queries.csv");
    let lines = eventually(|| logged(&file), |lines| lines.len() == expected.len());
    let texts: Vec<_> = lines.iter().map(|line| &*line[7]).collect();
    assert_eq!(
        texts,
        [
            "DO 1",
            "DO nothing",
            "SET PASSWORD = PASSWORD('***')",
            long,
            "DO 2"
        ]
    );
    assert!(lines.iter().all(|line| line[1] == id), "{lines:?}");
}
