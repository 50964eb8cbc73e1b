//! JSON text, written straight into a byte buffer.
//!
//! The writer knows the separators, the indentation and the escaping; what is written, and in which order, is its
//! caller's business.

use std::fmt;

/// How a document is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One member a line, indented by four spaces a level.
    Pretty,
    /// No white space at all.
    Compact,
}

const INDENT: &[u8] = b"                                                                ";
const INDENT_WIDTH: usize = 4;

/// A member's name as it stands in the document, quotes, escapes and colon included.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Box<[u8]>);

impl Key {
    /// Escapes a name.
    pub fn new(name: &str) -> Self {
        let mut text = Vec::with_capacity(name.len() + 3);
        push_string(&mut text, name);
        text.push(b':');
        Self(text.into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A place in the document that the writer can go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    len: usize,
    fresh: bool,
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
        Self {
            text: Vec::new(),
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
    pub fn key(&mut self, key: &Key) {
        self.separate();
        self.text.extend_from_slice(&key.0);
        self.space();
    }

    /// Begins an object's member whose name is known when the program is written.
    pub fn name(&mut self, name: &'static str) {
        self.separate();
        push_string(&mut self.text, name);
        self.text.push(b':');
        self.space();
    }

    /// Begins an array's element; its value comes next.
    pub fn element(&mut self) {
        self.separate();
    }

    /// `null`
    pub fn null(&mut self) {
        self.text.extend_from_slice(b"null");
    }

    /// `true` or `false`
    pub fn bool(&mut self, value: bool) {
        self.text
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A whole number.
    pub fn integer(&mut self, value: impl itoa::Integer) {
        let mut digits = itoa::Buffer::new();
        self.text.extend_from_slice(digits.format(value).as_bytes());
    }

    /// The shortest text that reads as the same number. JSON has none for what is not finite: that is `null`.
    pub fn float(&mut self, value: f64) {
        if value.is_finite() {
            let mut digits = ryu::Buffer::new();
            self.text
                .extend_from_slice(digits.format_finite(value).as_bytes());
        } else {
            self.null();
        }
    }

    /// A string.
    pub fn string(&mut self, value: &str) {
        push_string(&mut self.text, value);
    }

    /// A string made of parts.
    pub fn string_of(&mut self, parts: &[&str]) {
        self.text.push(b'"');
        for part in parts {
            push_escaped(&mut self.text, part);
        }
        self.text.push(b'"');
    }

    /// A whole number, as a string.
    pub fn integer_string(&mut self, value: impl itoa::Integer) {
        self.text.push(b'"');
        self.integer(value);
        self.text.push(b'"');
    }

    /// Where the document stands.
    pub fn mark(&self) -> Mark {
        Mark {
            len: self.text.len(),
            fresh: self.fresh,
        }
    }

    /// Takes back what was written since the mark, which must be on this level and not taken away meanwhile.
    pub fn rewind(&mut self, mark: Mark) {
        self.text.truncate(mark.len);
        self.fresh = mark.fresh;
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The bytes written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    fn begin(&mut self, bracket: u8) {
        self.text.push(bracket);
        self.depth += 1;
        self.fresh = true;
    }

    fn end(&mut self, bracket: u8) {
        self.depth -= 1;
        if !self.fresh {
            self.new_line();
        }
        self.text.push(bracket);
        self.fresh = false;
    }

    fn separate(&mut self) {
        if !self.fresh {
            self.text.push(b',');
        }
        self.fresh = false;
        self.new_line();
    }

    fn space(&mut self) {
        if self.style == Style::Pretty {
            self.text.push(b' ');
        }
    }

    fn new_line(&mut self) {
        if self.style == Style::Compact {
            return;
        }
        self.text.push(b'\n');
        let mut left = self.depth * INDENT_WIDTH;
        while left > 0 {
            let width = left.min(INDENT.len());
            self.text.extend_from_slice(&INDENT[..width]);
            left -= width;
        }
    }
}

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

fn push_string(text: &mut Vec<u8>, value: &str) {
    text.push(b'"');
    push_escaped(text, value);
    text.push(b'"');
}

fn push_escaped(text: &mut Vec<u8>, value: &str) {
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
        json.key(&Key::new("self"));
        json.string("http://localhost/");
        json.end_object();
        json.name("data");
        json.begin_array();
        json.element();
        json.integer(-7i64);
        json.element();
        json.float(23.8);
        let mark = json.mark();
        json.element();
        json.begin_object();
        json.end_object();
        json.rewind(mark);
        json.element();
        json.begin_array();
        json.end_array();
        json.element();
        json.null();
        json.end_array();
        json.end_object();
        String::from_utf8(json.take()).unwrap()
    }

    #[test]
    fn compact_has_no_white_space() {
        assert_eq!(
            sample(Style::Compact),
            r#"{"links":{"self":"http://localhost/"},"data":[-7,23.8,[],null]}"#
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
        [],
        null
    ]
}"#
        );
    }

    #[test]
    fn numbers_are_shortest_and_finite() {
        let mut json = JsonWriter::new(Style::Compact);
        json.begin_array();
        for value in [0.0, 0.1 + 0.2, 1e300, -62.9, f64::NAN, f64::INFINITY] {
            json.element();
            json.float(value);
        }
        json.end_array();
        let text = String::from_utf8(json.take()).unwrap();
        assert_eq!(text, "[0.0,0.30000000000000004,1e300,-62.9,null,null]");
    }

    proptest! {
        #[test]
        fn any_string_reads_back(text in any::<String>(), controls in "[\u{0}-\u{22}\\\\\u{7f}]{0,12}") {
            let value = format!("{text}{controls}");
            let mut json = JsonWriter::new(Style::Compact);
            json.string(&value);
            let written = json.take();
            prop_assert!(!written.iter().any(|byte| *byte < 0x20));
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), value);
        }

        #[test]
        fn any_name_reads_back(name in any::<String>()) {
            let mut json = JsonWriter::new(Style::Pretty);
            json.begin_object();
            json.key(&Key::new(&name));
            json.bool(true);
            json.end_object();
            let read: Value = serde_json::from_slice(&json.take()).unwrap();
            prop_assert_eq!(&read[&name], &Value::Bool(true));
        }

        #[test]
        fn any_finite_number_reads_back(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let mut json = JsonWriter::new(Style::Compact);
            json.float(value);
            let read: f64 = std::str::from_utf8(&json.take()).unwrap().parse().unwrap();
            prop_assert_eq!(read, value);
        }
    }
}
