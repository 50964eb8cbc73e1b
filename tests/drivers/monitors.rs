//! What watches servers: check_postgres, and what pg_activity shows.

use std::process::Command;

use super::python::script;
use super::stage::{Stage, source};

#[test]
fn monitors_are_told_what_postgresql_tells_them() {
    let stage = Stage::start();
    stage.compare("check_postgres.sh", |_| {
        let mut command = Command::new("bash");
        command.arg(source("monitors").join("check_postgres.sh"));
        command
    });
    stage.compare("pg_activity.py", |_| script("pg_activity_client.py"));
}
