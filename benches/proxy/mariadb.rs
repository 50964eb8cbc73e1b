//! MariaDB in a directory of its own, and `sysbench` before it: one row by its key, by a prepared statement.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{Pid, Uid, User};

use super::cluster::free_address;
use super::figures::{Rounds, verdict};
use super::markdown::{self, Column};
use super::neighbours::{Neighbour, Way};
use super::process::apart;
use super::{Bench, CORE, cores};

const SERVER: &str = "/usr/sbin/mariadbd";
/// The user that the server runs as where this is root, which it refuses.
const OWNER: &str = "mysql";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
const ROWS: &str = "--table-size=100000";
const THREADS: [usize; 3] = [1, 16, 64];
const WAYS: [Way; 3] = [Way::Direct, Way::Rollcall, Way::HaProxy];
const WARM_UP: Duration = Duration::from_secs(2);

/// Everything stays in memory and nothing waits for a disk.
const SETTINGS: [&str; 7] = [
    "--no-defaults",
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=64M",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-name-resolve",
    "--max-connections=300",
    "--bind-address=127.0.0.1",
];

const COLUMNS: [Column; 5] = [
    Column::Number("threads"),
    Column::Text("way"),
    Column::Number("queries/s"),
    Column::Number("of direct"),
    Column::Number("CPU µs/query"),
];

const TARGETS: [Column; 4] = [
    Column::Text("target"),
    Column::Number("ours"),
    Column::Number("yardstick"),
    Column::Text("verdict"),
];

/// A running server, ended with the value.
struct Server {
    address: SocketAddr,
    version: String,
    child: Child,
    _directory: tempfile::TempDir,
}

impl Server {
    fn start() -> Result<Self> {
        ensure!(
            Path::new(SERVER).exists(),
            "MariaDB not found (apt-get install mariadb-server): skipped"
        );
        let directory = tempfile::tempdir()?;
        let owner = match Uid::effective().is_root() {
            true => Some(User::from_name(OWNER)?.context("there is no account mysql: skipped")?),
            false => None,
        };
        if let Some(owner) = &owner {
            let (uid, gid) = (owner.uid.as_raw(), owner.gid.as_raw());
            chown(directory.path(), Some(uid), Some(gid))?;
        }
        let command = |program: &str| {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL"]);
            if owner.is_some() {
                command.args(["--reuid", OWNER, "--regid", OWNER, "--init-groups"]);
            }
            command
                .arg("--")
                .arg(program)
                .current_dir("/")
                .stdin(Stdio::null());
            command
        };
        let version = Command::new(SERVER).arg("--version").output()?.stdout;
        let version = String::from_utf8_lossy(&version);
        let version = version.split_whitespace().nth(2).unwrap_or("?").to_owned();
        let data = directory.path().join("data");
        let data = format!("--datadir={}", data.display());
        let made = command("mariadb-install-db")
            .args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"])
            .args(["--auth-root-authentication-method=normal", &data])
            .output()?;
        ensure!(
            made.status.success(),
            "mariadb-install-db: {}",
            String::from_utf8_lossy(&made.stderr).trim()
        );
        let users = directory.path().join("users.sql");
        let made = "CREATE DATABASE bench;\nCREATE USER bench;\nGRANT ALL ON bench.* TO bench;\n";
        std::fs::write(&users, made)?;
        let address = free_address()?;
        let log = directory.path().join("log");
        let path = |file: &str| directory.path().join(file).display().to_string();
        let child = command(SERVER)
            .args(SETTINGS)
            .arg(&data)
            .arg(format!("--socket={}", path("socket")))
            .arg(format!("--pid-file={}", path("pid")))
            .arg(format!("--init-file={}", users.display()))
            .arg(format!("--port={}", address.port()))
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut server = Self {
            address,
            version,
            child,
            _directory: directory,
        };
        server.wait_until_up(&log)?;
        Ok(server)
    }

    fn process(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    fn wait_until_up(&mut self, log: &Path) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait()?;
            let greets = std::net::TcpStream::connect(self.address)
                .and_then(|mut tcp| tcp.read(&mut [0]))
                .is_ok_and(|read| read > 0);
            if ended.is_none() && greets {
                return Ok(());
            }
            if ended.is_some() || Instant::now() > deadline {
                let mut said = String::new();
                File::open(log)?.read_to_string(&mut said)?;
                bail!("MariaDB does not start: {}", said.trim());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing that it holds is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one way did in all rounds.
#[derive(Clone, Default)]
struct Figures {
    per_second: Rounds,
    cpu_us: Rounds,
}

pub fn measure(bench: &Bench) -> Result<()> {
    let server = Server::start()?;
    run(sysbench(server.address)?.args([ROWS, "oltp_point_select", "prepare"]))?;
    cores::pin(CORE);
    cores::pin_process(server.process(), CORE);
    let mut neighbours = Vec::new();
    for way in WAYS {
        match way.start_before_mariadb(server.address) {
            Ok(neighbour) => neighbours.push(neighbour),
            Err(error) => println!("Left out: {}: {error:#}\n", way.name()),
        }
    }
    // The first ones would pay for what the server has not read and the processor has not seen yet.
    for neighbour in &neighbours {
        point_select(neighbour, 16, WARM_UP)?;
    }
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    for threads in THREADS {
        let mut figures = vec![Figures::default(); neighbours.len()];
        for round in 0..bench.rounds {
            for turn in 0..neighbours.len() {
                let place = (turn + round) % neighbours.len();
                let (per_second, cpu_us) = point_select(&neighbours[place], threads, bench.round)?;
                figures[place].per_second.add(per_second);
                if let Some(cpu_us) = cpu_us {
                    figures[place].cpu_us.add(cpu_us);
                }
            }
        }
        let of = |way: Way| {
            let place = neighbours
                .iter()
                .position(|neighbour| neighbour.way == way)?;
            figures.get(place)
        };
        let direct = of(Way::Direct).cloned().unwrap_or_default();
        for (neighbour, figures) in neighbours.iter().zip(&figures) {
            rows.push([
                threads.to_string(),
                neighbour.way.name().to_owned(),
                figures.per_second.show(0),
                figures.per_second.by(&direct.per_second).show(2),
                figures.cpu_us.show(1),
            ]);
        }
        if let (Some(ours), Some(theirs), 2..) = (of(Way::Rollcall), of(Way::HaProxy), threads) {
            let met = ours.per_second.median() >= theirs.per_second.median();
            targets.push([
                format!("queries/s, at least HAProxy's, {threads} threads"),
                ours.per_second.show(0),
                theirs.per_second.show(0),
                verdict(met),
            ]);
        }
    }
    markdown::print(&COLUMNS, &rows);
    println!(
        "\n- medians of {} interleaved rounds of {} s with the least and the most; MariaDB {}\n\
         - `oltp_point_select` with prepared statements; everything on one core: sysbench, the proxy and the server",
        bench.rounds,
        bench.round.as_secs(),
        server.version,
    );
    if !targets.is_empty() {
        println!();
        markdown::print(&TARGETS, &targets);
    }
    Ok(())
}

/// One round: queries in a second, and the proxy's CPU time for each in microseconds.
fn point_select(way: &Neighbour, threads: usize, round: Duration) -> Result<(f64, Option<f64>)> {
    let mut command = sysbench(way.address)?;
    command.args([ROWS, "--db-ps-mode=auto", "oltp_point_select"]);
    command.arg(format!("--threads={threads}"));
    command.arg(format!("--time={}", round.as_secs()));
    let cpu = || {
        way.process
            .as_ref()
            .map(|process| process.cpu())
            .transpose()
    };
    let before = cpu()?;
    let said = run(command.arg("run")).with_context(|| way.way.name())?;
    let spent = cpu()?.zip(before).map(|(after, before)| after - before);
    // `    queries:                             123456 (24690.52 per sec.)`
    let line = said
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("queries:"))
        .context("sysbench does not tell its queries")?;
    let mut words = line.split_whitespace();
    let queries: f64 = words.next().unwrap_or_default().parse()?;
    let per_second: f64 = words
        .next()
        .unwrap_or_default()
        .trim_start_matches('(')
        .parse()?;
    Ok((
        per_second,
        spent.map(|cpu| cpu.as_secs_f64() * 1e6 / queries),
    ))
}

fn sysbench(address: SocketAddr) -> Result<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program: PathBuf = std::env::split_paths(&path)
        .map(|directory| directory.join("sysbench"))
        .find(|file| file.exists())
        .context("sysbench not found (apt-get install sysbench)")?;
    let mut command = apart(program);
    command
        .args([
            "--mysql-user=bench",
            "--mysql-db=bench",
            "--mysql-ssl=off",
            "--tables=1",
        ])
        .arg(format!("--mysql-host={}", address.ip()))
        .arg(format!("--mysql-port={}", address.port()))
        .stdin(Stdio::null());
    Ok(command)
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "sysbench: {said}{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(said)
}
