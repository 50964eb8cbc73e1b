//! Real MariaDB servers, each started for one test in a directory of its own.

use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

use super::postgres::{Identity, free_port};
use super::program::{PATIENCE, Said, eventually, finish, lines};

/// The password of everybody but `trusted` and `idle`, who have none.
pub const PASSWORD: &str = "secret";

/// One statement a line, run at each start. `root` comes in without a password, over the server's UNIX socket only.
const USERS: &str = "\
CREATE DATABASE IF NOT EXISTS app;
CREATE DATABASE IF NOT EXISTS other;
CREATE USER IF NOT EXISTS app IDENTIFIED BY 'secret';
CREATE USER IF NOT EXISTS ann IDENTIFIED BY 'secret';
CREATE USER IF NOT EXISTS bob IDENTIFIED BY 'secret';
CREATE USER IF NOT EXISTS ed IDENTIFIED VIA ed25519 USING PASSWORD('secret');
CREATE USER IF NOT EXISTS monitor IDENTIFIED BY 'secret';
CREATE USER IF NOT EXISTS trusted, idle;
GRANT ALL ON app.* TO app, ann, bob, ed, trusted, idle, monitor;
GRANT ALL ON other.* TO app, ann, bob, ed, trusted, idle;
GRANT PROCESS, FILE ON *.* TO app;
GRANT CONNECTION ADMIN, SLAVE MONITOR ON *.* TO monitor;
";

/// What does not depend on the test.
const SETTINGS: [&str; 11] = [
    "--no-defaults",
    "--bind-address=0.0.0.0",
    "--innodb-buffer-pool-size=8M",
    "--innodb-log-file-size=4M",
    "--innodb-flush-log-at-trx-commit=0",
    "--plugin-load-add=auth_ed25519",
    "--lc-messages=en_US",
    "--default-time-zone=+00:00",
    "--log-warnings=2",
    "--local-infile=1",
    "--max-allowed-packet=64M",
];

/// What a test wants of its server.
#[derive(Default)]
pub struct Wanted {
    /// Shown to clients that ask for TLS; without, there is none.
    pub identity: Option<Identity>,
    /// Further options.
    pub options: Vec<String>,
}

/// A server, which ends with the test.
pub struct MariaDb {
    child: Option<Child>,
    pub port: u16,
    pub dir: tempfile::TempDir,
    options: Vec<String>,
}

impl MariaDb {
    pub fn start() -> Self {
        Self::wanted(Wanted::default())
    }

    pub fn with_options(options: &[&str]) -> Self {
        Self::wanted(Wanted {
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            ..Wanted::default()
        })
    }

    pub fn wanted(wanted: Wanted) -> Self {
        let dir = home();
        let copied = finish(
            Command::new("cp")
                .arg("-a")
                .arg(template())
                .arg(dir.path().join("data")),
        );
        assert!(copied.status.success(), "{copied:?}");
        std::fs::write(dir.path().join("users.sql"), USERS).expect("a writable directory");
        let mut options = wanted.options;
        if let Some(identity) = &wanted.identity {
            identity.write(dir.path(), "server");
            for file in ["server.crt", "server.key"] {
                give_away(&dir.path().join(file));
            }
            let path = |file: &str| dir.path().join(file).display().to_string();
            options.push(format!("--ssl-cert={}", path("server.crt")));
            options.push(format!("--ssl-key={}", path("server.key")));
        }
        let mut server = Self {
            child: None,
            port: 0,
            dir,
            options,
        };
        // Between the look for a free port and its use somebody else may take it.
        let served = (0..5).any(|_| {
            server.port = free_port();
            server.serves()
        });
        assert!(served, "{}", server.log());
        server
    }

    /// Starts it again on its data, after it has ended.
    pub fn restart(&mut self) {
        assert!(self.serves(), "{}", self.log());
    }

    fn path(&self, file: &str) -> String {
        self.dir.path().join(file).display().to_string()
    }

    /// Starts it; whether it then takes connections.
    fn serves(&mut self) -> bool {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .expect("a log");
        let _ = std::fs::remove_file(self.path("socket"));
        let child = as_owner("/usr/sbin/mariadbd")
            .args(SETTINGS)
            .arg(format!("--datadir={}", self.path("data")))
            .arg(format!("--socket={}", self.path("socket")))
            .arg(format!("--pid-file={}", self.path("pid")))
            .arg(format!("--init-file={}", self.path("users.sql")))
            .arg(format!("--port={}", self.port))
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        self.child = Some(child);
        let mut gone = false;
        eventually(
            || {
                let child = self.child.as_mut().expect("started");
                gone = child.try_wait().expect("a status").is_some();
                gone || self.greets()
            },
            |over| *over,
        );
        !gone
    }

    fn greets(&self) -> bool {
        UnixStream::connect(self.path("socket"))
            .and_then(|mut socket| socket.read(&mut [0]))
            .is_ok_and(|read| read > 0)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The `[servers.NAME]` lines that lead here.
    pub fn section(&self, name: &str) -> String {
        format!(
            "[servers.{name}]\nprotocol = \"mariadb\"\naddress = \"127.0.0.1:{}\"\n",
            self.port
        )
    }

    /// Asks it as its owner, past the proxy: a line for each row, with tabs between the values.
    pub fn ask(&self, sql: &str) -> String {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-N", "-B", "-r", "-u", "root", "-S"]);
        let said: Said = finish(command.args([&self.path("socket"), "-e", sql])).into();
        assert!(said.ok, "{sql}: {}", said.err);
        said.out
    }

    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("started");
        kill(Pid::from_raw(child.id() as i32), signal).expect("it runs");
    }

    /// Ends it with no time for a word.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("started");
        let _ = child.kill();
        child.wait().expect("an end");
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the log of the server at {}:\n{}", self.port, self.log());
        }
    }
}

/// One of MariaDB's clients, who would talk to this port as `app`.
pub fn client(name: &str, port: u16) -> Command {
    let mut command = Command::new(name);
    command
        .args(["--no-defaults", "-h", "127.0.0.1", "-u", "app", "-P"])
        .arg(port.to_string())
        .env("MYSQL_PWD", PASSWORD)
        .env("LC_ALL", "C.UTF-8");
    command
}

/// How `mariadb` answers scripts.
pub const QUIET: [&str; 4] = ["-N", "-B", "-r", "-n"];

/// A `mariadb` that stays connected and is typed into.
pub struct Shell {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Shell {
    /// Connects with a command that was prepared with more.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .args(QUIET)
            .arg("--force")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mariadb starts");
        Self {
            out: lines(child.stdout.take().expect("piped")),
            err: lines(child.stderr.take().expect("piped")),
            stdin: child.stdin.take(),
            child,
        }
    }

    pub fn type_in(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("connected");
        writeln!(stdin, "{text}").expect("mariadb reads");
        stdin.flush().expect("mariadb reads");
    }

    /// Types a statement and returns what is printed until its end.
    pub fn ask(&mut self, text: &str) -> String {
        self.type_in(text);
        self.type_in("SELECT '-- end --';");
        let mut printed = Vec::new();
        loop {
            let line = self.next_line().expect("an answer");
            if line == "-- end --" {
                return printed.join("\n");
            }
            printed.push(line);
        }
    }

    /// The next line that it prints; `None` when it has ended.
    pub fn next_line(&self) -> Option<String> {
        next_of(&self.out)
    }

    /// The next error that it complains of, without the statement before it; `None` when it has ended.
    pub fn complaint(&self) -> Option<String> {
        loop {
            let line = next_of(&self.err)?;
            if line.starts_with("ERROR") {
                return Some(line);
            }
        }
    }

    pub fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it runs");
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends the input and waits for it to go.
    pub fn quit(mut self) {
        drop(self.stdin.take());
        eventually(|| self.child.try_wait().expect("a status"), Option::is_some);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.kill();
    }
}

fn next_of(lines: &Receiver<String>) -> Option<String> {
    match lines.recv_timeout(PATIENCE) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("mariadb says nothing"),
    }
}

/// The user that a server runs as where this is root, which it refuses.
const OWNER: &str = "mysql";

/// A command that runs as the servers' owner and ends with whoever started it.
fn as_owner(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if geteuid().is_root() {
        command.args(["--reuid", OWNER, "--regid", OWNER, "--init-groups"]);
    }
    command
        .arg("--")
        .arg(program)
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/");
    command
}

/// Makes the servers' owner the owner of this.
fn give_away(path: &Path) {
    if geteuid().is_root() {
        let owner = User::from_name(OWNER)
            .expect("users")
            .expect("its package makes it");
        let (uid, gid) = (owner.uid.as_raw(), owner.gid.as_raw());
        chown(path, Some(uid), Some(gid)).expect("root");
    }
}

/// A directory that belongs to the servers' owner, and that everybody may look into.
fn home() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).expect("its owner");
    give_away(dir.path());
    dir
}

/// A data directory that has not been started, made at the first need and kept beside the built programs.
fn template() -> PathBuf {
    let version: Said = finish(Command::new("/usr/sbin/mariadbd").arg("--version")).into();
    let version = version
        .out
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mariadb-{version}"));
    if kept.exists() {
        return kept;
    }
    let dir = home();
    let data = dir.path().join("data");
    let made: Said = finish(
        as_owner("mariadb-install-db")
            .args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"])
            .args([
                "--auth-root-authentication-method=normal",
                "--innodb-log-file-size=4M",
            ])
            .arg(format!("--datadir={}", data.display())),
    )
    .into();
    assert!(made.ok, "{}", made.err);
    // Whoever comes first wins; what the others made is the same.
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join(dir.path().file_name().expect("a name"));
    let copied: Said = finish(Command::new("cp").arg("-a").arg(&data).arg(&own)).into();
    assert!(copied.ok, "{}", copied.err);
    if std::fs::rename(&own, &kept).is_err() {
        std::fs::remove_dir_all(&own).expect("its own");
    }
    kept
}
