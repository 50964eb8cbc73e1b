//! Which PostgreSQL type a client is told about for an Arrow type.
//!
//! Clients choose their decoder by the OID in RowDescription, so only types that every PostgreSQL driver knows
//! are named here: unsigned integers become the next wider signed type, but those of 32 bits are oids, and what has no
//! counterpart is text. Columns of the system's relations are of some types more: these say so themselves.

use arrow::datatypes::{DataType, Field};
use pgwire::api::Type;

use crate::catalog::{MODIFIER, TYPE};

pub use super::message::Format;

/// The PostgreSQL type under which values of a field are sent: the one that it says itself, or that of its Arrow type.
pub fn pg_type_of(field: &Field) -> Type {
    let said = field.metadata().get(TYPE);
    let said = said.and_then(|name| said_type(name, field.data_type()));
    said.unwrap_or_else(|| pg_type(field.data_type()))
}

/// The modifier of a field's type; -1 if it has none.
pub(super) fn modifier_of(field: &Field) -> i32 {
    let said = field.metadata().get(MODIFIER);
    said.and_then(|said| said.parse().ok()).unwrap_or(-1)
}

/// The types of things of the catalog, which are sent as oids in binary and as names in text, with those of arrays of
/// such: `NAME(value)` gives the oid and `NAMEout(oid)` the name.
static REFERENCES: [(Type, Type); 11] = [
    (Type::REGCLASS, Type::REGCLASS_ARRAY),
    (Type::REGCOLLATION, Type::REGCOLLATION_ARRAY),
    (Type::REGCONFIG, Type::REGCONFIG_ARRAY),
    (Type::REGDICTIONARY, Type::REGDICTIONARY_ARRAY),
    (Type::REGNAMESPACE, Type::REGNAMESPACE_ARRAY),
    (Type::REGOPER, Type::REGOPER_ARRAY),
    (Type::REGOPERATOR, Type::REGOPERATOR_ARRAY),
    (Type::REGPROC, Type::REGPROC_ARRAY),
    (Type::REGPROCEDURE, Type::REGPROCEDURE_ARRAY),
    (Type::REGROLE, Type::REGROLE_ARRAY),
    (Type::REGTYPE, Type::REGTYPE_ARRAY),
];

/// What these types are called.
pub(crate) fn reference_names() -> impl Iterator<Item = &'static str> {
    REFERENCES.iter().map(|(reference, _)| reference.name())
}

fn refers(ty: &Type) -> bool {
    REFERENCES.iter().any(|(reference, _)| reference == ty)
}

/// Whether values of a field are references in both forms: the oid and the name.
pub(super) fn is_reference(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Struct(_)) && refers(&pg_type_of(field))
}

/// How many characters a text of the field's type is filled up to.
pub(super) fn fixed_length(field: &Field) -> Option<usize> {
    let length = modifier_of(field).checked_sub(4)?;
    let length = usize::try_from(length).ok()?;
    (pg_type_of(field) == Type::BPCHAR).then_some(length)
}

/// The type of this internal name, if its values are held as `data_type`.
fn said_type(name: &str, data_type: &DataType) -> Option<Type> {
    use DataType as D;
    if matches!(data_type, D::UInt32 | D::Struct(_)) && name.starts_with("reg") {
        let mut references = REFERENCES.iter().map(|(reference, _)| reference);
        return references.find(|known| known.name() == name).cloned();
    }
    let is_list = matches!(data_type, D::List(_));
    if is_list && name.starts_with("_reg") {
        let mut arrays = REFERENCES.iter().map(|(_, array)| array);
        return arrays.find(|known| known.name() == name).cloned();
    }
    let is_list_of_texts = matches!(data_type, D::List(item) if item.data_type().is_string());
    let is_text = matches!(data_type, D::Utf8 | D::LargeUtf8 | D::Utf8View);
    Some(match name {
        "name" if is_text => Type::NAME,
        "char" if is_text => Type::CHAR,
        "varchar" if is_text => Type::VARCHAR,
        "bpchar" if is_text => Type::BPCHAR,
        "uuid" if is_text => Type::UUID,
        "json" if is_text => Type::JSON,
        "jsonb" if is_text => Type::JSONB,
        "inet" if is_text => Type::INET,
        "cidr" if is_text => Type::CIDR,
        "pg_node_tree" if is_text => Type::PG_NODE_TREE,
        "pg_lsn" if is_text => Type::PG_LSN,
        "anyarray" if is_text => Type::ANYARRAY,
        "pg_ndistinct" if is_text => Type::PG_NDISTINCT,
        "pg_dependencies" if is_text => Type::PG_DEPENDENCIES,
        "pg_mcv_list" if is_text => Type::PG_MCV_LIST,
        "xid" if *data_type == D::UInt32 => Type::XID,
        "int2vector" if is_list => Type::INT2_VECTOR,
        "oidvector" if is_list => Type::OID_VECTOR,
        "_bpchar" if is_list_of_texts => Type::BPCHAR_ARRAY,
        "_cidr" if is_list_of_texts => Type::CIDR_ARRAY,
        "_inet" if is_list_of_texts => Type::INET_ARRAY,
        "_json" if is_list_of_texts => Type::JSON_ARRAY,
        "_jsonb" if is_list_of_texts => Type::JSONB_ARRAY,
        "_uuid" if is_list_of_texts => Type::UUID_ARRAY,
        "_varchar" if is_list_of_texts => Type::VARCHAR_ARRAY,
        "_name" if is_list => Type::NAME_ARRAY,
        "_char" if is_list => Type::CHAR_ARRAY,
        "_aclitem" if is_list => Type::ACLITEM_ARRAY,
        _ => return None,
    })
}

/// The PostgreSQL type under which values of `data_type` are sent.
pub fn pg_type(data_type: &DataType) -> Type {
    use DataType as D;
    match data_type {
        D::Boolean => Type::BOOL,
        D::Int8 | D::Int16 | D::UInt8 => Type::INT2,
        D::Int32 | D::UInt16 => Type::INT4,
        D::UInt32 => Type::OID,
        D::Int64 | D::UInt64 => Type::INT8,
        D::Float16 | D::Float32 => Type::FLOAT4,
        D::Float64 => Type::FLOAT8,
        D::LargeBinary
        | D::Decimal32(..)
        | D::Decimal64(..)
        | D::Decimal128(..)
        | D::Decimal256(..) => Type::NUMERIC,
        D::Binary | D::BinaryView | D::FixedSizeBinary(_) => Type::BYTEA,
        D::Date32 | D::Date64 => Type::DATE,
        D::Time32(_) | D::Time64(_) => Type::TIME,
        D::Timestamp(_, None) => Type::TIMESTAMP,
        D::Timestamp(_, Some(_)) => Type::TIMESTAMPTZ,
        D::Interval(_) | D::Duration(_) => Type::INTERVAL,
        D::List(item)
        | D::LargeList(item)
        | D::FixedSizeList(item, _)
        | D::ListView(item)
        | D::LargeListView(item) => array_type(&pg_type_of(item)),
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
        Type::OID => Type::OID_ARRAY,
        Type::XID => Type::XID_ARRAY,
        Type::NAME => Type::NAME_ARRAY,
        Type::CHAR => Type::CHAR_ARRAY,
        Type::VARCHAR => Type::VARCHAR_ARRAY,
        Type::BPCHAR => Type::BPCHAR_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        Type::JSON => Type::JSON_ARRAY,
        Type::JSONB => Type::JSONB_ARRAY,
        Type::INET => Type::INET_ARRAY,
        Type::CIDR => Type::CIDR_ARRAY,
        Type::TEXT => Type::TEXT_ARRAY,
        ref array => array.clone(),
    }
}

/// `typlen` of a type that [`pg_type`] names, in bytes; -1 for variable length.
pub fn type_len(ty: &Type) -> i16 {
    match *ty {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID | Type::XID => 4,
        ref reference if refers(reference) => 4,
        Type::PG_LSN
        | Type::INT8
        | Type::FLOAT8
        | Type::TIME
        | Type::TIMESTAMP
        | Type::TIMESTAMPTZ => 8,
        Type::INTERVAL | Type::UUID => 16,
        Type::NAME => 64,
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
        Type::OID => "oid",
        Type::OID_ARRAY => "oid[]",
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

/// Whether values of a type are texts in their binary form too.
pub(super) fn is_text_type(oid: u32) -> bool {
    let known = Type::from_oid(oid);
    known.is_some_and(|known| {
        matches!(
            known,
            Type::TEXT
                | Type::VARCHAR
                | Type::BPCHAR
                | Type::NAME
                | Type::CHAR
                | Type::UNKNOWN
                | Type::JSON
                | Type::JSONB
                | Type::XML
        )
    })
}

/// Whether values of a type are arrays of such.
pub(super) fn is_array_of_texts(oid: u32) -> bool {
    let known = Type::from_oid(oid);
    known.is_some_and(|known| {
        matches!(
            known,
            Type::TEXT_ARRAY
                | Type::VARCHAR_ARRAY
                | Type::BPCHAR_ARRAY
                | Type::NAME_ARRAY
                | Type::JSON_ARRAY
                | Type::JSONB_ARRAY
        )
    })
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
            (DataType::UInt32, Type::OID, 4, "oid"),
            (list(DataType::UInt32), Type::OID_ARRAY, -1, "oid[]"),
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
    #[test]
    fn a_field_says_what_arrow_has_no_type_for() {
        let said = |data_type, name: &str| {
            let metadata = [(TYPE.to_owned(), name.to_owned())];
            pg_type_of(&Field::new("c", data_type, true).with_metadata(metadata.into()))
        };
        let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
        assert_eq!(said(DataType::Utf8View, "name"), Type::NAME);
        assert_eq!(said(DataType::Utf8View, "inet"), Type::INET);
        assert_eq!(said(DataType::UInt32, "xid"), Type::XID);
        assert_eq!(said(list(DataType::Int16), "int2vector"), Type::INT2_VECTOR);
        // What became of the values counts, not what they were.
        assert_eq!(said(DataType::Int64, "name"), Type::INT8);
        assert_eq!(said(DataType::Utf8, "made_up"), Type::TEXT);
    }
}
