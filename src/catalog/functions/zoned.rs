//! The caller's time zone in functions.

use chrono::{DateTime, NaiveDateTime};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;

use super::define::IntoExternal;
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::{Zone, offset_east_s};

/// Microseconds in a second.
pub(super) const SECOND: i64 = 1_000_000;

/// The zone that a statement runs in.
pub(in crate::catalog) fn zone_of(options: &ConfigOptions) -> Result<Zone> {
    let name = options.execution.time_zone.as_deref().unwrap_or("UTC");
    engine_zone(name).map_err(IntoExternal::into_external)
}

/// A zone as the engine names it: offsets count to the east.
fn engine_zone(name: &str) -> Result<Zone, SqlError> {
    match name.starts_with(['+', '-']) {
        true => offset_east_s(name)
            .map(Zone::Fixed)
            .ok_or_else(|| unknown(name)),
        false => named(name),
    }
}

/// A zone as a query names it.
///
/// # Errors
/// 22023 for what names none.
pub(super) fn named(name: &str) -> Result<Zone, SqlError> {
    name.parse().map_err(|_| unknown(name))
}

fn unknown(name: &str) -> SqlError {
    SqlError::new("22023", format!("time zone \"{name}\" not recognized"))
}

/// Whether a moment is `infinity` or `-infinity`, which is the same on every clock.
pub(super) fn is_infinite(micros: i64) -> bool {
    micros == i64::MAX || micros == i64::MIN
}

/// The clock's time in the zone at an instant, both in microseconds since 1970-01-01.
pub(super) fn local(instant: i64, zone: &Zone) -> i64 {
    if is_infinite(instant) {
        return instant;
    }
    let offset = zone.offset_s(instant.div_euclid(SECOND));
    instant.saturating_add(i64::from(offset) * SECOND)
}

/// The instant at which the zone's clock shows a time.
pub(super) fn instant(local: i64, zone: &Zone) -> i64 {
    match clock(local).filter(|_| !is_infinite(local)) {
        Some(clock) => {
            let offset = i64::from(zone.offset_of_local_s(clock));
            local.saturating_sub(offset * SECOND)
        }
        None => local,
    }
}

/// Microseconds since 1970-01-01 as a date and a time; `None` beyond what the calendar reaches.
pub(super) fn clock(micros: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp_micros(micros)?.naive_utc())
}
