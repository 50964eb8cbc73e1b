//! A process that was started for the measurement: its CPU time, its memory, and its end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use super::{load, relay, stand_in};

/// How long it may take until somebody listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running process, killed when it is dropped.
pub struct Process {
    name: String,
    child: Child,
    clock: ClockId,
    log: PathBuf,
    _directory: tempfile::TempDir,
}

/// A program in a session of its own. Linux may share processors out by sessions (`sched_autogroup_enabled`): whatever
/// else this one does would be charged to the proxy then, and how often it is interrupted would follow from that. As
/// services, they have groups of their own, too.
pub fn apart(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setsid");
    command.arg(program);
    command
}

impl Process {
    /// Starts a program whose files are in `directory`; what it says is kept there.
    pub fn start(name: &str, mut command: Command, directory: tempfile::TempDir) -> Result<Self> {
        let log = directory.path().join("log");
        let said = File::create(&log)?;
        let child = command
            // Ours end when this closes.
            .stdin(Stdio::piped())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .with_context(|| name.to_owned())?;
        Ok(Self {
            clock: clock_getcpuclockid(Pid::from_raw(child.id() as i32))?,
            name: name.to_owned(),
            child,
            log,
            _directory: directory,
        })
    }

    /// Starts this program again in one of its other modes.
    pub fn start_mode(mode: &str, arguments: &[String]) -> Result<Self> {
        let mut command = apart(std::env::current_exe()?);
        command.arg(mode).args(arguments);
        Self::start(mode, command, tempfile::tempdir()?)
    }

    /// Waits until somebody accepts connections there.
    pub fn wait_until_up(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            self.must_run()?;
            ensure!(
                Instant::now() < deadline,
                "{} does not start: {}",
                self.name,
                self.said()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// An error with what it said when it has ended.
    pub fn must_run(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}): {}", self.name, self.said()),
        }
    }

    /// CPU time of all its threads, those that have ended too.
    pub fn cpu(&self) -> Result<Duration> {
        Ok(self.clock.now()?.into())
    }

    /// A number of its `/proc/PID/smaps_rollup`, in KiB.
    pub fn memory_kib(&self, key: &str) -> Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = std::fs::read_to_string(&path).context(path)?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .and_then(|value| value.split_whitespace().next())
            .with_context(|| format!("no {key}"))?;
        Ok(value.parse()?)
    }

    fn said(&self) -> String {
        let mut text = String::new();
        let read = File::open(&self.log).and_then(|mut log| log.read_to_string(&mut text));
        match read {
            Ok(_) => text.trim().to_owned(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one of the modes that [`Process::start_mode`] starts, if this is one, until the parent is gone.
pub fn serve_parent(mode: &str, arguments: &[String]) -> Option<Result<()>> {
    let work = match mode {
        relay::MODE => relay::serve,
        stand_in::MODE => stand_in::serve,
        load::BURNER_MODE => load::burn,
        _ => return None,
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Some(work(arguments))
}

/// The argument at this place.
pub fn argument<T: std::str::FromStr>(arguments: &[String], at: usize) -> Result<T> {
    let given = arguments.get(at).and_then(|text| text.parse().ok());
    given.with_context(|| format!("argument {at} of {arguments:?}"))
}
