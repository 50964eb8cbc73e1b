//! Another PostgreSQL that reads the tables here, by postgres_fdw and by dblink.

use std::process::Command;

use super::stage::{Stage, source};
use crate::support::postgres::{PASSWORD, Postgres, binary};

#[test]
fn postgresql_reads_foreign_tables_as_from_another_postgresql() {
    let stage = Stage::start();
    let between = Postgres::start();
    stage.compare("fdw.sql", |port| {
        let mut command = Command::new(binary("psql"));
        command
            .args(["-X", "-q", "-w", "-U", "postgres", "-d", "postgres", "-h"])
            .arg(between.dir.path())
            .args(["-p", &between.port.to_string()])
            .args(["-v", &format!("port={port}")])
            .args(["-v", &format!("password={PASSWORD}")])
            .arg("-f")
            .arg(source("fdw").join("fdw.sql"));
        command
    });
}
