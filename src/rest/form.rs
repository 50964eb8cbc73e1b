//! What the objects of a resource are made of, whatever the batch.
//!
//! A [`Form`] says how a value of the document follows from columns: those that the query delivers and those that
//! are [derived](super::derived) from them. A template is made of it for each batch.

use arrow::array::{ArrayRef, AsArray};

use super::derived::Derived;
use super::json::Key;
use super::presence::Presence;
use super::values::Shape;

/// How a value follows from columns.
#[derive(Clone, Debug)]
pub enum Form {
    /// No value.
    Null,
    /// The same text of JSON in all rows.
    Constant(Box<[u8]>),
    /// A column's value.
    Column(Source, Shape),
    /// A string of several parts, of which those without a value count as empty.
    Text {
        /// In this order.
        parts: Box<[Part]>,
        /// Whether it is relative to the API's root.
        link: bool,
    },
    /// An object with these members.
    Object(Box<[(Key, Form)]>),
    /// An array of these elements.
    Array(Box<[Form]>),
    /// The first of these that applies, if any.
    Choice(Box<[Branch]>),
    /// The first of these strings that has a value, if any.
    FirstOf(Box<[Form]>),
}

/// A value and when it applies.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The derived column of the rows that it applies to; `None` for all.
    pub when: Option<usize>,
    /// The value.
    pub then: Form,
}

/// A part of a string.
#[derive(Clone, Debug)]
pub enum Part {
    /// The same in all rows, escaped.
    Fixed(Box<[u8]>),
    /// A column's text.
    Column(Source),
}

/// Which column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One that the query delivers, by position.
    Queried(usize),
    /// One that is derived from those, by position.
    Derived(usize),
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// As a member of an object: what says nothing is left out, and so is an object without a member.
    Member,
    /// As an element of an array: what says nothing is null.
    Element,
}

/// The columns of a batch.
pub struct Columns<'a> {
    queried: &'a [ArrayRef],
    derived: Vec<ArrayRef>,
}

impl<'a> Columns<'a> {
    /// The query's columns and what is derived of them; `None` when one is of another type than it was planned.
    pub fn new(queried: &'a [ArrayRef], derived: &[Derived]) -> Option<Self> {
        let derived = derived.iter().map(|column| column.evaluate(queried));
        Some(Self {
            derived: derived.collect::<Option<_>>()?,
            queried,
        })
    }

    /// The column.
    pub fn get(&self, source: Source) -> &ArrayRef {
        match source {
            Source::Queried(column) => &self.queried[column],
            Source::Derived(column) => &self.derived[column],
        }
    }
}

impl Form {
    /// The rows in which there is something to say.
    pub fn presence(&self, columns: &Columns<'_>, place: Place) -> Presence {
        match self {
            Self::Null => Presence::Never,
            Self::Constant(_) | Self::Text { .. } | Self::Array(_) => Presence::Always,
            Self::Column(source, shape) => match place {
                Place::Member => Presence::of_member(shape, columns.get(*source)),
                Place::Element => Presence::of_value(columns.get(*source)),
            },
            Self::Object(members) => match place {
                Place::Member => {
                    let members = members.iter();
                    Presence::any(members.map(|(_, form)| form.presence(columns, place)))
                }
                Place::Element => Presence::Always,
            },
            Self::Choice(_) | Self::FirstOf(_) => {
                let alternatives = self.alternatives(columns, place);
                Presence::any(alternatives.into_iter().map(|(rows, _)| rows))
            }
        }
    }

    /// The forms that a row may have, and the rows that have them: no row is in two.
    pub fn alternatives(&self, columns: &Columns<'_>, place: Place) -> Vec<(Presence, &Form)> {
        let mut left = Presence::Always;
        let mut alternatives = Vec::new();
        match self {
            Self::Choice(branches) => {
                for Branch { when, then } in branches {
                    let taken = match when {
                        Some(when) => columns.derived[*when].as_boolean().values().clone().into(),
                        None => Presence::Always,
                    };
                    let rows = left.clone().and(taken.clone());
                    alternatives.push((rows.and(then.presence(columns, place)), then));
                    left = left.and(taken.not());
                }
            }
            Self::FirstOf(forms) => {
                for form in forms {
                    let present = form.presence(columns, place);
                    alternatives.push((left.clone().and(present.clone()), form));
                    left = left.and(present.not());
                }
            }
            only => alternatives.push((only.presence(columns, place), only)),
        }
        alternatives
    }
}
