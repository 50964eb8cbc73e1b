//! The ways to the server that are compared, and how each is started.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cluster::{DATABASE, SUPERUSER, account, free_address};
use super::process::{Process, apart};
use super::relay;
use super::stage::CROWD;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rollcall");
/// Where Debian puts programs that root runs.
const SYSTEM_PROGRAMS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
/// More sessions than any section makes.
const SESSIONS_MAX: usize = 9_000;

/// A way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Direct,
    Rollcall,
    PgBouncer,
    HaProxy,
    /// The bare relay with `copy_bidirectional`.
    Copy,
    /// The bare relay with buffers only while data moves.
    Lazy,
}

/// The servers at the end of the ways.
#[derive(Clone, Copy)]
pub struct Servers {
    pub postgres: SocketAddr,
    /// The one that stands in for thousands.
    pub crowd: SocketAddr,
}

/// Where the live view is read.
#[derive(Clone, Copy)]
pub struct View {
    pub address: SocketAddr,
    pub database: &'static str,
    pub statement: &'static str,
}

/// A way that can be gone.
pub struct Neighbour {
    pub way: Way,
    /// Where clients of PostgreSQL come in.
    pub address: SocketAddr,
    /// Where clients of the stand-in come in.
    pub crowd: SocketAddr,
    pub view: Option<View>,
    /// The proxy; none on the direct way.
    pub process: Option<Process>,
}

impl Way {
    pub const ALL: [Self; 6] = [
        Self::Direct,
        Self::Rollcall,
        Self::PgBouncer,
        Self::HaProxy,
        Self::Copy,
        Self::Lazy,
    ];

    /// What to call it in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Rollcall => "Rollcall",
            Self::PgBouncer => "PgBouncer",
            Self::HaProxy => "HAProxy",
            Self::Copy => "relay, `copy_bidirectional`",
            Self::Lazy => "relay, lazy buffers",
        }
    }

    /// Starts it, and waits until it accepts clients.
    pub fn start(self, servers: Servers) -> Result<Neighbour> {
        let (address, crowd, door) = (free_address()?, free_address()?, free_address()?);
        let mut neighbour = Neighbour {
            way: self,
            address,
            crowd,
            view: None,
            process: None,
        };
        let routes = [(address, servers.postgres), (crowd, servers.crowd)];
        let mut process = match self {
            Self::Direct => {
                neighbour.address = servers.postgres;
                neighbour.crowd = servers.crowd;
                return Ok(neighbour);
            }
            Self::Rollcall => {
                neighbour.view = Some(View {
                    address: door,
                    database: "rollcall",
                    statement: "SELECT * FROM sessions",
                });
                rollcall(&to_postgres(routes), door)?
            }
            Self::PgBouncer => {
                // One address for all of its databases.
                neighbour.crowd = address;
                neighbour.view = Some(View {
                    address,
                    database: "pgbouncer",
                    statement: "SHOW CLIENTS",
                });
                pgbouncer(address, servers)?
            }
            Self::HaProxy => haproxy(&to_postgres(routes))?,
            Self::Copy => bare_relay(relay::COPY, routes)?,
            Self::Lazy => bare_relay(relay::LAZY, routes)?,
        };
        process.wait_until_up(neighbour.address)?;
        process.wait_until_up(neighbour.crowd)?;
        neighbour.process = Some(process);
        Ok(neighbour)
    }

    /// The same before a MariaDB server, for the ways that lead there.
    pub fn start_before_mariadb(self, server: SocketAddr) -> Result<Neighbour> {
        let address = free_address()?;
        let mut neighbour = Neighbour {
            way: self,
            address,
            crowd: address,
            view: None,
            process: None,
        };
        let route = [("mariadb", "mariadb", (address, server))];
        let mut process = match self {
            Self::Rollcall => rollcall(&route, free_address()?)?,
            Self::HaProxy => haproxy(&route)?,
            Self::Direct => {
                neighbour.address = server;
                neighbour.crowd = server;
                return Ok(neighbour);
            }
            Self::PgBouncer | Self::Copy | Self::Lazy => bail!("does not lead to MariaDB"),
        };
        process.wait_until_up(address)?;
        neighbour.process = Some(process);
        Ok(neighbour)
    }
}

/// What to call a route, its protocol, and where it leads from and to.
type Route = (&'static str, &'static str, (SocketAddr, SocketAddr));

fn to_postgres([database, crowd]: [(SocketAddr, SocketAddr); 2]) -> [Route; 2] {
    [
        (DATABASE, "postgresql", database),
        (CROWD, "postgresql", crowd),
    ]
}

fn rollcall(routes: &[Route], door: SocketAddr) -> Result<Process> {
    let mut text =
        format!("sql.listen = \"{door}\"\nrest.listen = \"127.0.0.1:0\"\nlog.level = \"warn\"\n");
    for (name, protocol, (from, to)) in routes {
        writeln!(
            text,
            "[servers.{name}]\nprotocol = \"{protocol}\"\naddress = \"{to}\"\n\
             [services.{name}]\nrouter = \"readconnroute\"\nservers = [\"{name}\"]\n\
             sessions_max = {SESSIONS_MAX}\n\
             [listeners.{name}]\nservice = \"{name}\"\naddress = \"{from}\""
        )?;
    }
    let directory = tempfile::tempdir()?;
    let file = write(directory.path(), "rollcall.toml", &text)?;
    let mut command = apart(PROGRAM);
    command.arg("--config").arg(file);
    Process::start("rollcall", command, directory)
}

/// In session mode. It trusts its clients, as the server does: nobody spends time on passwords.
fn pgbouncer(address: SocketAddr, servers: Servers) -> Result<Process> {
    let program = program("pgbouncer")?;
    let directory = tempfile::tempdir()?;
    let users = write(
        directory.path(),
        "users.txt",
        &format!("\"{SUPERUSER}\" \"\"\n"),
    )?;
    let mut text = String::from("[databases]\n");
    for (name, server) in [(DATABASE, servers.postgres), (CROWD, servers.crowd)] {
        let (host, port) = (server.ip(), server.port());
        writeln!(text, "{name} = host={host} port={port}")?;
    }
    writeln!(
        text,
        "[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\n\
         auth_type = trust\nauth_file = {}\nadmin_users = {SUPERUSER}\npool_mode = session\n\
         max_client_conn = {SESSIONS_MAX}\ndefault_pool_size = {SESSIONS_MAX}\n\
         log_connections = 0\nlog_disconnections = 0\nlog_stats = 0",
        address.ip(),
        address.port(),
        users.display(),
    )?;
    let file = write(directory.path(), "pgbouncer.ini", &text)?;
    let mut command = apart(program);
    command.arg(file);
    as_account(&mut command, directory.path())?;
    Process::start("pgbouncer", command, directory)
}

fn haproxy(routes: &[Route]) -> Result<Process> {
    let program = program("haproxy")?;
    let mut text = format!(
        "global\n  no strict-limits\n  maxconn {SESSIONS_MAX}\n\
         defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
    );
    for (name, _, (from, to)) in routes {
        writeln!(text, "listen {name}\n  bind {from}\n  server {name} {to}")?;
    }
    let directory = tempfile::tempdir()?;
    let file = write(directory.path(), "haproxy.cfg", &text)?;
    let mut command = apart(program);
    // In the foreground: the process that is started is the one that works.
    command.args(["-db", "-q", "-f"]).arg(file);
    as_account(&mut command, directory.path())?;
    Process::start("haproxy", command, directory)
}

fn bare_relay(kind: &str, routes: [(SocketAddr, SocketAddr); 2]) -> Result<Process> {
    let mut arguments = vec![kind.to_owned()];
    for (from, to) in routes {
        arguments.extend([from.to_string(), to.to_string()]);
    }
    Process::start_mode(relay::MODE, &arguments)
}

fn write(directory: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let file = directory.join(name);
    std::fs::write(&file, text)?;
    Ok(file)
}

/// PgBouncer refuses to run as root; the others run as everybody else does.
fn as_account(command: &mut Command, directory: &Path) -> Result<()> {
    if let Some((user, group)) = account()? {
        chown(directory, Some(user), Some(group))?;
        command.uid(user).gid(group);
    }
    Ok(())
}

fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_PROGRAMS.map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.exists())
        .with_context(|| format!("{name} not found (apt-get install {name})"))
}
