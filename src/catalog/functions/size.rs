//! Sizes for people: `pg_size_pretty`, `pg_size_bytes`.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Function, Gives};
use super::output::Value;
use super::value::Kind;
use crate::proxy::postgres::error::SqlError;

/// Units, the size up to which each is used, whether it is rounded, and its bits above the unit before it.
const UNITS: [(&str, i128, bool, u32); 6] = [
    ("bytes", 10 * 1024, false, 0),
    ("kB", 20 * 1024 - 1, true, 10),
    ("MB", 20 * 1024 - 1, true, 20),
    ("GB", 20 * 1024 - 1, true, 30),
    ("TB", 20 * 1024 - 1, true, 40),
    ("PB", 20 * 1024 - 1, true, 50),
];

fn half_rounded(value: i128) -> i128 {
    (value + value.signum()) / 2
}

/// A size with the unit that fits: it keeps one bit more than it shows, to round by.
fn pretty(mut size: i128) -> String {
    for (at, (name, limit, is_rounded, bits)) in UNITS.iter().enumerate() {
        let Some((_, _, is_next_rounded, next_bits)) = UNITS.get(at + 1) else {
            let shown = if *is_rounded {
                half_rounded(size)
            } else {
                size
            };
            return format!("{shown} {name}");
        };
        if size.abs() < *limit {
            let shown = if *is_rounded {
                half_rounded(size)
            } else {
                size
            };
            return format!("{shown} {name}");
        }
        let shift = next_bits - bits - u32::from(*is_next_rounded) + u32::from(*is_rounded);
        size /= 1 << shift;
    }
    String::new()
}

fn bytes(text: &str) -> Result<i64, SqlError> {
    let invalid = || SqlError::new("22023", format!("invalid size: \"{text}\""));
    let trimmed = text.trim();
    let digits = trimmed.trim_start_matches(['+', '-']);
    let length = digits
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(digits.len());
    let (mut number, mut unit) = digits.split_at(length);
    let mut exponent = 0i32;
    if let Some(rest) = unit.strip_prefix(['e', 'E']) {
        let end = rest
            .char_indices()
            .find(|(at, c)| !(c.is_ascii_digit() || (*at == 0 && matches!(c, '+' | '-'))));
        let end = end.map_or(rest.len(), |(at, _)| at);
        if let Ok(given) = rest[..end].parse::<i32>() {
            (exponent, unit) = (given, &rest[end..]);
        }
    }
    number = number.trim();
    let value: f64 = number.parse().map_err(|_| invalid())?;
    let unit = unit.trim();
    let bits = match unit.to_ascii_lowercase().as_str() {
        "" | "bytes" | "b" => 0,
        "kb" => 10,
        "mb" => 20,
        "gb" => 30,
        "tb" => 40,
        "pb" => 50,
        _ => {
            return Err(invalid()
                .with_detail(format!("Invalid size unit: \"{unit}\"."))
                .with_hint(
                    "Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".",
                ));
        }
    };
    let sign = if trimmed.starts_with('-') { -1.0 } else { 1.0 };
    let size = match number.parse::<i128>() {
        Ok(whole) if exponent == 0 => {
            (whole.saturating_mul(1 << bits)).saturating_mul(sign as i128)
        }
        _ => {
            (sign * value * 10f64.powi(exponent) * f64::from(bits).exp2()).round_ties_even() as i128
        }
    };
    i64::try_from(size).map_err(|_| SqlError::new("22003", "bigint out of range"))
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let zero = |name| Function::stable(name).on(&[Kind::Any], Gives::Int8, |_| Ok(Value::Int(0)));
    let mut all = vec![
        Function::new("pg_size_pretty")
            .on(&[Kind::Int], Gives::Text, |a| {
                Ok(pretty(a.int(0).into()).into())
            })
            .on(&[Kind::Numeric], Gives::Text, |a| {
                let value = a.numeric(0);
                // Below the limit of bytes fractions are shown as they are.
                match value.to_i128() {
                    Some(whole) if value.clone().absolute() >= UNITS[0].1.into() => {
                        Ok(pretty(whole).into())
                    }
                    _ => Ok(format!("{value} bytes").into()),
                }
            })
            .done(),
        Function::new("pg_size_bytes")
            .on(&[Kind::Text], Gives::Int8, |a| Ok(bytes(a.text(0))?.into()))
            .done(),
    ];
    // Nothing here is stored.
    let sizes = [
        "pg_table_size",
        "pg_indexes_size",
        "pg_total_relation_size",
        "pg_database_size",
        "pg_tablespace_size",
    ];
    all.extend(sizes.map(|name| zero(name).done()));
    all.push(
        zero("pg_relation_size")
            .on(&[Kind::Any, Kind::Text], Gives::Int8, |_| Ok(Value::Int(0)))
            .done(),
    );
    all
}
