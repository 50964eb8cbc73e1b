//! What psql shows of the catalog, beside what it shows of a real PostgreSQL with the same tables.

mod commands;
mod completion;
mod differences;
mod nulls;
mod statements;

pub use crate::support::twin::Pair;

/// What psql is asked, one script each.
const COMMANDS: &str = include_str!("commands.txt");

/// All scripts. A line that begins with a space belongs to the script above it.
pub fn commands() -> Vec<String> {
    let mut scripts: Vec<String> = Vec::new();
    for line in COMMANDS.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix(' '), scripts.last_mut()) {
            (Some(more), Some(script)) => {
                script.push('\n');
                script.push_str(more.trim_start());
            }
            _ => scripts.push(line.to_owned()),
        }
    }
    scripts
}
