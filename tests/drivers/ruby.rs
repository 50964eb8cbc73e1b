//! Ruby on Rails' way to databases.

use std::process::Command;

use super::stage::{Stage, source};

#[test]
fn ruby_finds_what_it_finds_in_postgresql() {
    Stage::start().compare("active_record.rb", |_| {
        let mut command = Command::new("/usr/bin/ruby");
        command.arg(source("ruby").join("active_record.rb"));
        command
    });
}
