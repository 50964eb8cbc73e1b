//! `numeric`: conversions, arithmetic, and what comparisons go by.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::output::Value;
use super::value::{Kind, Row};
use crate::proxy::postgres::error::SqlError;
use crate::sql::numeric::{Numeric, ordered};

/// The function that makes a `numeric` of another number or a text.
pub(in crate::catalog) const TO_NUMERIC: &str = "numeric";

/// The function that makes a `double precision` of a numeric.
pub(in crate::catalog) const TO_FLOAT: &str = "float8";

/// The function that gives what is the same of equal values.
pub(in crate::catalog) const KEY: &str = "numeric_key";

/// The same for the elements of an array.
pub(in crate::catalog) const KEYS: &str = "numeric_keys";

/// The function that makes numerics of the elements of an array.
pub(in crate::catalog) const TO_NUMERICS: &str = "numerics";

/// The function that makes numbers of floating point of the elements of an array of numerics.
pub(in crate::catalog) const TO_FLOATS: &str = "float8s";

/// The function that gives a text by which numerics sort: windows have no room for other bytes.
pub(in crate::catalog) const ORDER: &str = "numeric_order";

/// The function that takes away zeros at the end.
pub(in crate::catalog) const TRIM: &str = "trim_scale";

/// The function that changes the sign.
pub(in crate::catalog) const NEGATE: &str = "numeric_uminus";

/// Functions of two numerics that operators are: `+`, `-`, `*`, `/`, `%`, `^`.
pub(in crate::catalog) const OPERATORS: [&str; 6] = [
    "numeric_add",
    "numeric_sub",
    "numeric_mul",
    "numeric_div",
    "numeric_mod",
    "numeric_power",
];

/// The function that makes an integer of so many bytes, a `real` or a `double precision` of a numeric.
pub(in crate::catalog) fn number_converter(wanted: &DataType) -> Option<&'static str> {
    use DataType as D;
    Some(match wanted {
        D::Int16 => "int2",
        D::Int32 => "int4",
        D::Int64 => "int8",
        D::Float32 => "float4",
        D::Float64 => TO_FLOAT,
        D::LargeBinary => TO_NUMERIC,
        _ => return None,
    })
}

/// A numeric as an integer between two bounds.
fn integer(value: &Numeric, name: &str, bounds: (i64, i64)) -> Answer {
    let refused = |what: &str| {
        let message = format!("cannot convert {what} to {name}");
        Err(SqlError::new("0A000", message))
    };
    match value {
        Numeric::NaN => return refused("NaN"),
        Numeric::Infinite { .. } => return refused("infinity"),
        Numeric::Number(_) => {}
    }
    let whole = value.to_i128().and_then(|whole| i64::try_from(whole).ok());
    match whole.filter(|whole| (bounds.0..=bounds.1).contains(whole)) {
        Some(whole) => Ok(Value::Int(whole)),
        None => Err(SqlError::new("22003", format!("{name} out of range"))),
    }
}

fn fitted(a: &Row<'_>) -> Answer {
    Ok(a.numeric(0).fitted(a.int(1), a.int(2))?.into())
}

/// The greatest common divisor, shown as the longer of both.
fn common_divisor(one: &Numeric, two: &Numeric) -> Result<Numeric, SqlError> {
    let (mut one, mut two) = (one.clone().absolute(), two.clone().absolute());
    while !two.is_zero() {
        let rest = one.modulo(&two)?;
        (one, two) = (two, rest);
    }
    let scale = one.scale().max(two.scale());
    Ok(match scale {
        Some(scale) => one.rounded(scale.into()),
        None => one,
    })
}

fn common_multiple(one: &Numeric, two: &Numeric) -> Result<Numeric, SqlError> {
    let divisor = common_divisor(one, two)?;
    if divisor.is_zero() {
        return Ok(divisor);
    }
    let scale = one.scale().max(two.scale()).unwrap_or(0);
    let product = one.divide_whole(&divisor)?.multiply(two)?;
    Ok(product.absolute().rounded(scale.into()))
}

/// Functions that take numerics beside what the engine's own of the same names take.
pub(super) fn beside_engine() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Int, Numeric as N};
    let one = |name, of: fn(Numeric) -> Answer| {
        Function::new(name).on(&[N], Gives::Numeric, move |a| of(a.numeric(0)))
    };
    let two = |name, of: fn(&Numeric, &Numeric) -> Result<Numeric, SqlError>| {
        Function::new(name).on(&[N, N], Gives::Numeric, move |a| {
            Ok(of(&a.numeric(0), &a.numeric(1))?.into())
        })
    };
    let all = [
        one("abs", |x| Ok(x.absolute().into())),
        one("ceil", |x| Ok(x.ceiling().into())),
        one("floor", |x| Ok(x.floor().into())),
        one("round", |x| Ok(x.rounded(0).into()))
            .on(&[N, Int], Gives::Numeric, |a| {
                Ok(a.numeric(0).rounded(a.int(1)).into())
            })
            .on(&[Kind::Float], Gives::Float, |a| {
                Ok(a.float(0).round_ties_even().into())
            }),
        one("trunc", |x| Ok(x.truncated(0).into())).on(&[N, Int], Gives::Numeric, |a| {
            Ok(a.numeric(0).truncated(a.int(1)).into())
        }),
        two("power", Numeric::power),
        two("gcd", common_divisor),
        two("lcm", common_multiple),
    ];
    all.map(Function::done).into()
}

pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use Kind::{Any, Float, Int, Numeric as N};
    let operator = |name, of: fn(&Numeric, &Numeric) -> Result<Numeric, SqlError>| {
        Function::new(name).on(&[N, N], Gives::Numeric, move |a| {
            Ok(of(&a.numeric(0), &a.numeric(1))?.into())
        })
    };
    let whole = |name, gives, called: &'static str, bounds: (i64, i64)| {
        Function::new(name)
            .on(&[N], gives, move |a| integer(&a.numeric(0), called, bounds))
            .on(&[Float], gives, move |a| {
                // Half to even, as the processor rounds.
                let whole = a.float(0).round_ties_even();
                let is_inside = (bounds.0 as f64..=bounds.1 as f64).contains(&whole);
                // The upper bound of a bigint is rounded up itself.
                match is_inside && whole < 9_223_372_036_854_775_808.0 {
                    true => Ok(Value::Int(whole as i64)),
                    false => Err(SqlError::new("22003", format!("{called} out of range"))),
                }
            })
    };
    let small = Gives::Of(|_, _| DataType::Int16);
    let real = Gives::Of(|_, _| DataType::Float32);
    let all = [
        Function::new(TO_NUMERIC)
            .on(&[N], Gives::Numeric, |a| Ok(a.numeric(0).into()))
            .on(&[N, Int, Int], Gives::FittedNumeric, fitted),
        Function::new("float4").on(&[Float], real, |a| {
            let narrow = arrow::array::Float32Array::from(vec![a.float(0) as f32]);
            Ok(Value::One(Arc::new(narrow)))
        }),
        whole(
            "int2",
            small,
            "smallint",
            (i16::MIN.into(), i16::MAX.into()),
        ),
        whole(
            "int4",
            Gives::Int4,
            "integer",
            (i32::MIN.into(), i32::MAX.into()),
        ),
        whole("int8", Gives::Int8, "bigint", (i64::MIN, i64::MAX)),
        Function::new(KEY).on(&[N], Gives::Bytes, |a| {
            Ok(ordered::key(a.numeric_bytes(0)).to_vec().into())
        }),
        Function::new(ORDER).on(&[N], Gives::Text, |a| {
            let mut text = String::new();
            for byte in ordered::key(a.numeric_bytes(0)) {
                // Writing to a String does not fail.
                let _ = write!(text, "{byte:02x}");
            }
            Ok(text.into())
        }),
        Function::new(KEYS).on(
            &[Any],
            Gives::Of(|_, _| super::value::list_of(ordered::KEY)),
            |a| super::numbers::numeric_keys(&a.elements(0)),
        ),
        Function::new(TO_NUMERICS).on(
            &[Kind::Array],
            Gives::Of(|_, _| super::value::list_of(ordered::COLUMN)),
            |a| {
                let numbers = super::numbers::numerics(&a.elements(0));
                let numbers = numbers.map_err(|error| SqlError::from_engine(&error))?;
                Ok(super::sets::one_list(Arc::new(numbers)))
            },
        ),
        Function::new(TO_FLOATS).on(
            &[Kind::Array],
            Gives::Of(|_, _| super::value::list_of(DataType::Float64)),
            |a| {
                let elements = super::numbers::numerics(&a.elements(0));
                let elements: ArrayRef = Arc::new(elements.map_err(|e| SqlError::from_engine(&e))?);
                Ok(super::sets::one_list(Arc::new(super::numbers::floats(
                    &elements,
                ))))
            },
        ),
        Function::new(NEGATE).on(&[N], Gives::Numeric, |a| Ok(a.numeric(0).negated().into())),
        operator(OPERATORS[0], Numeric::add),
        operator(OPERATORS[1], Numeric::subtract),
        operator(OPERATORS[2], Numeric::multiply),
        operator(OPERATORS[3], Numeric::divide),
        operator(OPERATORS[4], Numeric::modulo),
        operator(OPERATORS[5], Numeric::power),
        Function::new("scale").on(&[N], Gives::Int4, |a| {
            Ok(a.numeric(0).scale().map(|scale| scale as i32).into())
        }),
        Function::new("min_scale").on(&[N], Gives::Int4, |a| {
            Ok(a.numeric(0).least_scale().map(|scale| scale as i32).into())
        }),
        Function::new(TRIM).on(&[N], Gives::Numeric, |a| Ok(a.numeric(0).trimmed().into())),
    ];
    all.map(Function::done).into()
}
