//! The list of all sessions as a JSON:API document, beside derived serde_json writing the same documents.
//!
//! The yardstick's structs are read from what the door sent, so the documents are the same to the byte.

use anyhow::{Result, ensure};
use arrow::array::RecordBatch;
use rollcall::rest::Documents;
use serde::{Deserialize, Serialize};

use super::Bench;
use super::clock::{Counted, cpu_median_of, median_of};
use super::http::Client;
use super::load::Traffic;
use super::registry::{forget_peak, status_kib};
use super::table::{Table, bandwidth};
use super::world::World;

/// Where links begin that are not asked for over HTTP: as long as those that are.
const BASE: &str = "http://127.0.0.1:40000/v1/";
const PATH: &str = "/v1/sessions?pretty=false";
/// Bytes after which the yardstick gives away what it wrote, as a door does.
const PIECE_BYTES: usize = 32 * 1024;
/// Documents that are written at a time: half a megabyte, which a core has at hand.
const PIECE_ROWS: usize = 1_024;
/// The largest list that the yardstick keeps as structs: its speed does not depend on the length.
const STRUCTS_MAX: usize = 200_000;
const TARGET: &str = "≥ 2×";

#[derive(Serialize, Deserialize)]
struct Document {
    links: Links,
    data: Vec<Resource>,
}

#[derive(Serialize, Deserialize)]
struct Links {
    #[serde(rename = "self")]
    this: String,
}

#[derive(Serialize, Deserialize)]
struct Resource {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    relationships: Relationships,
    attributes: Attributes,
    links: Links,
}

#[derive(Serialize, Deserialize)]
struct Relationships {
    services: Related,
}

#[derive(Serialize, Deserialize)]
struct Related {
    links: Links,
    data: Vec<Reference>,
}

#[derive(Serialize, Deserialize)]
struct Reference {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct Attributes {
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    remote: String,
    connected: String,
    idle: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<i32>,
    seconds_alive: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Encryption>,
    connections: Vec<Connection>,
    statements: i64,
    bytes_in: i64,
    bytes_out: i64,
    queries: Vec<String>,
    parameters: Parameters,
}

#[derive(Serialize, Deserialize)]
struct Parameters {
    log_debug: bool,
    log_info: bool,
    log_notice: bool,
    log_warning: bool,
    log_error: bool,
}

#[derive(Serialize, Deserialize)]
struct Connection {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<i64>,
    server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Encryption {
    cipher: String,
}

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let sizes = bench.sizes().to_vec();
    let mut serde = f64::NAN;
    for size in sizes {
        let world = bench.world(size)?;
        if size <= STRUCTS_MAX || serde.is_nan() {
            serde = yardstick(world, table)?;
        }
        let mut row = |name: String, ours: f64| {
            let yardstick = bandwidth(serde);
            table.row(name, size, bandwidth(ours), yardstick, ours / serde, TARGET);
        };
        let rendered = world.under(Traffic::Touches, |world, _| from_batches(world))?;
        row("documents of ready batches".to_owned(), rendered);
        for traffic in Traffic::ALL {
            let ours = world.under(traffic, |world, _| in_process(world))?;
            row(
                format!("query and documents, in process{}", traffic.suffix()),
                ours,
            );
        }
        for traffic in Traffic::ALL {
            let ours = world.under(traffic, |world, _| over_http(world, Clock::Wall))?;
            row(format!("list over HTTP{}", traffic.suffix()), ours);
        }
        row(
            "list over HTTP, per second of our CPU".to_owned(),
            over_http(world, Clock::OwnCpu)?,
        );
        let (list, rise) = memory(world)?;
        table.alone(
            format!("memory beside a list of {} MB", list / 1_000_000),
            size,
            format!("{rise} KiB"),
            "–",
            "flat",
        );
    }
    table.note(
        "compact documents; yardstick: derived Serialize of ready-made structs into memory, one thread; over HTTP: \
         query, sockets and all, the client on the same core",
    );
    table.note("memory: the rise of the process's peak above what it held after an earlier list");
    Ok(())
}

/// Bytes in a second that are written of batches which are there already.
fn from_batches(world: &mut World) -> Result<f64> {
    let reader = world.reader();
    let documents = reader.documents()?;
    let mut batches = Vec::new();
    reader.drain(documents.all(), |batch| {
        batches.push(batch);
        Ok(())
    })?;
    let (mut text, mut bytes) = (Vec::new(), 0);
    let time = median_of(&mut || {
        bytes = 0;
        for batch in &batches {
            bytes += write(&documents, batch, &mut text)?;
        }
        Ok(())
    })?;
    Ok(bytes as f64 / time * 1e9)
}

/// Writes the documents of a batch, a piece at a time, and gives them away.
fn write(documents: &Documents, batch: &RecordBatch, text: &mut Vec<u8>) -> Result<usize> {
    let mut bytes = 0;
    for from in (0..batch.num_rows()).step_by(PIECE_ROWS) {
        let rows = PIECE_ROWS.min(batch.num_rows() - from);
        documents.list(&[batch.slice(from, rows)], BASE, text)?;
        bytes += text.len();
        text.clear();
    }
    Ok(bytes)
}

/// Bytes of the list in a second, from the query's start, without sockets.
fn in_process(world: &mut World) -> Result<f64> {
    let reader = world.reader();
    let documents = reader.documents()?;
    let (mut text, mut bytes) = (Vec::new(), 0);
    let time = median_of(&mut || {
        bytes = 0;
        reader.drain(documents.all(), |batch| {
            bytes += write(&documents, &batch, &mut text)?;
            Ok(())
        })
    })?;
    Ok(bytes as f64 / time * 1e9)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The whole time, the client's part too.
    Wall,
    /// The CPU time of the process without the client's thread.
    OwnCpu,
}

/// Bytes of the list in a second, through the door.
fn over_http(world: &mut World, clock: Clock) -> Result<f64> {
    let mut client = Client::connect(world.doors()?.rest)?;
    let mut bytes = 0;
    let mut ask = || {
        bytes = client.get(PATH)?;
        Ok(())
    };
    let time = match clock {
        Clock::Wall => median_of(&mut ask)?,
        Clock::OwnCpu => cpu_median_of(Counted::AllButCaller, &mut ask)?,
    };
    Ok(bytes as f64 / time * 1e9)
}

/// Bytes in a second that derived serde_json writes of this world's list.
fn yardstick(world: &mut World, table: &mut Table) -> Result<f64> {
    let mut client = Client::connect(world.doors()?.rest)?;
    let mut list = Vec::new();
    client.fetch(PATH, |piece| list.extend_from_slice(piece))?;
    let document: Document = serde_json::from_slice(&list)?;
    // Doors are sessions too, so there may be a few more.
    ensure!(document.data.len() >= world.len(), "sessions are missing");
    match serde_json::to_vec(&document)? == list {
        true => table.note("the yardstick's documents are the door's to the byte"),
        false => table.note("the yardstick's documents differ from the door's in some bytes"),
    }
    let mut piece = Vec::with_capacity(2 * PIECE_BYTES);
    let mut bytes = 0;
    let time = median_of(&mut || {
        bytes = 0;
        for resource in &document.data {
            serde_json::to_writer(&mut piece, resource)?;
            piece.push(b',');
            if piece.len() >= PIECE_BYTES {
                bytes += piece.len();
                piece.clear();
            }
        }
        bytes += piece.len();
        piece.clear();
        Ok(())
    })?;
    Ok(bytes as f64 / time * 1e9)
}

/// The bytes of a list, and by how many KiB the process's peak rises while it is made.
fn memory(world: &mut World) -> Result<(usize, u64)> {
    let mut client = Client::connect(world.doors()?.rest)?;
    client.get(PATH)?;
    let before = status_kib("self", "VmRSS")?;
    forget_peak()?;
    let list = client.get(PATH)?;
    let peak = status_kib("self", "VmHWM")?;
    Ok((list, peak.saturating_sub(before)))
}
