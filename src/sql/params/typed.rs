//! Texts of types that the engine holds as text: checked, and in the form that PostgreSQL writes.

use super::json;
use crate::sql::sqlstate::SqlError;
use std::net::IpAddr;

/// The text of a value of the type `name` as PostgreSQL would write it; a text of another type stays as it is.
///
/// # Errors
/// 22P02 for a text that is no value of the type.
pub fn typed_text(name: &str, text: &str) -> Result<String, SqlError> {
    match name {
        "uuid" => uuid(text).map_or_else(
            || {
                let message = format!("invalid input syntax for type uuid: \"{text}\"");
                Err(SqlError::new("22P02", message))
            },
            Ok,
        ),
        "inet" => match is_address(text.trim()) {
            true => Ok(text.trim().to_owned()),
            false => {
                let message = format!("invalid input syntax for type inet: \"{text}\"");
                Err(SqlError::new("22P02", message))
            }
        },
        "json" => json::check(text).map(|()| text.to_owned()),
        "jsonb" => json::binary(text),
        _ => Ok(text.to_owned()),
    }
}

/// An address, and the bits of its mask or not.
fn is_address(text: &str) -> bool {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, bits.parse::<u8>().ok()),
        None => (text, Some(0)),
    };
    match (address.parse(), bits) {
        (Ok(IpAddr::V4(_)), Some(bits)) => bits <= 32,
        (Ok(IpAddr::V6(_)), Some(bits)) => bits <= 128,
        _ => false,
    }
}

/// 32 hexadecimal digits, with a hyphen after any group of four, in braces or not.
fn uuid(text: &str) -> Option<String> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let mut digits = 0_usize;
    let mut written = String::with_capacity(36);
    let mut after_hyphen = true;
    for c in bare.chars() {
        match c {
            '-' if !after_hyphen && digits.is_multiple_of(4) => after_hyphen = true,
            c if c.is_ascii_hexdigit() && digits < 32 => {
                if matches!(digits, 8 | 12 | 16 | 20) {
                    written.push('-');
                }
                written.push(c.to_ascii_lowercase());
                digits += 1;
                after_hyphen = false;
            }
            _ => return None,
        }
    }
    (digits == 32 && !after_hyphen).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::typed_text;
    use proptest::prelude::*;

    #[test]
    fn texts_take_the_form_that_postgresql_writes() {
        for (name, text, written) in [
            (
                "uuid",
                "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ),
            (
                "uuid",
                "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ),
            (
                "uuid",
                "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ),
            ("json", "{\"a\":  1 }", "{\"a\":  1 }"),
            (
                "jsonb",
                "{\"bb\":1,\"a\":[1,null, \"x\"]}",
                "{\"a\": [1, null, \"x\"], \"bb\": 1}",
            ),
            ("inet", " 10.0.0.1/8", "10.0.0.1/8"),
            ("text", "as it is", "as it is"),
        ] {
            assert_eq!(
                typed_text(name, text).as_deref().ok(),
                Some(written),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused() {
        for (name, text) in [
            ("uuid", ""),
            ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"),
            ("uuid", "a0eebc99--9c0b4ef8bb6d6bb9bd380a11"),
            ("uuid", "{a0eebc999c0b4ef8bb6d6bb9bd380a11"),
            ("uuid", "a-0eebc999c0b4ef8bb6d6bb9bd380a11"),
            ("json", "{"),
            ("inet", "10.0.0.1/33"),
            ("inet", "localhost"),
            ("jsonb", "nothing"),
        ] {
            assert_eq!(
                typed_text(name, text).map_err(|e| e.code),
                Err("22P02"),
                "{name} {text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(name in "uuid|json|jsonb|inet", text in ".{0,40}") {
            if let Ok(written) = typed_text(&name, &text) {
                prop_assert_eq!(typed_text(&name, &written).ok(), Some(written));
            }
        }
    }
}
