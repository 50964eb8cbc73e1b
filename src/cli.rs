//! The command line.
//!
//! Exit codes: 0 done, 1 it failed, 2 the command line or the configuration is wrong and nothing was started,
//! 130 and 143 a second SIGINT or SIGTERM did not let it finish.

use std::backtrace::Backtrace;
use std::io::{self, BufRead, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use zeroize::Zeroizing;

use crate::auth::Verifier;
use crate::config::{Config, ConfigError, LogConfig, LogFormat};
use crate::log::LogFilter;
use crate::server::{Outcome, Server};
use crate::session::SessionLogs;

/// A longer line on standard input is not a password, in bytes.
const PASSWORD_BYTES_MAX: u64 = 4096;

const CONFIG_WRONG: u8 = 2;

const ABOUT: &str = "\
Shows a database proxy's live sessions as SQL tables and as REST resources.

Whoever is connected is a row. PostgreSQL clients read the rows over the PostgreSQL wire protocol, HTTP clients \
as JSON:API documents; both doors read the same tables. A client of the SQL door is itself a session, so the \
first row you see is your own.";

const EXAMPLES: &str = "\
Without a configuration file:
  SQL on 127.0.0.1:5433, REST on 127.0.0.1:8989, no users: clients on this
  machine only, under any name, as admin.

Examples:
  rollcall
      Start with the defaults; Ctrl-C ends it.
  psql -h 127.0.0.1 -p 5433 -c 'select id, \"user\", remote, idle from sessions'
      The live sessions, this psql among them.
  curl http://127.0.0.1:8989/v1/sessions
      The same sessions as JSON.
  rollcall hash-password
      Make the password of a [users.NAME] section.
  rollcall check rollcall.toml && rollcall --config rollcall.toml
      Check a configuration, then start with it.

A configuration file has these sections, all optional:
  [sql]         listen, tls = { cert, key }
  [rest]        listen, tls = { cert, key }, hosts
  [users.NAME]  password (from hash-password), role (\"admin\" or \"basic\")
  [servers.NAME], [services.NAME], [listeners.NAME]
                database servers, and where their clients connect
  [limits]      sql_connections_max, rest_connections_max,
                rest_idle_timeout_s, query_memory_mib_max,
                statement_timeout_ms, idle_timeout_s,
                authentication_timeout_s, frame_mib_max, drain_timeout_s,
                rdns_timeout_ms
  [log]         level, format (\"text\" or \"json\")
A door on an address other than loopback needs at least one user.

Signals:
  SIGINT, SIGTERM   accept no more, let running statements finish, exit 0;
                    a second one exits at once
  SIGHUP            read users and certificates again";

#[derive(Parser)]
#[command(
    name = "rollcall",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    max_term_width = 110
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Args)]
struct ServeArgs {
    /// The configuration file (TOML); without one the built-in defaults apply
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve both doors until a signal (the default)
    Serve(ServeArgs),
    /// Check a configuration file, with the certificates and keys that it names, and start nothing
    Check {
        /// The configuration file (TOML)
        file: PathBuf,
    },
    /// Read a password and print its SCRAM-SHA-256 verifier, in PostgreSQL's format
    ///
    /// On a terminal the password is asked for twice and not shown; otherwise it is the first line of standard
    /// input.
    HashPassword,
}

/// Runs the program with the arguments of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(arguments) => serve(arguments.config),
        Command::Check { file } => check(&file),
        Command::HashPassword => hash_password(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("rollcall: {error:#}");
        ExitCode::FAILURE
    })
}

fn serve(file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let config = match &file {
        Some(path) => match Config::load(path) {
            Ok(config) => config,
            Err(error) => return Ok(report(&error)),
        },
        None => Config::default(),
    };
    let logs = Arc::new(SessionLogs::default());
    start_log(&config.log, &logs)?;
    let server = Server::bind(config, file, logs)?;
    match server.run(&mut io::stdout())? {
        Outcome::Drained => Ok(ExitCode::SUCCESS),
        // At once means without the destructors of whatever is still running.
        Outcome::Forced { code } => std::process::exit(code),
    }
}

fn check(file: &Path) -> anyhow::Result<ExitCode> {
    if let Err(error) = Config::load(file) {
        return Ok(report(&error));
    }
    writeln!(io::stdout(), "{}: ok", file.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Configuration errors go out as they are, one `FILE:LINE: KEY: …` a line, which editors can jump to.
fn report(error: &ConfigError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(CONFIG_WRONG)
}

fn hash_password() -> anyhow::Result<ExitCode> {
    let password = if io::stdin().is_terminal() {
        ask_password()?
    } else {
        read_password(io::stdin().lock())?
    };
    ensure!(!password.is_empty(), "the password is empty");
    writeln!(io::stdout(), "{}", Verifier::generate(&password))?;
    Ok(ExitCode::SUCCESS)
}

fn ask_password() -> anyhow::Result<Zeroizing<String>> {
    let ask = |prompt| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .context("cannot read the password")
    };
    let password = ask("Password: ")?;
    if ask("Again: ")? != password {
        bail!("the two passwords differ");
    }
    Ok(password)
}

fn read_password(input: impl BufRead) -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    input
        .take(PASSWORD_BYTES_MAX + 1)
        .read_line(&mut line)
        .context("cannot read the password")?;
    ensure!(
        line.len() as u64 <= PASSWORD_BYTES_MAX,
        "the password is longer than {PASSWORD_BYTES_MAX} bytes"
    );
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    Ok(Zeroizing::new(password.to_owned()))
}

fn start_log(config: &LogConfig, sessions: &Arc<SessionLogs>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.level).context("log.level")?;
    let filter = LogFilter::new(filter, Arc::clone(sessions));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let log = tracing_subscriber::registry();
    let started = match config.format {
        LogFormat::Text => log.with(lines.with_filter(filter)).try_init(),
        LogFormat::Json => log.with(lines.json().with_filter(filter)).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Writes a panic to the log with the way to its place: whoever catches it knows only that there was one.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::force_capture();
    let place = panic.location().map(ToString::to_string);
    let thread = std::thread::current();
    tracing::error!(
        thread = thread.name(),
        place,
        %backtrace,
        "a panic: {}",
        panic.payload_as_str().unwrap_or("unknown")
    );
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_defined() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        for (input, password) in [
            ("secret\n", "secret"),
            ("secret\r\nmore\n", "secret"),
            (" two words ", " two words "),
            ("", ""),
        ] {
            let read = read_password(input.as_bytes()).expect("a line");
            assert_eq!(*read, password, "{input:?}");
        }
        assert!(read_password(&b"\xff\n"[..]).is_err());
        assert!(read_password("x".repeat(5000).as_bytes()).is_err());
    }
}
