//! The binary form of types that the engine holds as text and whose binary form is not their text.

use super::EncodeError;
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use pgwire::api::Type;
use std::net::IpAddr;

/// Address families as PostgreSQL's `inet.h` numbers them: `PGSQL_AF_INET` is that of the system it was first built on.
const FAMILY_4: u8 = 2;
const FAMILY_6: u8 = 3;

/// The values of `array` as the send function of `ty` writes them; `None` for a type that is sent as what it is held as.
///
/// # Errors
/// [`EncodeError::NoText`] for a text that is no value of the type.
pub(super) fn binary(
    column: &str,
    array: &ArrayRef,
    ty: &Type,
) -> Result<Option<BinaryArray>, EncodeError> {
    let form: fn(&str) -> Option<Vec<u8>> = match *ty {
        Type::INET => |text| address(text, false),
        Type::CIDR => |text| address(text, true),
        Type::UUID => uuid,
        // The version of the format comes first.
        Type::JSONB => |text| Some([b"\x01", text.as_bytes()].concat()),
        _ => return Ok(None),
    };
    let misfit = |reason: String| EncodeError::NoText {
        column: column.to_owned(),
        reason,
    };
    let texts = cast(array, &DataType::Utf8View).map_err(|error| misfit(error.to_string()))?;
    let mut values = BinaryBuilder::with_capacity(texts.len(), texts.len() * 16);
    for text in texts.as_string_view() {
        let Some(text) = text else {
            values.append_null();
            continue;
        };
        let value = form(text).ok_or_else(|| misfit(format!("\"{text}\" is no {}", ty.name())))?;
        values.append_value(value);
    }
    Ok(Some(values.finish()))
}

/// The 16 bytes of 32 hexadecimal digits, between which hyphens stand.
fn uuid(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().filter(|c| *c != '-');
    let digits: Vec<u8> = digits
        .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    let bytes = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]);
    (digits.len() == 32).then(|| bytes.collect())
}

/// As `inet_send` writes it: family, bits of the mask, whether it is a network, length of the address, the address.
fn address(text: &str, is_network: bool) -> Option<Vec<u8>> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let (family, octets) = match address.parse().ok()? {
        IpAddr::V4(address) => (FAMILY_4, address.octets().to_vec()),
        IpAddr::V6(address) => (FAMILY_6, address.octets().to_vec()),
    };
    // At most 16.
    let length = octets.len() as u8;
    let bits = bits.unwrap_or(length * 8);
    let mut form = vec![family, bits, u8::from(is_network), length];
    form.extend(octets);
    (bits <= length * 8).then_some(form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;
    use std::sync::Arc;

    #[test]
    fn addresses_have_their_family_and_mask_before_them() {
        let texts = [Some("10.1.2.3"), None, Some("10.0.0.0/8"), Some("::1")];
        let array: ArrayRef = Arc::new(texts.into_iter().collect::<StringViewArray>());
        let binary = binary("remote", &array, &Type::INET).unwrap().unwrap();
        assert_eq!(binary.value(0), [2, 32, 0, 4, 10, 1, 2, 3]);
        assert!(binary.is_null(1));
        assert_eq!(binary.value(2), [2, 8, 0, 4, 10, 0, 0, 0]);
        assert_eq!(binary.value(3)[..4], [3, 128, 0, 16]);
    }

    #[test]
    fn a_text_that_is_no_address_is_an_error() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0.0/x", "1.2.3"] {
            let array: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
            assert!(binary("remote", &array, &Type::INET).is_err(), "{text}");
        }
    }

    #[test]
    fn other_types_have_forms_of_their_own() {
        let array: ArrayRef = Arc::new(StringViewArray::from(vec![
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ]));
        let uuids = binary("id", &array, &Type::UUID).unwrap().unwrap();
        assert_eq!(uuids.value(0)[..4], [0xa0, 0xee, 0xbc, 0x99]);
        assert_eq!(uuids.value(0).len(), 16);
        assert!(binary("id", &array, &Type::TEXT).unwrap().is_none());
        let array: ArrayRef = Arc::new(StringViewArray::from(vec!["[1]"]));
        let documents = binary("doc", &array, &Type::JSONB).unwrap().unwrap();
        assert_eq!(documents.value(0), b"\x01[1]");
        assert!(binary("id", &array, &Type::UUID).is_err());
    }
}
