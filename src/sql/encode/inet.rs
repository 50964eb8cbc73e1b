//! The binary form of network addresses, which the engine holds as text.

use super::EncodeError;
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use std::net::IpAddr;

/// Address families as PostgreSQL's `inet.h` numbers them: `PGSQL_AF_INET` is that of the system it was first built on.
const FAMILY_4: u8 = 2;
const FAMILY_6: u8 = 3;

/// The addresses as `inet_send` writes them: family, bits of the mask, whether it is a network, length of the address,
/// the address.
///
/// # Errors
/// [`EncodeError::NoText`] for a text that is no address.
pub(super) fn binary(
    column: &str,
    array: &ArrayRef,
    is_network: bool,
) -> Result<BinaryArray, EncodeError> {
    let no_address = |reason: String| EncodeError::NoText {
        column: column.to_owned(),
        reason,
    };
    let texts = cast(array, &DataType::Utf8View).map_err(|error| no_address(error.to_string()))?;
    let mut addresses = BinaryBuilder::with_capacity(texts.len(), texts.len() * 8);
    for text in texts.as_string_view() {
        let Some(text) = text else {
            addresses.append_null();
            continue;
        };
        let address = parse(text, is_network);
        let address = address.ok_or_else(|| no_address(format!("\"{text}\" is no address")))?;
        addresses.append_value(address);
    }
    Ok(addresses.finish())
}

fn parse(text: &str, is_network: bool) -> Option<Vec<u8>> {
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
        let binary = binary("remote", &array, false).unwrap();
        assert_eq!(binary.value(0), [2, 32, 0, 4, 10, 1, 2, 3]);
        assert!(binary.is_null(1));
        assert_eq!(binary.value(2), [2, 8, 0, 4, 10, 0, 0, 0]);
        assert_eq!(binary.value(3)[..4], [3, 128, 0, 16]);
    }

    #[test]
    fn a_text_that_is_no_address_is_an_error() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0.0/x", "1.2.3"] {
            let array: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
            assert!(binary("remote", &array, false).is_err(), "{text}");
        }
    }
}
