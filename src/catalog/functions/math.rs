//! Numbers, where the engine lacks PostgreSQL's functions or answers what PostgreSQL refuses.

use std::sync::Arc;

use arrow::array::Array as _;
use datafusion::logical_expr::ScalarUDF;

use super::aggregates::floats_of;
use super::arrays::failed;
use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::value::{Kind, Row};
use crate::proxy::postgres::error::SqlError;

fn by_zero() -> SqlError {
    SqlError::new("22012", "division by zero")
}

/// The argument of a logarithm.
fn positive(value: f64) -> Result<f64, SqlError> {
    match value {
        0.0 => Err(SqlError::new("2201E", "cannot take logarithm of zero")),
        value if value < 0.0 => Err(SqlError::new(
            "2201E",
            "cannot take logarithm of a negative number",
        )),
        value => Ok(value),
    }
}

/// A result that was finite before.
fn finite(result: f64, given: f64) -> Answer {
    match result.is_infinite() && given.is_finite() {
        true => Err(SqlError::new("22003", "value out of range: overflow")),
        false => Ok(result.into()),
    }
}

/// How many of the sorted thresholds a number has reached.
fn bucket_between(a: &Row<'_>) -> Answer {
    let thresholds = floats_of(&a.elements(1)).map_err(failed)?;
    if thresholds.null_count() > 0 {
        let message = "thresholds array must not contain NULLs";
        return Err(SqlError::new("22004", message));
    }
    let value = a.float(0);
    let reached = thresholds.values().partition_point(|least| *least <= value);
    Ok((reached as i64).into())
}

fn bucket(value: f64, low: f64, high: f64, count: i64) -> Answer {
    let refused = |message: &str| SqlError::new("2201G", message);
    if count <= 0 {
        return Err(refused("count must be greater than zero"));
    }
    if value.is_nan() || low.is_nan() || high.is_nan() {
        return Err(refused(
            "operand, lower bound, and upper bound cannot be NaN",
        ));
    }
    if !low.is_finite() || !high.is_finite() {
        return Err(refused("lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(refused("lower bound cannot equal upper bound"));
    }
    let place = (value - low) / (high - low);
    Ok(Value::Int(match place {
        place if place < 0.0 => 0,
        place if place >= 1.0 => count
            .checked_add(1)
            .ok_or_else(|| SqlError::new("22003", "integer out of range"))?,
        place => (place * count as f64) as i64 + 1,
    }))
}

/// The logarithm to the base ten.
fn to_ten(a: &Row<'_>) -> Answer {
    Ok(a.numeric(0).logarithm_to(&10_i64.into())?.into())
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Array, Float, Int, Numeric as N};
    let float = |name, of: fn(f64) -> Answer| {
        Function::new(name).on(&[Float], Gives::Float, move |a| of(a.float(0)))
    };
    let all = [
        Function::new("div")
            .on(&[Int, Int], Gives::Int8, |a| {
                let (one, two) = (a.int(0), a.int(1));
                if two == 0 {
                    return Err(by_zero());
                }
                one.checked_div(two)
                    .map(Value::Int)
                    .ok_or_else(|| SqlError::new("22003", "bigint out of range"))
            })
            .on(&[Float, Float], Gives::Float, |a| match a.float(1) {
                0.0 => Err(by_zero()),
                divisor => Ok((a.float(0) / divisor).trunc().into()),
            })
            .on(&[N, N], Gives::Numeric, |a| {
                Ok(a.numeric(0).divide_whole(&a.numeric(1))?.into())
            }),
        Function::new("mod")
            .on(&[Int, Int], Gives::Int8, |a| match a.int(1) {
                0 => Err(by_zero()),
                divisor => Ok(a.int(0).wrapping_rem(divisor).into()),
            })
            .on(&[Float, Float], Gives::Float, |a| match a.float(1) {
                0.0 => Err(by_zero()),
                divisor => Ok((a.float(0) % divisor).into()),
            })
            .on(&[N, N], Gives::Numeric, |a| {
                Ok(a.numeric(0).modulo(&a.numeric(1))?.into())
            }),
        Function::new("width_bucket")
            .on(&[Float, Float, Float, Int], Gives::Int4, |a| {
                bucket(a.float(0), a.float(1), a.float(2), a.int(3))
            })
            .on(&[Float, Array], Gives::Int4, bucket_between),
        float("sign", |x| {
            Ok(if x == 0.0 { 0.0 } else { x.signum() }.into())
        })
        .on(&[N], Gives::Numeric, |a| Ok(a.numeric(0).sign().into())),
        float("ceiling", |x| Ok(x.ceil().into()))
            .on(&[N], Gives::Numeric, |a| Ok(a.numeric(0).ceiling().into())),
        float("ln", |x| finite(positive(x)?.ln(), x)).on(&[N], Gives::Numeric, |a| {
            Ok(a.numeric(0).logarithm()?.into())
        }),
        float("log10", |x| finite(positive(x)?.log10(), x)).on(&[N], Gives::Numeric, to_ten),
        float("log", |x| finite(positive(x)?.log10(), x))
            .on(&[N], Gives::Numeric, to_ten)
            .on(&[N, N], Gives::Numeric, |a| {
                Ok(a.numeric(1).logarithm_to(&a.numeric(0))?.into())
            }),
        float("exp", |x| finite(x.exp(), x)).on(&[N], Gives::Numeric, |a| {
            Ok(a.numeric(0).exponential()?.into())
        }),
        float("sqrt", |x| match x < 0.0 {
            true => Err(SqlError::new(
                "2201F",
                "cannot take square root of a negative number",
            )),
            false => Ok(x.sqrt().into()),
        })
        .on(&[N], Gives::Numeric, |a| {
            Ok(a.numeric(0).square_root()?.into())
        }),
    ];
    all.map(Function::done).into()
}
