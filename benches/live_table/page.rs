//! A page of 50 sessions that a condition selects, and how many it selects in all: two statements.

use anyhow::{Result, ensure};

use super::Bench;
use super::clock::median_of;
use super::http::Client;
use super::load::Traffic;
use super::table::{Table, time};
use super::world::{World, service_name, user_name};

pub fn measure(bench: &mut Bench, table: &mut Table) -> Result<()> {
    let conditions = [
        (
            "page of a user",
            format!("\"user\" = '{}'", user_name(8)),
            "≤ 5×",
        ),
        (
            "page of a service",
            format!("service = '{}'", service_name(3)),
            "≤ 5×",
        ),
        (
            "page of those with traffic",
            "bytes_out > 500".to_owned(),
            "one scan",
        ),
    ];
    let sizes = bench.sizes().to_vec();
    for traffic in Traffic::ALL {
        for (name, condition, target) in &conditions {
            let mut yardstick = f64::NAN;
            for size in &sizes {
                let world = bench.world(*size)?;
                let ours = world.under(traffic, |world, _| page(world, condition))?;
                if yardstick.is_nan() {
                    yardstick = ours;
                }
                table.row(
                    format!("{name}, with its total{}", traffic.suffix()),
                    *size,
                    time(ours),
                    time(yardstick),
                    ours / yardstick,
                    target,
                );
            }
        }
    }
    let mut yardstick = f64::NAN;
    for size in &sizes {
        let world = bench.world(*size)?;
        let ours = world.under(Traffic::Touches, |world, _| over_http(world))?;
        if yardstick.is_nan() {
            yardstick = ours;
        }
        table.row(
            "page of a user, with its total, by REST".to_owned(),
            *size,
            time(ours),
            time(yardstick),
            ours / yardstick,
            "≤ 5×",
        );
    }
    table.note(
        "both statements prepared, in process; yardstick: the same at the smallest number of sessions, where a user \
         has 1 session and a service 125",
    );
    Ok(())
}

fn page(world: &mut World, condition: &str) -> Result<f64> {
    let reader = world.reader();
    let page = format!("SELECT * FROM sessions WHERE {condition} ORDER BY id LIMIT 50");
    let page = reader.prepare(&page)?;
    let total = format!("SELECT count(*) FROM sessions WHERE {condition}");
    let total = reader.prepare(&total)?;
    ensure!(reader.run(&page, Vec::new())? > 0, "an empty page");
    median_of(&mut || {
        reader.run(&page, Vec::new())?;
        reader.run(&total, Vec::new())?;
        Ok(())
    })
}

/// The same page as a document, with its total and links.
fn over_http(world: &mut World) -> Result<f64> {
    let path = format!(
        "/v1/sessions?pretty=false&page[size]=50&filter=/attributes/user=%22{}%22",
        user_name(8)
    );
    let mut client = Client::connect(world.doors()?.rest)?;
    ensure!(client.get(&path)? > 0, "an empty page");
    median_of(&mut || {
        client.get(&path)?;
        Ok(())
    })
}
