//! Python's drivers, what stands on them, and ODBC, which Python calls here.

use std::process::Command;

use super::stage::{Stage, client_dir, source};

/// The interpreter of the environment that `tests/run` makes, with a script.
pub(super) fn script(name: &str) -> Command {
    let mut command = Command::new(client_dir("python").join("bin/python"));
    command
        .arg(source("python").join(name))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

#[test]
fn python_finds_what_it_finds_in_postgresql() {
    let stage = Stage::start();
    for name in [
        "psycopg3.py",
        "psycopg2_client.py",
        "asyncpg_client.py",
        "sqlalchemy_client.py",
        "frames.py",
        "pgcli_client.py",
    ] {
        stage.compare(name, |_| script(name));
    }
}

#[test]
fn programs_written_from_tables_are_those_written_from_postgresql() {
    let stage = Stage::start();
    for name in ["django_client.py", "introspection.py"] {
        stage.compare(name, |_| script(name));
    }
}

#[test]
fn odbc_finds_what_it_finds_in_postgresql() {
    Stage::start().compare("odbc.py", |_| script("odbc.py"));
}
