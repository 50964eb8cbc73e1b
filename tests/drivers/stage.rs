//! The program and a real server with the same tables and the same rows, and the comparison of what clients are told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::postgres::PASSWORD;
use crate::support::program::{Psql, Said, finish, finish_within};
use crate::support::twin::{Pair, USER};

/// How long a script may take: a loaded machine imports some of the drivers for half a minute.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(300);

/// What the program answers otherwise: lines of scripts, below the reason.
const DIFFERENCES: &str = include_str!("differences.txt");

/// The users of the sessions that are known to the scripts.
const KNOWN: [&str; 3] = ["alice", "bob", "carol"];

/// Where the sources of a language's scripts are.
pub fn source(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/drivers")
        .join(language)
}

/// Where `tests/run` has put the clients of a language.
pub fn client_dir(language: &str) -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = from("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| {
        let home = from("HOME")?;
        Some(PathBuf::from(home).join(".cache"))
    });
    let cache = cache.unwrap_or_else(|| "/tmp/.cache".into());
    let dir = cache.join("rollcall/clients").join(language);
    assert!(
        dir.exists(),
        "the clients for {language} are not installed: run tests/run"
    );
    dir
}

/// Both of them, with sessions that stay.
pub struct Stage {
    pub pair: Pair,
    _known: Vec<Psql>,
}

impl Stage {
    pub fn start() -> Self {
        let pair = Pair::start("");
        let connect = |user: &&str| {
            let mut command = pair.ours.psql_command(user);
            let mut psql = Psql::spawn(&pair.ours, command.env("PGAPPNAME", "known"));
            assert_eq!(psql.ask("SELECT 'connected';"), "connected");
            psql
        };
        let known = KNOWN.iter().map(connect).collect();
        let stage = Self {
            pair,
            _known: known,
        };
        stage.copy_rows();
        stage
    }

    /// Gives the real server the known sessions and what they refer to. From then on it only reads, too.
    fn copy_rows(&self) {
        for (table, rows) in [
            ("services", "services"),
            ("listeners", "listeners"),
            (
                "sessions",
                "(SELECT * FROM sessions WHERE application_name = 'known')",
            ),
        ] {
            let file = self.pair.ours.dir.path().join(format!("{table}.rows"));
            let copied = format!("\\copy {rows} TO '{}'", file.display());
            run(self.pair.ask_ours().args(["-c", &copied]));
            let copied = format!("\\copy {table} FROM '{}'", file.display());
            run(self.pair.ask_theirs().args(["-c", &copied]));
        }
        let only_read = "ALTER DATABASE rollcall SET default_transaction_read_only = on";
        run(self.pair.ask_theirs().args(["-c", only_read]));
    }

    /// Runs a script against both, and compares what it prints. The command is told the port, as is its environment.
    pub fn compare(&self, script: &str, command: impl Fn(u16) -> Command) {
        let printed = |port: u16| -> Vec<String> {
            let mut command = command(port);
            command
                .env("PGHOST", "127.0.0.1")
                .env("PGPORT", port.to_string())
                .env("PGUSER", USER)
                .env("PGPASSWORD", PASSWORD)
                .env("PGDATABASE", "rollcall")
                .env("TZ", "UTC")
                .env("LC_ALL", "C.UTF-8");
            let said: Said = finish_within(SCRIPT_PATIENCE, &mut command).into();
            assert!(
                said.ok,
                "{script} against port {port}:\n{}\n{}",
                said.out, said.err
            );
            said.out.lines().map(str::to_owned).collect()
        };
        let (ours, theirs) = (
            printed(self.pair.ours.sql.port()),
            printed(self.pair.theirs.port),
        );
        assert_eq!(
            ours.len(),
            theirs.len(),
            "{script} was told of other things:\n{ours:#?}\n{theirs:#?}"
        );
        assert!(ours.len() > 3, "{script} prints nothing");
        let differs = ours
            .iter()
            .zip(&theirs)
            .filter(|(ours, theirs)| ours != theirs);
        let differs: Vec<(&String, &String)> = differs.collect();
        let listed = listed(script);
        let found: BTreeSet<&str> = differs.iter().map(|(ours, _)| ours.as_str()).collect();
        let news: Vec<String> = differs
            .iter()
            .filter(|(ours, _)| !listed.contains(ours.as_str()))
            .map(|(ours, theirs)| format!("- {theirs}\n+ {ours}"))
            .collect();
        assert!(news.is_empty(), "{script}:\n{}", news.join("\n"));
        let gone: Vec<&&str> = listed.difference(&found).collect();
        assert!(
            gone.is_empty(),
            "{script}: no difference any more: {gone:#?}"
        );
    }
}

/// The lines that differ in a script. Those of a script stand below `[script]`, reasons begin with `#`.
fn listed(script: &str) -> BTreeSet<&'static str> {
    let mut current = "";
    let mut lines = BTreeSet::new();
    for line in DIFFERENCES.lines() {
        match line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            Some(name) => current = name,
            None if line.is_empty() || line.starts_with('#') => {}
            None if current == script => drop(lines.insert(line)),
            None => {}
        }
    }
    lines
}

fn run(command: &mut Command) {
    let said: Said = finish(command.args(["-v", "ON_ERROR_STOP=1"])).into();
    assert!(said.ok, "{command:?}: {}", said.err);
}
