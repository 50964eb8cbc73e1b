//! Conditional requests (RFC 9110, section 13): the entity tag of a resource, and what a request makes of it.
//!
//! A tag stands for what a resource is, not for its bytes: it is made of the values of those columns that neither
//! traffic nor time alone change. So a session keeps its tag while it works, and gets another one when its user, its
//! state, its connections or its filters change. It is the same whatever members, layout or coding a request asks for.

use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::refusal::Refusal;

/// The tag of the batch's first row, by these of its columns.
pub fn tag(batch: &RecordBatch, columns: &[usize]) -> String {
    let mut hasher = DefaultHasher::new();
    for column in columns {
        hash(batch.column(*column), 0, &mut hasher);
    }
    format!("\"{:016x}\"", hasher.finish())
}

fn hash(array: &ArrayRef, row: usize, hasher: &mut DefaultHasher) {
    if array.is_null(row) {
        return hasher.write_u8(0);
    }
    hasher.write_u8(1);
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).hash(hasher),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).hash(hasher),
        DataType::Utf8View => array.as_string_view().value(row).hash(hasher),
        DataType::Boolean => array.as_boolean().value(row).hash(hasher),
        DataType::Int32 => hasher.write_i32(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => hasher.write_i64(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => hasher.write_u64(array.as_primitive::<UInt64Type>().value(row)),
        DataType::Float64 => {
            let float = array.as_primitive::<Float64Type>().value(row);
            hasher.write_u64(float.to_bits());
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let moment = array.as_primitive::<TimestampMicrosecondType>();
            hasher.write_i64(moment.value(row));
        }
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            hasher.write_usize(elements.len());
            (0..elements.len()).for_each(|at| hash(&elements, at, hasher));
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns();
            columns.iter().for_each(|column| hash(column, row, hasher));
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            hasher.write_usize(entries.len());
            let columns = entries.columns();
            for column in columns {
                (0..entries.len()).for_each(|at| hash(column, at, hasher));
            }
        }
        // No resource has such a column: those that have a form in documents are above.
        _ => {}
    }
}

/// Refuses to change a list on a condition, which names none of its tags: lists are live and have none.
///
/// # Errors
/// 412 when the condition does not hold.
pub fn check_list(headers: &HeaderMap) -> Result<(), Refusal> {
    if names(headers, IF_MATCH, None) == Some(false) {
        let detail = "lists have no ETag that If-Match could name";
        return Err(Refusal::new(StatusCode::PRECONDITION_FAILED, detail));
    }
    match names(headers, IF_NONE_MATCH, None) {
        Some(true) => Err(still_there()),
        _ => Ok(()),
    }
}

fn still_there() -> Refusal {
    let detail = "the resource is still what If-None-Match names";
    Refusal::new(StatusCode::PRECONDITION_FAILED, detail)
}

/// What becomes of a request for a resource with this tag: done, or answered with the status alone.
///
/// # Errors
/// 412 when the request is for a resource that was something else.
pub fn check(headers: &HeaderMap, tag: &str, reads: bool) -> Result<Option<StatusCode>, Refusal> {
    let failed = || {
        let detail = "the resource has changed: its ETag is another one than If-Match names";
        Refusal::new(StatusCode::PRECONDITION_FAILED, detail)
    };
    if names(headers, IF_MATCH, Some(tag)) == Some(false) {
        return Err(failed());
    }
    match (names(headers, IF_NONE_MATCH, Some(tag)), reads) {
        (Some(true), true) => Ok(Some(StatusCode::NOT_MODIFIED)),
        (Some(true), false) => Err(still_there()),
        _ => Ok(None),
    }
}

/// Whether a header names the tag of what there is, if it has one; `None` when there is no such header. A tag that was weakened on its way (a proxy
/// that compresses does that) is still the same, since tags are no bytes here.
fn names(headers: &HeaderMap, name: HeaderName, tag: Option<&str>) -> Option<bool> {
    let mut there = None;
    for value in headers.get_all(name) {
        let value = value.to_str().unwrap_or_default();
        let mut tags = value.split(',').map(str::trim);
        let found = tags.any(|named| named == "*" || Some(named.trim_start_matches("W/")) == tag);
        there = Some(found || there == Some(true));
    }
    there
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use axum::http::HeaderValue;

    use super::*;

    fn row(id: i64, user: Option<&str>) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("user", DataType::Utf8, true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![id])),
            Arc::new(StringArray::from(vec![user])),
        ];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    #[test]
    fn tags_follow_their_columns() {
        let tag_of = |id, user| tag(&row(id, user), &[0, 1]);
        assert_eq!(tag_of(1, Some("a")), tag_of(1, Some("a")));
        let others = [tag_of(2, Some("a")), tag_of(1, Some("b")), tag_of(1, None)];
        assert!(others.iter().all(|other| *other != tag_of(1, Some("a"))));
        assert_eq!(tag(&row(1, Some("a")), &[1]), tag(&row(2, Some("a")), &[1]));
    }

    #[test]
    fn a_list_is_there_and_has_no_tag() {
        let passes = |name: HeaderName, value: &'static str| {
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            check_list(&headers).is_ok()
        };
        assert!(check_list(&HeaderMap::new()).is_ok());
        assert!(passes(IF_MATCH, "*") && !passes(IF_NONE_MATCH, "*"));
        for tag in ["\"a\"", "W/\"a\"", ""] {
            assert!(
                !passes(IF_MATCH, tag) && passes(IF_NONE_MATCH, tag),
                "{tag}"
            );
        }
    }

    #[test]
    fn conditions_are_those_of_http() {
        let check = |name: HeaderName, value: &'static str, reads| {
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            check(&headers, "\"a\"", reads)
                .map(|status| status.map(|status| status.as_u16()))
                .map_err(|refusal| refusal.status.as_u16())
        };
        for named in ["\"a\"", "*", "\"b\", \"a\"", "W/\"a\""] {
            assert_eq!(check(IF_MATCH, named, false), Ok(None), "{named}");
            assert_eq!(check(IF_NONE_MATCH, named, true), Ok(Some(304)), "{named}");
            assert_eq!(check(IF_NONE_MATCH, named, false), Err(412), "{named}");
        }
        for other in ["\"b\"", "", "a", "\"A\""] {
            assert_eq!(check(IF_MATCH, other, true), Err(412), "{other}");
            assert_eq!(check(IF_NONE_MATCH, other, true), Ok(None), "{other}");
        }
    }
}
