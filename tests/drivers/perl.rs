//! Perl's driver.

use std::process::Command;

use super::stage::{Stage, source};

#[test]
fn perl_finds_what_it_finds_in_postgresql() {
    Stage::start().compare("dbd_pg.pl", |_| {
        let mut command = Command::new("/usr/bin/perl");
        command.arg(source("perl").join("dbd_pg.pl"));
        command
    });
}
