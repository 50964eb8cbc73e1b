//! pgjdbc, by which DBeaver, Metabase and Tableau connect.

use std::process::Command;

use super::stage::{Stage, source};

/// Where Debian puts the driver.
const JAR: &str = "/usr/share/java/postgresql.jar";

#[test]
fn java_finds_what_it_finds_in_postgresql() {
    let stage = Stage::start();
    stage.compare("Pgjdbc.java", |_| {
        let mut command = Command::new("java");
        command
            .args(["-XX:TieredStopAtLevel=1", "-cp", JAR])
            .arg(source("java").join("Pgjdbc.java"));
        command
    });
}
