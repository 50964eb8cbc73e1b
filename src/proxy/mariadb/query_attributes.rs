//! What stands before the text of COM_QUERY where client and server have agreed on CLIENT_QUERY_ATTRIBUTES (MySQL's
//! "COM_QUERY"): values by name, in the binary form of a prepared statement's. MariaDB has none.

use super::packet::Values;

/// None of them, in one set.
pub(super) const NONE: &[u8] = &[0, 1];
/// How many bytes of them are gone through, at most: what is behind more is not found.
pub(super) const BYTES_MAX: usize = 4096;

/// Types whose values are not bytes behind their length (`enum_field_types`).
const TINY: u8 = 1;
const SHORT: u8 = 2;
const LONG: u8 = 3;
const FLOAT: u8 = 4;
const DOUBLE: u8 = 5;
const NULL: u8 = 6;
const LONGLONG: u8 = 8;
const INT24: u8 = 9;
const YEAR: u8 = 13;

/// The attributes and the text behind them; `None` when they do not end.
pub(super) fn split(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut values = Values(argument);
    let count = usize::try_from(values.int()?).ok()?;
    // Sets of them: one.
    values.int()?;
    if count > 0 {
        let nulls = values.bytes(count.div_ceil(8))?;
        // There are types each time.
        if values.u8()? != 1 {
            return None;
        }
        let mut types = values;
        for _ in 0..count {
            values.u16()?;
            values.string()?;
        }
        for at in 0..count {
            let [kind, _] = types.u16()?.to_le_bytes();
            types.string()?;
            let is_null = nulls
                .get(at / 8)
                .is_some_and(|byte| byte >> (at % 8) & 1 == 1);
            if !is_null {
                value(&mut values, kind)?;
            }
        }
    }
    argument.split_at_checked(argument.len() - values.0.len())
}

fn value(values: &mut Values<'_>, kind: u8) -> Option<()> {
    match kind {
        NULL => {}
        TINY => drop(values.bytes(1)?),
        SHORT | YEAR => drop(values.bytes(2)?),
        LONG | INT24 | FLOAT => drop(values.bytes(4)?),
        LONGLONG | DOUBLE => drop(values.bytes(8)?),
        // Those of dates and times have a length, too, which is always short.
        _ => drop(values.string()?),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A type, a name and a value in its binary form.
    fn attribute() -> impl Strategy<Value = (u8, String, Option<Vec<u8>>)> {
        let value = |kind: u8| match kind {
            NULL => 0..=0,
            TINY => 1..=1,
            SHORT | YEAR => 2..=2,
            LONG | INT24 | FLOAT => 4..=4,
            LONGLONG | DOUBLE => 8..=8,
            _ => 0..=200,
        };
        any::<u8>().prop_flat_map(move |kind| {
            let bytes = prop::collection::vec(any::<u8>(), value(kind));
            (Just(kind), "[a-z]{0,20}", prop::option::of(bytes))
        })
    }

    fn written(attributes: &[(u8, String, Option<Vec<u8>>)]) -> Vec<u8> {
        let mut bytes = vec![attributes.len() as u8, 1];
        if attributes.is_empty() {
            return bytes;
        }
        let mut nulls = vec![0; attributes.len().div_ceil(8)];
        for (at, (.., value)) in attributes.iter().enumerate() {
            nulls[at / 8] |= u8::from(value.is_none()) << (at % 8);
        }
        bytes.extend(nulls);
        bytes.push(1);
        for (kind, name, _) in attributes {
            bytes.extend([*kind, 0, name.len() as u8]);
            bytes.extend(name.as_bytes());
        }
        for (kind, _, value) in attributes {
            let fixed = matches!(*kind, TINY..=NULL | LONGLONG | INT24 | YEAR);
            if let Some(value) = value {
                if !fixed {
                    bytes.push(value.len() as u8);
                }
                bytes.extend(value);
            }
        }
        bytes
    }

    #[test]
    fn none_are_two_bytes() {
        assert_eq!(split(b"\0\x01SELECT 1"), Some((NONE, &b"SELECT 1"[..])));
        for cut in [
            &b""[..],
            b"\0",
            b"\x01\x01",
            b"\x01\x01\0\0",
            b"\x01\x01\0\x01\xfe\0\x01a\x05ab",
        ] {
            assert_eq!(split(cut), None, "{cut:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_found_behind_its_attributes(attributes in prop::collection::vec(attribute(), 0..12), text: Vec<u8>) {
            let before = written(&attributes);
            let argument = [&before[..], &text].concat();
            prop_assert_eq!(split(&argument), Some((&before[..], &text[..])));
        }

        #[test]
        fn whatever_comes_is_split_in_two_or_not(argument: Vec<u8>) {
            if let Some((before, text)) = split(&argument) {
                prop_assert_eq!([before, text].concat(), argument);
            }
        }
    }
}
