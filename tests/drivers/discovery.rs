//! What tools ask of the system catalogs by SQL before anything else, for those that cannot be run here.

use std::process::Command;

use super::stage::{Stage, source};
use crate::support::postgres::binary;

#[test]
fn tools_discover_what_they_discover_in_postgresql() {
    let stage = Stage::start();
    for name in ["npgsql.sql", "metabase.sql", "grafana.sql"] {
        stage.compare(name, |_| {
            let mut command = Command::new(binary("psql"));
            command
                .args(["-X", "-q", "-w", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f"])
                .arg(source("discovery").join(name));
            command
        });
    }
}
