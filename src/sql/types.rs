//! Which PostgreSQL type a client is told about for an Arrow type.
//!
//! Clients choose their decoder by the OID in RowDescription, so only types that every PostgreSQL driver knows
//! are named here: unsigned integers become the next wider signed type, and what has no counterpart is text.

use arrow::datatypes::DataType;
use pgwire::api::Type;

pub use super::message::Format;

/// The PostgreSQL type under which values of `data_type` are sent.
pub fn pg_type(data_type: &DataType) -> Type {
    use DataType as D;
    match data_type {
        D::Boolean => Type::BOOL,
        D::Int8 | D::Int16 | D::UInt8 => Type::INT2,
        D::Int32 | D::UInt16 => Type::INT4,
        D::Int64 | D::UInt32 | D::UInt64 => Type::INT8,
        D::Float16 | D::Float32 => Type::FLOAT4,
        D::Float64 => Type::FLOAT8,
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => {
            Type::NUMERIC
        }
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => Type::BYTEA,
        D::Date32 | D::Date64 => Type::DATE,
        D::Time32(_) | D::Time64(_) => Type::TIME,
        D::Timestamp(_, None) => Type::TIMESTAMP,
        D::Timestamp(_, Some(_)) => Type::TIMESTAMPTZ,
        D::Interval(_) | D::Duration(_) => Type::INTERVAL,
        D::List(item)
        | D::LargeList(item)
        | D::FixedSizeList(item, _)
        | D::ListView(item)
        | D::LargeListView(item) => array_type(&pg_type(item.data_type())),
        D::Struct(_) => Type::RECORD,
        D::Dictionary(_, value) => pg_type(value),
        _ => Type::TEXT,
    }
}

/// The array type whose elements are `element`. An array type is its own: PostgreSQL's arrays carry their
/// number of dimensions in the value, not in the type.
fn array_type(element: &Type) -> Type {
    match *element {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT2 => Type::INT2_ARRAY,
        Type::INT4 => Type::INT4_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::FLOAT4 => Type::FLOAT4_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::NUMERIC => Type::NUMERIC_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIME => Type::TIME_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::INTERVAL => Type::INTERVAL_ARRAY,
        Type::RECORD => Type::RECORD_ARRAY,
        Type::TEXT => Type::TEXT_ARRAY,
        ref array => array.clone(),
    }
}

/// `typlen` of a type that [`pg_type`] names, in bytes; -1 for variable length.
pub fn type_len(ty: &Type) -> i16 {
    match *ty {
        Type::BOOL => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::INTERVAL => 16,
        _ => -1,
    }
}

/// The name that PostgreSQL's messages give the type of `data_type`: `bigint`, `timestamp with time zone`, `text[]`.
pub fn sql_name(data_type: &DataType) -> &'static str {
    match pg_type(data_type) {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::NUMERIC => "numeric",
        Type::BYTEA => "bytea",
        Type::DATE => "date",
        Type::TIME => "time without time zone",
        Type::TIMESTAMP => "timestamp without time zone",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        Type::INTERVAL => "interval",
        Type::RECORD => "record",
        Type::BOOL_ARRAY => "boolean[]",
        Type::INT2_ARRAY => "smallint[]",
        Type::INT4_ARRAY => "integer[]",
        Type::INT8_ARRAY => "bigint[]",
        Type::FLOAT4_ARRAY => "real[]",
        Type::FLOAT8_ARRAY => "double precision[]",
        Type::NUMERIC_ARRAY => "numeric[]",
        Type::BYTEA_ARRAY => "bytea[]",
        Type::DATE_ARRAY => "date[]",
        Type::TIME_ARRAY => "time without time zone[]",
        Type::TIMESTAMP_ARRAY => "timestamp without time zone[]",
        Type::TIMESTAMPTZ_ARRAY => "timestamp with time zone[]",
        Type::INTERVAL_ARRAY => "interval[]",
        Type::RECORD_ARRAY => "record[]",
        Type::TEXT_ARRAY => "text[]",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{Field, TimeUnit};
    use std::sync::Arc;

    #[test]
    fn every_arrow_type_has_a_type_that_clients_know() {
        let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
        let cases = [
            (DataType::UInt8, Type::INT2, 2, "smallint"),
            (DataType::UInt16, Type::INT4, 4, "integer"),
            (DataType::UInt64, Type::INT8, 8, "bigint"),
            (DataType::Float16, Type::FLOAT4, 4, "real"),
            (DataType::Null, Type::TEXT, -1, "text"),
            (DataType::Utf8View, Type::TEXT, -1, "text"),
            (
                DataType::Timestamp(TimeUnit::Second, Some("UTC".into())),
                Type::TIMESTAMPTZ,
                8,
                "timestamp with time zone",
            ),
            (
                DataType::Duration(TimeUnit::Second),
                Type::INTERVAL,
                16,
                "interval",
            ),
            (list(DataType::Utf8View), Type::TEXT_ARRAY, -1, "text[]"),
            (
                list(list(DataType::Int32)),
                Type::INT4_ARRAY,
                -1,
                "integer[]",
            ),
            (
                list(DataType::Struct(Default::default())),
                Type::RECORD_ARRAY,
                -1,
                "record[]",
            ),
            (
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
                Type::TEXT,
                -1,
                "text",
            ),
        ];
        for (arrow, pg, len, name) in cases {
            assert_eq!(
                (pg_type(&arrow), type_len(&pg), sql_name(&arrow)),
                (pg, len, name),
                "{arrow}"
            );
        }
    }
}
