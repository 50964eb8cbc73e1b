//! The real program, started on free ports with a directory of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::postgres::{QUIET, binary};

/// Bounds every wait; nothing here takes nearly as long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until the answer satisfies, at most [`PATIENCE`] long.
pub fn eventually<T: std::fmt::Debug>(
    mut ask: impl FnMut() -> T,
    satisfies: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if satisfies(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "still {answer:?}");
        thread::yield_now();
    }
}

/// Runs a command to its end, bounded in time.
pub fn finish(command: &mut Command) -> Output {
    finish_within(PATIENCE, command)
}

/// The same for what may take longer.
pub fn finish_within(patience: Duration, command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.get_program()));
    let pid = Pid::from_raw(child.id() as i32);
    let (done, output) = channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    match output.recv_timeout(patience) {
        Ok(output) => output.expect("an exit status"),
        Err(_) => {
            let _ = kill(pid, Signal::SIGKILL);
            panic!("{:?} does not end", command.get_program());
        }
    }
}

/// What a finished client said.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned(),
            err: String::from_utf8_lossy(&output.stderr)
                .trim_end()
                .to_owned(),
        }
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The program, serving; killed when the test is over.
pub struct Program {
    child: Child,
    pub sql: SocketAddr,
    pub rest: SocketAddr,
    pub dir: tempfile::TempDir,
    https: bool,
}

impl Program {
    /// Starts it with this configuration, to which free ports are added.
    pub fn start(config: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), config)
    }

    /// The same in a directory that was prepared with files.
    pub fn start_in(dir: tempfile::TempDir, config: &str) -> Self {
        let any = "sql.listen = \"127.0.0.1:0\"\nrest.listen = \"127.0.0.1:0\"\n";
        let path = dir.path().join("rollcall.toml");
        std::fs::write(&path, format!("{any}{config}")).expect("a writable directory");
        let log = std::fs::File::create(dir.path().join("log")).expect("a log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .arg("--config")
            .arg(&path)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let out = lines(child.stdout.take().expect("piped"));
        let banner: Vec<String> = (0..3)
            .map(|_| out.recv_timeout(PATIENCE).expect("three lines at start"))
            .collect();
        let address = |door: &str| -> SocketAddr {
            let line = banner
                .iter()
                .find(|line| line.trim_start().starts_with(door));
            let word = line.and_then(|line| line.split_whitespace().nth(1));
            word.and_then(|word| word.parse().ok())
                .unwrap_or_else(|| panic!("no address of {door} in {banner:?}"))
        };
        Self {
            sql: address("SQL"),
            rest: address("REST"),
            https: banner.iter().any(|line| line.contains("https://")),
            child,
            dir,
        }
    }

    /// Where a listener of the proxy accepts clients over TCP.
    pub fn listener(&self, name: &str) -> SocketAddr {
        let sql = format!("SELECT concat(address, ':', port) FROM listeners WHERE name = '{name}'");
        let address = self.ask(&sql);
        address
            .parse()
            .unwrap_or_else(|_| panic!("no address of {name}: {address:?}"))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).expect("a log")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it runs");
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> i32 {
        let status = eventually(|| self.child.try_wait().expect("a status"), Option::is_some);
        status
            .and_then(|status| status.code())
            .expect("an exit code")
    }

    /// A number from `/proc/PID/status`, such as `VmRSS` in KiB or `Threads`.
    pub fn proc_status(&self, key: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).expect("it runs");
        let line = text.lines().find(|line| line.starts_with(key));
        let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        number.unwrap_or_else(|| panic!("no {key} in {text}"))
    }

    /// Open file descriptors.
    pub fn descriptors(&self) -> usize {
        let path = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(path).expect("it runs").count()
    }

    /// CPU time used so far, in clock ticks.
    pub fn cpu_ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(path).expect("it runs");
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split(' ').collect();
        let tick = |at: usize| fields[at].parse::<u64>().expect("a number");
        tick(12) + tick(13)
    }

    /// A psql that would ask as `user`, unaligned and without headers.
    pub fn psql_command(&self, user: &str) -> Command {
        let mut command = Command::new(binary("psql"));
        command
            .args(QUIET)
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.sql.port().to_string(),
                "-U",
                user,
            ])
            .env("LC_ALL", "C.UTF-8")
            .env_remove("PGPASSWORD");
        command
    }

    /// Asks by psql.
    pub fn psql(&self, user: &str, sql: &str) -> Said {
        finish(self.psql_command(user).args(["-c", sql])).into()
    }

    /// Asks by psql and insists on an answer.
    pub fn ask(&self, sql: &str) -> String {
        let said = self.psql("dba", sql);
        assert!(said.ok, "{sql}: {}", said.err);
        said.out
    }

    /// A driver's connection, which lasts as long as the client is held.
    pub async fn driver(&self, user: &str) -> tokio_postgres::Client {
        let config = format!("host=127.0.0.1 port={} user={user}", self.sql.port());
        let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls)
            .await
            .expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// Calls the REST door by curl with these further arguments.
    pub fn curl(&self, path: &str, arguments: &[&str]) -> Answer {
        let scheme = if self.https { "https" } else { "http" };
        let url = format!("{scheme}://{}{path}", self.rest);
        let output = finish(
            Command::new("curl")
                .args(["-s", "-i", "--globoff"])
                .args(arguments)
                .arg(url),
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or_else(|| panic!("no answer: {output:?}")),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("its log:\n{}", self.log());
        }
    }
}

/// The lines of a stream, as they come.
pub fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A psql that stays connected and is typed into.
pub struct Psql {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Receiver<String>,
    pub err: PathBuf,
}

impl Psql {
    pub fn connect(program: &Program, user: &str) -> Self {
        Self::spawn(program, &mut program.psql_command(user))
    }

    /// Connects with a command that was prepared with more.
    pub fn spawn(program: &Program, command: &mut Command) -> Self {
        let err = program.dir.path().join(format!("psql-{}", uuid()));
        let log = std::fs::File::create(&err).expect("a file");
        let mut child = command
            .args(["-v", "ON_ERROR_STOP=0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("psql starts");
        let out = lines(child.stdout.take().expect("piped"));
        Self {
            stdin: child.stdin.take(),
            out,
            err,
            child,
        }
    }

    pub fn type_in(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("connected");
        writeln!(stdin, "{text}").expect("psql reads");
        stdin.flush().expect("psql reads");
    }

    /// Types a line and returns what is printed until its end.
    pub fn ask(&mut self, text: &str) -> String {
        self.type_in(text);
        self.type_in("\\echo -- end --");
        let mut printed = Vec::new();
        loop {
            let line = self.out.recv_timeout(PATIENCE).expect("psql answers");
            if line == "-- end --" {
                return printed.join("\n");
            }
            printed.push(line);
        }
    }

    /// The next line that it prints; `None` when it has ended.
    pub fn next_line(&self) -> Option<String> {
        match self.out.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("psql says nothing"),
        }
    }

    /// What psql has complained of.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(&self.err).expect("a file")
    }

    pub fn interrupt(&self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT).expect("it runs");
    }

    /// Stops it where it is; it neither reads nor writes until it is killed.
    pub fn freeze(&self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGSTOP).expect("it runs");
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends the input and waits for psql to go.
    pub fn quit(mut self) {
        drop(self.stdin.take());
        eventually(|| self.child.try_wait().expect("a status"), Option::is_some);
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        self.kill();
    }
}

fn uuid() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(Instant::now())
}
