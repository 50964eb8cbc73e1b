//! Makes a template, from the front to the back.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray};

use super::{Lists, Maps, Segments, Step, Template, Then};
use crate::rest::form::{Columns, Form, Part, Place};
use crate::rest::json::{Key, Style, push_escaped};
use crate::rest::presence::Presence;
use crate::rest::values::{Scalars, Shape};

/// What stands in the innermost object so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Something,
    /// It differs from row to row.
    Unknown,
}

/// Makes a template, from the front to the back.
pub struct TemplateBuilder<'a> {
    style: Style,
    /// What links begin with, escaped.
    base: &'a [u8],
    depth: usize,
    before: Before,
    steps: Vec<Step>,
    /// What all rows have in common since the last step.
    text: Vec<u8>,
}

impl<'a> TemplateBuilder<'a> {
    /// A template of values that stand on this level. Links begin with `base`, an escaped text.
    pub fn new(style: Style, depth: usize, base: &'a [u8]) -> Self {
        Self {
            style,
            base,
            depth,
            before: Before::Nothing,
            steps: Vec::new(),
            text: Vec::new(),
        }
    }

    /// The template of a column's values alone.
    pub fn of_column(mut self, shape: &Shape, array: &ArrayRef) -> Template {
        self.column(shape, array);
        self.build()
    }

    /// The template.
    pub fn build(mut self) -> Template {
        self.settle();
        Template { steps: self.steps }
    }

    /// `{`
    pub fn begin_object(&mut self) {
        self.text.push(b'{');
        self.depth += 1;
        self.before = Before::Nothing;
    }

    /// `}`
    pub fn end_object(&mut self) {
        self.depth -= 1;
        match (self.before, self.style) {
            (Before::Unknown, Style::Pretty) => self.step(Then::Line(self.style, self.depth)),
            (Before::Something, _) => self.style.push_line(&mut self.text, self.depth),
            _ => {}
        }
        self.text.push(b'}');
        self.before = Before::Something;
    }

    /// Begins a member; its value comes next.
    pub fn key(&mut self, key: &Key) {
        match self.before {
            Before::Nothing => {}
            Before::Something => self.text.push(b','),
            Before::Unknown => self.step(Then::Comma),
        }
        self.before = Before::Something;
        self.style.push_line(&mut self.text, self.depth);
        self.text.extend_from_slice(key.text());
        self.style.push_space(&mut self.text);
    }

    /// A string that is the same in all rows.
    pub fn string(&mut self, value: &str) {
        self.text.push(b'"');
        push_escaped(&mut self.text, value);
        self.text.push(b'"');
    }

    /// A string of the column's values, whatever their type.
    pub fn text_of(&mut self, values: Scalars) {
        self.text.push(b'"');
        self.value(values);
        self.text.push(b'"');
    }

    /// A link to `path`, and below it to `further` of what has the row's id.
    pub fn link(&mut self, path: &str, ids: Option<LinkedIds>, further: &str) {
        self.text.push(b'"');
        self.text.extend_from_slice(self.base);
        push_escaped(&mut self.text, path);
        match ids {
            Some(LinkedIds::Numbers(numbers)) => self.value(numbers),
            Some(LinkedIds::Texts(texts)) => self.step(Then::Segment(texts)),
            None => {}
        }
        push_escaped(&mut self.text, further);
        self.text.push(b'"');
    }

    /// A value, or an empty list in the rows that have none.
    pub fn list_or_none(&mut self, form: &Form, columns: &Columns<'_>) {
        let present = form.presence(columns, Place::Element);
        let nothing = Form::Array([].into());
        let cases = [(present.clone(), form), (present.not(), &nothing)];
        self.either(cases, |template, form| template.form(form, columns));
    }

    /// The members of an object that have something to say.
    pub fn members(&mut self, members: &[(Key, Form)], columns: &Columns<'_>) {
        for (key, form) in members {
            let presence = form.presence(columns, Place::Member);
            self.member(key, presence, |template| template.form(form, columns));
        }
    }

    /// A member in the rows that have it.
    fn member(&mut self, key: &Key, presence: Presence, value: impl FnOnce(&mut Self)) {
        match presence {
            Presence::Never => {}
            Presence::Always => {
                self.key(key);
                value(self);
            }
            Presence::Mixed(present) => {
                let before = self.before;
                let unless = self.mark();
                self.key(key);
                value(self);
                self.settle();
                self.steps[unless].then = Then::Unless {
                    present,
                    skipped: self.steps.len() - 1 - unless,
                };
                self.before = match before {
                    Before::Nothing => Before::Unknown,
                    known => known,
                };
            }
        }
    }

    /// A value, in the rows that have one.
    fn form(&mut self, form: &Form, columns: &Columns<'_>) {
        match form {
            Form::Null => self.text.extend_from_slice(b"null"),
            Form::Constant(text) => self.text.extend_from_slice(text),
            Form::Column(source, shape) => self.column(shape, columns.get(*source)),
            Form::Text { parts, link } => {
                self.text.push(b'"');
                if *link {
                    self.text.extend_from_slice(self.base);
                }
                for part in parts {
                    self.part(part, columns);
                }
                self.text.push(b'"');
            }
            Form::Object(members) => {
                self.begin_object();
                self.members(members, columns);
                self.end_object();
            }
            Form::Array(elements) => self.array(elements, columns),
            Form::Choice(_) | Form::FirstOf(_) => {
                let cases = form.alternatives(columns, Place::Element);
                self.either(cases, |template, form| template.form(form, columns));
            }
        }
    }

    fn part(&mut self, part: &Part, columns: &Columns<'_>) {
        let source = match part {
            Part::Fixed(text) => return self.text.extend_from_slice(text),
            Part::Column(source) => *source,
        };
        let texts = columns.get(source);
        let Some(values) = Scalars::bind(texts) else {
            return;
        };
        match Presence::of_value(texts) {
            Presence::Always => self.value(values),
            present => {
                let cases = [(present.clone(), Some(values)), (present.not(), None)];
                self.either(cases, |template, values| {
                    if let Some(values) = values {
                        template.value(values);
                    }
                });
            }
        }
    }

    fn array(&mut self, elements: &[Form], columns: &Columns<'_>) {
        let before = self.before;
        let mut bracket = b'[';
        self.depth += 1;
        for form in elements {
            self.text.push(bracket);
            self.style.push_line(&mut self.text, self.depth);
            let present = form.presence(columns, Place::Element);
            let cases = [(present.clone(), form), (present.not(), &Form::Null)];
            self.either(cases, |template, form| template.form(form, columns));
            bracket = b',';
        }
        self.depth -= 1;
        match elements {
            [] => self.text.push(b'['),
            _ => self.style.push_line(&mut self.text, self.depth),
        }
        self.text.push(b']');
        self.before = before;
    }

    /// What differs from row to row: each has one of these.
    fn either<T>(
        &mut self,
        cases: impl IntoIterator<Item = (Presence, T)>,
        write: impl Fn(&mut Self, T),
    ) {
        let cases = cases.into_iter();
        let mut cases: Vec<_> = cases
            .filter(|(rows, _)| !matches!(rows, Presence::Never))
            .collect();
        let Some((_, last)) = cases.pop() else {
            return;
        };
        let before = self.before;
        let mut ends = Vec::with_capacity(cases.len());
        for (rows, case) in cases {
            let unless = self.mark();
            write(self, case);
            let end = self.mark();
            self.before = before;
            if let Presence::Mixed(present) = rows {
                let skipped = end - unless;
                self.steps[unless].then = Then::Unless { present, skipped };
            }
            ends.push(end);
        }
        write(self, last);
        self.before = before;
        if !ends.is_empty() {
            self.settle();
        }
        let next = self.steps.len();
        for end in ends {
            self.steps[end].then = Then::Skip(next - 1 - end);
        }
    }

    fn column(&mut self, shape: &Shape, array: &ArrayRef) {
        match shape {
            Shape::Struct(members) => {
                self.begin_object();
                let columns = array.as_struct().columns();
                for ((key, shape), column) in members.iter().zip(columns) {
                    let presence = Presence::of_member(shape, column);
                    self.member(key, presence, |template| template.column(shape, column));
                }
                self.end_object();
            }
            Shape::List(element) => self.list(element, array.as_list()),
            Shape::Map => self.map(array.as_map()),
            Shape::Scalar | Shape::Link => {
                let Some(values) = Scalars::bind(array) else {
                    return self.text.extend_from_slice(b"null");
                };
                let quotes: &[u8] = if values.is_text() { b"\"" } else { b"" };
                self.text.extend_from_slice(quotes);
                if matches!(shape, Shape::Link) {
                    self.text.extend_from_slice(self.base);
                }
                self.value(values);
                self.text.extend_from_slice(quotes);
            }
        }
    }

    fn value(&mut self, values: Scalars) {
        if values.is_constant() {
            values.push(0, &mut self.text);
        } else {
            self.step(Then::Value(values));
        }
    }

    fn list(&mut self, shape: &Shape, list: &ListArray) {
        let offsets = list.offsets();
        if offsets.first() == offsets.last() {
            return self.text.extend_from_slice(b"[]");
        }
        let before = self.before;
        let present = Presence::of_value(list.values());
        let line = |bracket: u8, depth: usize| {
            let mut text = vec![bracket];
            self.style.push_line(&mut text, depth);
            text
        };
        let open = line(b'[', self.depth + 1);
        let between = line(b',', self.depth + 1);
        let mut close = Vec::new();
        self.style.push_line(&mut close, self.depth);
        close.push(b']');

        let of_one = offsets.windows(2).all(|pair| pair[1] - pair[0] == 1);
        if of_one && matches!(present, Presence::Always) {
            // The elements are rows.
            let elements = list.values().slice(offsets[0] as usize, list.len());
            self.text.extend_from_slice(&open);
            self.depth += 1;
            self.column(shape, &elements);
            self.depth -= 1;
            self.text.extend_from_slice(&close);
        } else {
            let mut element = TemplateBuilder::new(self.style, self.depth + 1, self.base);
            element.column(shape, list.values());
            self.step(Then::List(Box::new(Lists {
                offsets: offsets.clone(),
                present,
                element: element.build(),
                open: open.into(),
                between: between.into(),
                close: close.into(),
            })));
        }
        self.before = before;
    }

    fn map(&mut self, map: &MapArray) {
        self.step(Then::Map(Box::new(Maps {
            offsets: map.offsets().clone(),
            names: map.keys().as_string().clone(),
            texts: map.values().as_string().clone(),
            style: self.style,
            depth: self.depth,
        })));
    }

    /// Ends what all rows have in common.
    fn step(&mut self, then: Then) {
        let text = std::mem::take(&mut self.text).into();
        self.steps.push(Step { text, then });
    }

    /// A step that does nothing yet: its position.
    fn mark(&mut self) -> usize {
        self.step(Then::Nothing);
        self.steps.len() - 1
    }

    fn settle(&mut self) {
        if !self.text.is_empty() {
            self.step(Then::Nothing);
        }
    }
}

/// The ids that links end with.
pub enum LinkedIds {
    /// As they are.
    Numbers(Scalars),
    /// Encoded.
    Texts(Segments),
}
