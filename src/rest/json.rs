//! JSON text, written straight into a byte buffer.
//!
//! [`JsonWriter`] writes what is small and written once; the `push_` functions write single values for whoever knows
//! what stands around them.

use std::fmt;

/// How a document is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One member a line, indented by four spaces a level.
    Pretty,
    /// No white space at all.
    Compact,
}

impl Style {
    /// What stands in front of a member or an element on this level.
    pub fn push_line(self, text: &mut Vec<u8>, depth: usize) {
        if self == Self::Pretty {
            text.push(b'\n');
            text.resize(text.len() + depth * INDENT_WIDTH, b' ');
        }
    }

    /// What stands between a member's name and its value.
    pub fn push_space(self, text: &mut Vec<u8>) {
        if self == Self::Pretty {
            text.push(b' ');
        }
    }
}

const INDENT_WIDTH: usize = 4;

/// A member's name as it stands in the document, quotes, escapes and colon included.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Box<[u8]>);

impl Key {
    /// Escapes a name.
    pub fn new(name: &str) -> Self {
        let mut text = Vec::with_capacity(name.len() + 3);
        push_name(&mut text, name);
        Self(text.into())
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Writes one document, from the front to the back; what is finished can be [taken](JsonWriter::take) away at any
/// time.
#[derive(Debug)]
pub struct JsonWriter {
    text: Vec<u8>,
    style: Style,
    depth: usize,
    /// Nothing stands in the innermost object or array yet.
    fresh: bool,
}

impl JsonWriter {
    /// An empty document.
    pub fn new(style: Style) -> Self {
        Self::after(Vec::new(), style)
    }

    /// An empty document behind what the buffer holds already.
    pub fn after(text: Vec<u8>, style: Style) -> Self {
        Self {
            text,
            style,
            depth: 0,
            fresh: true,
        }
    }

    /// `{`
    pub fn begin_object(&mut self) {
        self.begin(b'{');
    }

    /// `}`
    pub fn end_object(&mut self) {
        self.end(b'}');
    }

    /// `[`
    pub fn begin_array(&mut self) {
        self.begin(b'[');
    }

    /// `]`
    pub fn end_array(&mut self) {
        self.end(b']');
    }

    /// Begins an object's member; its value comes next.
    pub fn name(&mut self, name: &'static str) {
        self.separate();
        push_name(&mut self.text, name);
        self.style.push_space(&mut self.text);
    }

    /// Begins an array's element; its value comes next.
    pub fn element(&mut self) {
        self.separate();
    }

    /// A string.
    pub fn string(&mut self, value: &str) {
        self.string_of(&[value]);
    }

    /// A string made of parts.
    pub fn string_of(&mut self, parts: &[&str]) {
        self.text.push(b'"');
        for part in parts {
            push_escaped(&mut self.text, part);
        }
        self.text.push(b'"');
    }

    /// Where somebody else may write the value that comes next.
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// The layout.
    pub fn style(&self) -> Style {
        self.style
    }

    /// How many objects and arrays are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The bytes written since the last time. As many are expected to follow.
    pub fn take(&mut self) -> Vec<u8> {
        let room = self.text.len() + self.text.len() / 8;
        std::mem::replace(&mut self.text, Vec::with_capacity(room))
    }

    /// The bytes written since the last time, when none will follow.
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }

    fn begin(&mut self, bracket: u8) {
        self.text.push(bracket);
        self.depth += 1;
        self.fresh = true;
    }

    fn end(&mut self, bracket: u8) {
        self.depth -= 1;
        if !self.fresh {
            self.style.push_line(&mut self.text, self.depth);
        }
        self.text.push(bracket);
        self.fresh = false;
    }

    fn separate(&mut self) {
        if !self.fresh {
            self.text.push(b',');
        }
        self.fresh = false;
        self.style.push_line(&mut self.text, self.depth);
    }
}

/// A name as it begins a member.
pub fn push_name(text: &mut Vec<u8>, name: &str) {
    text.push(b'"');
    push_escaped(text, name);
    text.extend_from_slice(b"\":");
}

/// A whole number.
pub fn push_integer(text: &mut Vec<u8>, value: impl itoa::Integer) {
    let mut digits = itoa::Buffer::new();
    text.extend_from_slice(digits.format(value).as_bytes());
}

/// The shortest text that reads as the same number, which must be finite.
pub fn push_float(text: &mut Vec<u8>, value: f64) {
    // Up to 15 digits read as the same number in no shorter way, and the most common numbers are whole tenths.
    const TENTHS_MAX: u64 = 1_000_000_000_000_000;
    let tenths = (value * 10.0 + 0.5) as u64;
    if tenths < TENTHS_MAX && value.is_sign_positive() && tenths as f64 / 10.0 == value {
        push_integer(text, tenths / 10);
        text.extend_from_slice(&[b'.', b'0' + (tenths % 10) as u8]);
    } else {
        let mut digits = ryu::Buffer::new();
        text.extend_from_slice(digits.format_finite(value).as_bytes());
    }
}

/// Whether all bytes stand for themselves in a string.
pub fn is_plain(bytes: &[u8]) -> bool {
    let special = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
    // Without a way out half-way the compiler compares many bytes at a time.
    let in_chunk = |chunk: &[u8]| chunk.iter().fold(false, |any, byte| any | special(byte));
    !bytes.chunks(PLAIN_CHUNK).any(in_chunk)
}

/// Bytes that are looked at before it is worth asking what was found.
const PLAIN_CHUNK: usize = 1024;

/// For each byte: 0 when it stands for itself in a string, `u` when only `\u00xx` can say it, else the letter
/// after the backslash (RFC 8259, section 7).
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// The text between the quotes of a string.
pub fn push_escaped(text: &mut Vec<u8>, value: &str) {
    let bytes = value.as_bytes();
    let mut plain_from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape == 0 {
            continue;
        }
        text.extend_from_slice(&bytes[plain_from..at]);
        plain_from = at + 1;
        text.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let high = HEX[usize::from(byte >> 4)];
            let low = HEX[usize::from(byte & 0xf)];
            text.extend_from_slice(&[b'0', b'0', high, low]);
        }
    }
    text.extend_from_slice(&bytes[plain_from..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn sample(style: Style) -> String {
        let mut json = JsonWriter::new(style);
        json.begin_object();
        json.name("links");
        json.begin_object();
        json.name("self");
        json.string("http://localhost/");
        json.end_object();
        json.name("data");
        json.begin_array();
        json.element();
        push_integer(json.text(), -7i64);
        json.element();
        push_float(json.text(), 23.8);
        json.element();
        json.begin_array();
        json.end_array();
        json.end_array();
        json.end_object();
        String::from_utf8(json.into_text()).unwrap()
    }

    #[test]
    fn compact_has_no_white_space() {
        assert_eq!(
            sample(Style::Compact),
            r#"{"links":{"self":"http://localhost/"},"data":[-7,23.8,[]]}"#
        );
    }

    #[test]
    fn pretty_indents_by_four() {
        assert_eq!(
            sample(Style::Pretty),
            r#"{
    "links": {
        "self": "http://localhost/"
    },
    "data": [
        -7,
        23.8,
        []
    ]
}"#
        );
    }

    fn float(value: f64) -> String {
        let mut text = Vec::new();
        push_float(&mut text, value);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn numbers_are_shortest() {
        let values = [0.0, -0.0, 0.05, 0.1 + 0.2, 1e300, -62.9, 1e14, 99_999.9];
        let expected = [
            "0.0",
            "-0.0",
            "0.05",
            "0.30000000000000004",
            "1e300",
            "-62.9",
            "100000000000000.0",
            "99999.9",
        ];
        assert_eq!(values.map(float), expected);
    }

    proptest! {
        #[test]
        fn any_string_reads_back(text in any::<String>(), controls in "[\u{0}-\u{22}\\\\\u{7f}]{0,12}") {
            let value = format!("{text}{controls}");
            let mut json = JsonWriter::new(Style::Compact);
            json.string(&value);
            let written = json.into_text();
            prop_assert!(!written.iter().any(|byte| *byte < 0x20));
            prop_assert_eq!(is_plain(value.as_bytes()), written.len() == value.len() + 2);
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), value);
        }

        #[test]
        fn any_name_reads_back(name in any::<String>()) {
            let mut text = b"{".to_vec();
            text.extend_from_slice(Key::new(&name).text());
            text.extend_from_slice(b"true}");
            let read: Value = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(&read[&name], &Value::Bool(true));
        }

        #[test]
        fn any_finite_number_reads_back(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            prop_assert_eq!(float(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }

        #[test]
        fn tenths_are_written_as_any_number(tenths in 0u64..2_000_000_000_000_000) {
            let value = tenths as f64 / 10.0;
            let mut digits = ryu::Buffer::new();
            prop_assert_eq!(float(value), digits.format_finite(value));
        }
    }
}
