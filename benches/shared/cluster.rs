//! PostgreSQL in a cluster of its own: in a temporary directory, ended with the value.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use super::wire::Client;

/// Where Debian's packages, and others after them, put the programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The user and the database of clients.
pub const SUPERUSER: &str = "bench";
pub const DATABASE: &str = "postgres";
/// How long it may take to start and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Cluster {
    /// Its version, `15.4`.
    pub version: String,
    /// Where it listens.
    pub address: SocketAddr,
    server: Child,
    _directory: tempfile::TempDir,
}

impl Cluster {
    /// Starts a server on a free port of the loopback interface, with these settings; it trusts all its clients.
    ///
    /// # Errors
    /// When there is none on this machine, or it does not come up.
    pub fn start(settings: &[&str]) -> Result<Self> {
        let programs =
            programs().context("PostgreSQL 15 not found (apt-get install postgresql): skipped")?;
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        let account = account()?;
        if let Some((user, group)) = account {
            chown(directory.path(), Some(user), Some(group))?;
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            // It refuses to run as root.
            if let Some((user, group)) = account {
                command.uid(user).gid(group);
            }
            command.current_dir(directory.path()).stdin(Stdio::null());
            command
        };
        let version = command("postgres").arg("--version").output()?.stdout;
        let version = String::from_utf8_lossy(&version);
        let version = version.split_whitespace().nth(2).unwrap_or("?").to_owned();
        let made = command("initdb")
            .args(["-N", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"])
            .args(["-U", SUPERUSER, "-D"])
            .arg(&data)
            .output()?;
        ensure!(
            made.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&made.stderr).trim()
        );
        let address = free_address()?;
        let mut start = command("postgres");
        start.arg("-D").arg(&data);
        start.args(["-h", "127.0.0.1", "-p", &address.port().to_string()]);
        start.args(["-c", "unix_socket_directories="]);
        for setting in settings {
            start.args(["-c", setting]);
        }
        let log = directory.path().join("log");
        let server = start
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut cluster = Self {
            version,
            address,
            server,
            _directory: directory,
        };
        cluster.wait_until_up(&log)?;
        Ok(cluster)
    }

    /// What to call it in a table.
    pub fn name(&self) -> String {
        format!("PostgreSQL {}", self.version)
    }

    /// A new connection.
    pub fn client(&self) -> Result<Client> {
        Client::connect(self.address, SUPERUSER, DATABASE)
    }

    /// The process that makes the others.
    pub fn process(&self) -> Pid {
        Pid::from_raw(self.server.id() as i32)
    }

    fn wait_until_up(&mut self, log: &Path) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.server.try_wait()?;
            if ended.is_none() && self.client().is_ok() {
                return Ok(());
            }
            if ended.is_some() || Instant::now() > deadline {
                let mut said = String::new();
                File::open(log)?.read_to_string(&mut said)?;
                bail!("PostgreSQL does not start: {}", said.trim());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let process = self.process();
        // A fast shutdown first: it leaves no shared memory behind.
        let _ = kill(process, Signal::SIGINT);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.server.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                _ => return,
            }
        }
        let _ = kill(process, Signal::SIGQUIT);
        let _ = self.server.wait();
    }
}

/// Where the programs of version 15 are, else those of the newest version.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONS)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            let programs = path.join("bin");
            let whole = programs.join("postgres").exists() && programs.join("initdb").exists();
            whole.then_some((version, programs))
        })
        .collect();
    versions.sort_by_key(|(version, _)| (*version == 15, *version));
    versions.pop().map(|(_, programs)| programs)
}

/// One of PostgreSQL's client programs, from beside the server or from the path.
pub fn find(program: &str) -> Option<PathBuf> {
    let beside = programs().map(|programs| programs.join(program));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join(program));
    beside.into_iter().chain(on_path).find(|file| file.exists())
}

/// Whom to run programs as that refuse to run as root: user and group of the account `postgres` when we are root, else ourselves.
pub fn account() -> Result<Option<(u32, u32)>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let fields = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == "postgres" && fields.len() > 3)
        .context("PostgreSQL cannot run as root and there is no account postgres: skipped")?;
    Ok(Some((fields[2].parse()?, fields[3].parse()?)))
}

/// An address of the loopback interface that nobody listens on now.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
