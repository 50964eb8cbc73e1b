//! What all rows of a batch have in common is written once.
//!
//! A [`Template`] is made for a batch: fixed texts (names, punctuation, indentation, columns of one value) joined as
//! far as they go, and between them the columns whose values differ. Which members a row has is settled here for
//! the columns that always or never say something; only what differs from row to row is asked row by row.

mod builder;
#[cfg(test)]
mod tests;

use arrow::array::{StringArray, StringViewArray};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use self::builder::{LinkedIds, TemplateBuilder};
use super::json::{Style, push_escaped, push_name};
use super::presence::Presence;
use super::values::Scalars;

/// What stands for itself in a path segment (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Writes the rows of one batch.
pub struct Template {
    steps: Vec<Step>,
}

/// A text that all rows share, and what follows it.
struct Step {
    text: Box<[u8]>,
    then: Then,
}

enum Then {
    Nothing,
    /// The row's value, without quotes.
    Value(Scalars),
    /// The row's text as a segment of a path.
    Segment(Segments),
    /// The row's list.
    List(Box<Lists>),
    /// The row's object.
    Map(Box<Maps>),
    /// Leaves out so many steps where the row has nothing to say.
    Unless {
        present: BooleanBuffer,
        skipped: usize,
    },
    /// Leaves out so many steps.
    Skip(usize),
    /// A comma, unless nothing stands in the object yet.
    Comma,
    /// A new line on this level, unless nothing stands in the object yet.
    Line(Style, usize),
}

/// Texts that become segments of paths.
pub enum Segments {
    Utf8(StringArray),
    Utf8View(StringViewArray),
}

/// Objects of texts.
struct Maps {
    offsets: OffsetBuffer<i32>,
    names: StringArray,
    texts: StringArray,
    style: Style,
    depth: usize,
}

struct Lists {
    offsets: OffsetBuffer<i32>,
    present: Presence,
    element: Template,
    open: Box<[u8]>,
    between: Box<[u8]>,
    close: Box<[u8]>,
}

impl Template {
    /// Writes a row.
    pub fn write(&self, row: usize, text: &mut Vec<u8>) {
        let mut steps = self.steps.as_slice();
        while let [step, next @ ..] = steps {
            steps = next;
            text.extend_from_slice(&step.text);
            match &step.then {
                Then::Nothing => {}
                Then::Value(values) => values.push(row, text),
                Then::Segment(texts) => {
                    let segment = match texts {
                        Segments::Utf8(texts) => texts.value(row),
                        Segments::Utf8View(texts) => texts.value(row),
                    };
                    for part in utf8_percent_encode(segment, SEGMENT) {
                        text.extend_from_slice(part.as_bytes());
                    }
                }
                Then::List(lists) => lists.write(row, text),
                Then::Map(maps) => maps.write(row, text),
                Then::Unless { present, skipped } => {
                    if !present.value(row) {
                        steps = &next[*skipped..];
                    }
                }
                Then::Skip(skipped) => steps = &next[*skipped..],
                Then::Comma => {
                    if !is_fresh(text) {
                        text.push(b',');
                    }
                }
                Then::Line(style, depth) => {
                    if !is_fresh(text) {
                        style.push_line(text, *depth);
                    }
                }
            }
        }
    }
}

/// Whether nothing stands in the innermost object yet: no value ends with this bracket.
fn is_fresh(text: &[u8]) -> bool {
    text.last() == Some(&b'{')
}

impl Lists {
    fn write(&self, row: usize, text: &mut Vec<u8>) {
        let elements = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        if elements.is_empty() {
            text.extend_from_slice(b"[]");
            return;
        }
        let first = elements.start;
        for element in elements {
            text.extend_from_slice(if element == first {
                &self.open
            } else {
                &self.between
            });
            if self.present.holds(element) {
                self.element.write(element, text);
            } else {
                text.extend_from_slice(b"null");
            }
        }
        text.extend_from_slice(&self.close);
    }
}

impl Maps {
    fn write(&self, row: usize, text: &mut Vec<u8>) {
        let entries = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        text.push(b'{');
        for entry in entries.clone() {
            if entry > entries.start {
                text.push(b',');
            }
            self.style.push_line(text, self.depth + 1);
            push_name(text, self.names.value(entry));
            self.style.push_space(text);
            text.push(b'"');
            push_escaped(text, self.texts.value(entry));
            text.push(b'"');
        }
        if !entries.is_empty() {
            self.style.push_line(text, self.depth);
        }
        text.push(b'}');
    }
}
