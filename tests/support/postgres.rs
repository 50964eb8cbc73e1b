//! Real PostgreSQL servers, each started for one test in a directory of its own.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

use super::program::{Said, eventually, finish};

/// Everybody's password.
pub const PASSWORD: &str = "secret";

/// Who may log in, how, and the same for everybody: `trusted` without a word, `clear` and `md5` by the older
/// exchanges, anybody else by SCRAM. The superuser `postgres` owns the server; over its UNIX socket it is believed.
const ACCESS: &str = "\
local all all trust
local replication all trust
host all trusted 127.0.0.1/32 trust
host all clear 127.0.0.1/32 password
host all md5 127.0.0.1/32 md5
host all all 127.0.0.1/32 scram-sha-256
";

/// Run once, when the template is made.
const USERS: &str = "\
CREATE ROLE app LOGIN PASSWORD 'secret';
CREATE ROLE ann LOGIN PASSWORD 'secret';
CREATE ROLE bob LOGIN PASSWORD 'secret';
CREATE ROLE clear LOGIN PASSWORD 'secret';
CREATE ROLE trusted LOGIN SUPERUSER;
CREATE ROLE monitor LOGIN PASSWORD 'secret';
CREATE DATABASE app OWNER app;
SET password_encryption = 'md5';
CREATE ROLE md5 LOGIN PASSWORD 'secret';
";

/// What does not depend on the test. Nothing is to happen in a server by itself, so that two of them that are asked
/// the same answer the same.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
autovacuum = off
fsync = off
full_page_writes = off
synchronous_commit = off
shared_buffers = 16MB
max_prepared_transactions = 8
max_wal_size = 512MB
log_line_prefix = '%m [%p] %u@%d '
lc_messages = 'C'
timezone = 'UTC'
";

/// A certificate and its key, both in PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Identity {
    /// One that vouches for itself, for whoever connects to this machine by name or address.
    pub fn new() -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    /// Writes `NAME.crt` and `NAME.key`.
    pub fn write(&self, dir: &Path, name: &str) {
        let certificate = dir.join(format!("{name}.crt"));
        std::fs::write(certificate, &self.certificate).expect("a writable directory");
        let key = dir.join(format!("{name}.key"));
        std::fs::write(&key, &self.key).expect("a writable directory");
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("its owner");
    }
}

/// What a test wants of its server.
#[derive(Default)]
pub struct Wanted {
    /// Shown to clients that ask for TLS; without, there is none.
    pub identity: Option<Identity>,
    /// Further lines of the configuration.
    pub settings: String,
}

/// A server, which ends with the test.
pub struct Postgres {
    child: Option<Child>,
    pub port: u16,
    pub dir: tempfile::TempDir,
    settings: String,
}

impl Postgres {
    pub fn start() -> Self {
        Self::wanted(Wanted::default())
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
        let mut settings = wanted.settings;
        if let Some(identity) = &wanted.identity {
            identity.write(dir.path(), "server");
            for file in ["server.crt", "server.key"] {
                give_away(&dir.path().join(file));
            }
            settings.push_str("\nssl = on\nssl_cert_file = '../server.crt'\n");
            settings.push_str("ssl_key_file = '../server.key'\n");
        }
        Self::launch(dir, settings)
    }

    /// A second server that follows this one.
    pub fn replica(&self) -> Self {
        let dir = home();
        let mut command = as_owner(&binary("pg_basebackup"));
        command
            .arg("-h")
            .arg(self.dir.path())
            .args(["-p", &self.port.to_string(), "-U", "postgres"])
            .arg("-D")
            .arg(dir.path().join("data"))
            .args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        let said: Said = finish(&mut command).into();
        assert!(said.ok, "{}", said.err);
        Self::launch(dir, self.settings.clone())
    }

    fn launch(dir: tempfile::TempDir, settings: String) -> Self {
        let mut server = Self {
            child: None,
            port: 0,
            dir,
            settings,
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

    /// Starts it; whether it then takes connections.
    fn serves(&mut self) -> bool {
        let data = self.dir.path().join("data");
        let settings = format!(
            "{SETTINGS}port = {}\nunix_socket_directories = '{}'\n{}\n",
            self.port,
            self.dir.path().display(),
            self.settings
        );
        std::fs::write(data.join("postgresql.conf"), settings).expect("a data directory");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .expect("a log");
        let child = as_owner(&binary("postgres"))
            .arg("-D")
            .arg(&data)
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
                gone || self.is_ready()
            },
            |over| *over,
        );
        !gone
    }

    /// What the postmaster says of itself in its file.
    fn is_ready(&self) -> bool {
        let path = self.dir.path().join("data/postmaster.pid");
        let said = std::fs::read_to_string(path).unwrap_or_default();
        let state = said.lines().nth(7).unwrap_or_default().trim();
        let own = said.lines().next().and_then(|pid| pid.trim().parse().ok());
        matches!(state, "ready" | "standby") && own == self.child.as_ref().map(Child::id)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The `[servers.NAME]` lines that lead here.
    pub fn section(&self, name: &str) -> String {
        format!("[servers.{name}]\naddress = \"127.0.0.1:{}\"\n", self.port)
    }

    /// Asks it as its owner, past the proxy, in the database `postgres`.
    pub fn ask(&self, sql: &str) -> String {
        let host = self.dir.path().to_string_lossy().into_owned();
        let mut command = client("psql", &host, self.port);
        command
            .env("PGUSER", "postgres")
            .env("PGDATABASE", "postgres");
        let said: Said = finish(command.args(QUIET).args(["-c", sql])).into();
        assert!(said.ok, "{sql}: {}", said.err);
        said.out
    }

    /// Stops it where it is, with everything that it has started: it holds its connections and says nothing.
    pub fn freeze(&self) {
        let child = self.child.as_ref().expect("started");
        let postmaster = child.id() as i32;
        kill(Pid::from_raw(postmaster), Signal::SIGSTOP).expect("it runs");
        self.signal_children(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal_children(Signal::SIGCONT);
        let child = self.child.as_ref().expect("started");
        kill(Pid::from_raw(child.id() as i32), Signal::SIGCONT).expect("it runs");
    }

    fn signal_children(&self, signal: Signal) {
        let child = self.child.as_ref().expect("started");
        for pid in children(child.id()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Kills the postmaster and everything that it has started, with no time for a word.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("started");
        let family = children(child.id());
        let _ = child.kill();
        for pid in family {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            eventually(|| Path::new(&format!("/proc/{pid}")).exists(), |left| !left);
        }
        child.wait().expect("an end");
        let _ = std::fs::remove_file(self.dir.path().join("data/postmaster.pid"));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let pid = Pid::from_raw(child.id() as i32);
            // They may have been stopped.
            for stopped in children(child.id()) {
                let _ = kill(Pid::from_raw(stopped), Signal::SIGCONT);
            }
            let _ = kill(pid, Signal::SIGCONT);
            let _ = kill(pid, Signal::SIGQUIT);
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the log of the server at {}:\n{}", self.port, self.log());
        }
    }
}

/// How psql answers scripts.
pub const QUIET: [&str; 9] = [
    "-X",
    "-A",
    "-t",
    "-q",
    "-w",
    "-v",
    "ON_ERROR_STOP=1",
    "-v",
    "VERBOSITY=verbose",
];

/// One of PostgreSQL's clients, who would talk to this address as `app`.
pub fn client(name: &str, host: &str, port: u16) -> Command {
    let mut command = Command::new(binary(name));
    command
        .env("PGHOST", host)
        .env("PGPORT", port.to_string())
        .env("PGUSER", "app")
        .env("PGPASSWORD", PASSWORD)
        .env("PGDATABASE", "app")
        .env("PGCONNECT_TIMEOUT", "30")
        .env("LC_ALL", "C.UTF-8");
    command
}

/// The newest installed program of that name. Debian keeps the server's outside of the search path.
pub fn binary(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let number = |path: &PathBuf| -> u32 {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().parse().unwrap_or(0)
    };
    versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|version| version.join("bin").join(name).exists())
        .max_by_key(number)
        .map_or_else(|| name.into(), |found| found.join("bin").join(name))
}

/// The user that a server runs as where this is root, which it refuses.
const OWNER: &str = "postgres";

/// A command that runs as the servers' owner and ends with whoever started it.
fn as_owner(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
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
        let owner = User::from_name(OWNER).expect("a list of users");
        let owner = owner.expect("the user of Debian's postgresql package");
        let (uid, gid) = (owner.uid.as_raw(), owner.gid.as_raw());
        chown(path, Some(uid), Some(gid)).expect("root may");
    }
}

/// A directory for a server.
fn home() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    give_away(dir.path());
    dir
}

/// A data directory that has not been started, made at the first need and kept beside the built programs: copying
/// it takes a tenth of the time that it takes to make.
fn template() -> PathBuf {
    let server = binary("postgres");
    let version: Said = finish(Command::new(&server).arg("--version")).into();
    let recipe = format!("{}{ACCESS}{USERS}", version.out);
    let name = format!("postgres-{:016x}", fingerprint(&recipe));
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if kept.exists() {
        return kept;
    }
    let dir = home();
    let data = dir.path().join("data");
    let made: Said = finish(
        as_owner(&binary("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"])
            .args(["--locale=C.UTF-8", "--wal-segsize=4"]),
    )
    .into();
    assert!(made.ok, "{}", made.err);
    std::fs::write(data.join("pg_hba.conf"), ACCESS).expect("a data directory");
    let users = dir.path().join("users.sql");
    std::fs::write(&users, USERS).expect("a directory");
    let script = std::fs::File::open(&users).expect("a file");
    let made = as_owner(&server)
        .args(["--single", "-D"])
        .arg(&data)
        .arg("postgres")
        .stdin(script)
        .stdout(Stdio::null())
        .status();
    assert!(made.expect("it starts").success());
    // Whoever comes first wins; what the others made is the same.
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join(dir.path().file_name().expect("a name"));
    let copied: Said = finish(Command::new("cp").arg("-a").arg(&data).arg(&own)).into();
    assert!(copied.ok, "{}", copied.err);
    if std::fs::rename(&own, &kept).is_err() {
        std::fs::remove_dir_all(&own).expect("its own");
    }
    kept
}

/// The same for the same text in every run.
fn fingerprint(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The processes that this one has started and that are still there.
fn children(pid: u32) -> Vec<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
