//! One prepared look-up by key as programs make it, through psycopg and pgjdbc: the driver's own time is in both
//! figures.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::load::Traffic;
use super::table::{Table, time};

/// Where Debian puts pgjdbc.
const JAR: &str = "/usr/share/java/postgresql.jar";

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    if let Err(why) = bench.postgres() {
        table.note(why);
        return Ok(());
    }
    let size = bench.largest()?.len();
    let Some((world, postgres)) = bench.beside_postgres(size)? else {
        return Ok(());
    };
    let there = postgres.table(world)?;
    let id = world
        .reader()
        .lasting()
        .first()
        .copied()
        .context("no sessions")?;
    let (user, database) = postgres.login();
    let asked = [
        world.doors()?.sql.port().to_string(),
        "bench".to_owned(),
        "rollcall".to_owned(),
        "sessions".to_owned(),
        postgres.address().port().to_string(),
        user.to_owned(),
        database.to_owned(),
        there,
        id.to_string(),
    ];
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/live_table/drivers");
    let clients = clients().context("no home directory")?;
    let mut python = Command::new(Path::new(&clients).join("rollcall/clients/python/bin/python"));
    python.arg(sources.join("lookup.py"));
    let mut java = Command::new("java");
    java.args(["-cp", JAR]).arg(sources.join("Lookup.java"));
    let name = postgres.name();
    for (driver, mut command) in [("psycopg", python), ("pgjdbc", java)] {
        let figures = world.under(Traffic::Touches, |_, _| figures(command.args(&asked)));
        match figures {
            Ok([ours, theirs]) => table.row(
                format!("one session by id, prepared, {driver}"),
                size,
                time(ours),
                format!("{name} {}", time(theirs)),
                ours / theirs,
                "≤ 2×",
            ),
            Err(error) => table.note(format!("{driver}: skipped: {error:#}")),
        }
    }
    table.note("`bash tests/run` installs the drivers; medians of rounds that take turns, in the driver's process");
    Ok(())
}

/// Where `tests/run` puts the drivers.
fn clients() -> Option<std::ffi::OsString> {
    std::env::var_os("XDG_CACHE_HOME").or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".cache").into_os_string())
    })
}

/// Runs a script, which prints the nanoseconds of a look-up here and there.
fn figures(command: &mut Command) -> Result<[f64; 2]> {
    let output = command.output().context("it does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", said.trim());
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || {
        numbers
            .next()
            .context("too few figures")?
            .context("no figure")
    };
    Ok([next()?, next()?])
}
