//! Node's drivers and query builders.

use std::process::Command;

use super::stage::{Stage, client_dir, source};

#[test]
fn node_finds_what_it_finds_in_postgresql() {
    let stage = Stage::start();
    for name in ["clients.js", "orms.js"] {
        stage.compare(name, |_| {
            let mut command = Command::new("node");
            command
                .arg(source("node").join(name))
                .env("NODE_CLIENTS", client_dir("node"));
            command
        });
    }
}
