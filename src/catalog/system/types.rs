//! Data types: what `pg_type` says of them, and the names that SQL has for them.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field};

use super::facts;
use super::names::{PG_CATALOG, schema_oid};
use crate::catalog::column::TYPE;

/// A data type.
#[derive(Clone, Debug)]
pub(in crate::catalog) struct Type {
    /// Its oid.
    pub oid: u32,
    /// Its internal name: `int8`, `_text`.
    pub name: String,
    /// The oid of its schema.
    pub schema: u32,
    /// Length of a value in bytes; -1 where it varies, -2 for a C string.
    pub len: i16,
    /// `b` base, `c` composite, `d` domain, `e` enum, `p` pseudo, `r` range, `m` multirange.
    pub kind: char,
    /// The category that decides on implicit casts.
    pub category: char,
    /// The relation whose row type it is, or 0.
    pub relation: u32,
    /// The type of the elements of an array, or 0.
    pub element: u32,
    /// The type of arrays of it, or 0.
    pub array: u32,
    /// Alignment: `c`, `s`, `i`, `d`.
    pub alignment: char,
    /// Whether values are passed by value.
    pub by_value: bool,
    /// How values are stored: `p`, `x`, `m`, `e`.
    pub storage: char,
    /// The type that a domain is over, or 0.
    pub base: u32,
    /// The collation of its values, or 0.
    pub collation: u32,
}

impl Type {
    fn built_in(line: &'static str) -> Option<Self> {
        let fields: [&str; 29] = facts::fields(line)?;
        let number = |at: usize| fields[at].parse::<u32>().ok();
        let character = |at: usize| fields[at].chars().next();
        Some(Self {
            oid: number(0)?,
            name: fields[1].to_owned(),
            schema: number(2)?,
            len: fields[4].parse().ok()?,
            by_value: fields[5] == "t",
            kind: character(6)?,
            category: character(7)?,
            relation: number(11)?,
            element: number(13)?,
            array: number(14)?,
            alignment: character(22)?,
            storage: character(23)?,
            base: number(25)?,
            collation: number(28)?,
        })
    }

    /// The row type of a relation, and that of arrays of it.
    pub fn of_rows(name: &str, schema: u32, relation: u32, oid: u32, array: u32) -> [Self; 2] {
        let rows = Self {
            oid,
            name: name.to_owned(),
            schema,
            len: -1,
            by_value: false,
            kind: 'c',
            category: 'C',
            relation,
            element: 0,
            array,
            alignment: 'd',
            storage: 'x',
            base: 0,
            collation: 0,
        };
        let arrays = Self {
            oid: array,
            name: format!("_{name}"),
            kind: 'b',
            category: 'A',
            relation: 0,
            element: oid,
            array: 0,
            ..rows.clone()
        };
        [rows, arrays]
    }

    /// Whether its values are arrays with any bounds, as opposed to vectors, which have elements too.
    pub fn is_array(&self) -> bool {
        self.element != 0 && self.category == 'A' && self.len == -1 && self.name.starts_with('_')
    }
}

/// All types, by oid and by name.
#[derive(Debug)]
pub(super) struct Types {
    all: Vec<Type>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<(u32, String), usize>,
}

impl Types {
    pub fn built_in() -> Self {
        let mut types = Self {
            all: Vec::new(),
            by_oid: HashMap::new(),
            by_name: HashMap::new(),
        };
        types.extend(facts::TYPES.lines().filter_map(Type::built_in));
        types
    }

    pub fn extend(&mut self, types: impl IntoIterator<Item = Type>) {
        for each in types {
            let at = self.all.len();
            self.by_oid.insert(each.oid, at);
            self.by_name.insert((each.schema, each.name.clone()), at);
            self.all.push(each);
        }
    }

    pub fn all(&self) -> &[Type] {
        &self.all
    }

    pub fn of(&self, oid: u32) -> Option<&Type> {
        self.all.get(*self.by_oid.get(&oid)?)
    }

    fn internal(&self, schema: Option<u32>, name: &str) -> Option<&Type> {
        let find = |schema: u32| self.by_name.get(&(schema, name.to_owned()));
        let at = match schema {
            Some(schema) => find(schema),
            None => find(PG_CATALOG).or_else(|| find(super::names::PUBLIC)),
        };
        self.all.get(*at?)
    }

    /// The type of an internal name or of one that SQL has for it, with or without a schema, a modifier, brackets.
    pub fn named(&self, name: &str) -> Option<&Type> {
        let text = name.trim();
        if let Some(element) = array_element(text) {
            let element = self.named(element)?;
            return match element.is_array() {
                true => Some(element),
                false => self.of(element.array),
            };
        }
        let (schema, text) = match text.split_once('.') {
            Some((schema, rest)) => (Some(schema_oid(&unquoted(schema))?), rest),
            None => (None, text),
        };
        if text.starts_with('"') {
            return self.internal(schema, &unquoted(text));
        }
        let plain = without_modifier(text);
        match sql_name(&plain) {
            Some(internal) if schema.is_none_or(|schema| schema == PG_CATALOG) => {
                self.internal(Some(PG_CATALOG), internal)
            }
            _ => self.internal(schema, &plain),
        }
    }

    /// The name of a type as `format_type()` writes it; `???` for one that does not exist.
    pub fn format(&self, oid: u32, modifier: i32) -> String {
        if oid == 0 {
            return "-".to_owned();
        }
        let Some(this) = self.of(oid) else {
            return "???".to_owned();
        };
        if this.is_array() {
            return format!("{}[]", self.format(this.element, modifier));
        }
        let plain = match this.schema {
            PG_CATALOG => format_name(oid, &this.name),
            super::names::PUBLIC => quoted(&this.name),
            other => {
                let schema = super::names::schema_name(other).unwrap_or("pg_toast");
                return format!("{schema}.{}", quoted(&this.name));
            }
        };
        format_modifier(oid, &plain, modifier)
    }
}

/// `text[]`, `text[3]`, `text ARRAY` → `text`
fn array_element(name: &str) -> Option<&str> {
    if let Some(inside) = name.strip_suffix(']') {
        let (element, bounds) = inside.rsplit_once('[')?;
        return bounds
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then_some(element);
    }
    let (element, last) = name.rsplit_once(' ')?;
    last.eq_ignore_ascii_case("array").then_some(element)
}

/// A name in lower case, without `(…)`, with single spaces.
fn without_modifier(name: &str) -> String {
    let (before, after) = match (name.find('('), name.find(')')) {
        (Some(open), Some(close)) if open < close => (&name[..open], &name[close + 1..]),
        _ => (name, ""),
    };
    let words = before.split_whitespace().chain(after.split_whitespace());
    let words: Vec<String> = words.map(str::to_ascii_lowercase).collect();
    words.join(" ")
}

fn unquoted(name: &str) -> String {
    let name = name.trim();
    match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => name.to_ascii_lowercase(),
    }
}

/// A name as it has to be written in SQL.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// The internal name of a type that the grammar has a name for.
fn sql_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "boolean" => "bool",
        "smallint" => "int2",
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" | "float" => "float8",
        "decimal" | "dec" => "numeric",
        "character varying" | "char varying" | "national character varying" | "nchar varying" => {
            "varchar"
        }
        "character" | "char" | "national character" | "nchar" => "bpchar",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time with time zone" => "timetz",
        "time without time zone" => "time",
        "bit varying" => "varbit",
        _ => return None,
    })
}

/// The name that the grammar has for a type, or its internal one.
fn format_name(oid: u32, name: &str) -> String {
    let sql = match oid {
        16 => "boolean",
        18 => "\"char\"",
        20 => "bigint",
        21 => "smallint",
        23 => "integer",
        700 => "real",
        701 => "double precision",
        1042 => "character",
        1043 => "character varying",
        1083 => "time without time zone",
        1114 => "timestamp without time zone",
        1184 => "timestamp with time zone",
        1266 => "time with time zone",
        1562 => "bit varying",
        1560 => "bit",
        _ => return quoted(name),
    };
    sql.to_owned()
}

/// Puts a modifier into the name of a type of `pg_catalog`.
fn format_modifier(oid: u32, name: &str, modifier: i32) -> String {
    if modifier < 0 {
        return name.to_owned();
    }
    match oid {
        1042 | 1043 if modifier > 4 => format!("{name}({})", modifier - 4),
        1560 | 1562 => format!("{name}({modifier})"),
        1700 if modifier >= 4 => {
            let (precision, scale) = ((modifier - 4) >> 16 & 0xffff, (modifier - 4) & 0x7ff);
            format!("{name}({precision},{})", (scale ^ 1024) - 1024)
        }
        1083 | 1114 | 1184 | 1266 => match name.split_once(' ') {
            Some((first, rest)) => format!("{first}({modifier}) {rest}"),
            None => name.to_owned(),
        },
        _ => name.to_owned(),
    }
}

/// The internal name of the type that SQL sees values of a field as.
pub(in crate::catalog) fn name_of_field(field: &Field) -> String {
    match field.metadata().get(TYPE) {
        Some(name) => name.clone(),
        None => name_of_arrow(field.data_type()),
    }
}

/// The same for a type without a field.
pub(in crate::catalog) fn name_of_arrow(data_type: &DataType) -> String {
    use DataType as D;
    let name = match data_type {
        D::Boolean => "bool",
        D::Int8 | D::Int16 | D::UInt8 => "int2",
        D::Int32 | D::UInt16 => "int4",
        D::UInt32 => "oid",
        D::Int64 | D::UInt64 => "int8",
        D::Float16 | D::Float32 => "float4",
        D::Float64 => "float8",
        D::LargeBinary
        | D::Decimal32(..)
        | D::Decimal64(..)
        | D::Decimal128(..)
        | D::Decimal256(..) => "numeric",
        D::Binary | D::BinaryView | D::FixedSizeBinary(_) => "bytea",
        D::Date32 | D::Date64 => "date",
        D::Time32(_) | D::Time64(_) => "time",
        D::Timestamp(_, None) => "timestamp",
        D::Timestamp(_, Some(_)) => "timestamptz",
        D::Interval(_) | D::Duration(_) => "interval",
        D::Struct(_) => "record",
        D::Dictionary(_, value) => return name_of_arrow(value),
        D::List(item)
        | D::LargeList(item)
        | D::FixedSizeList(item, _)
        | D::ListView(item)
        | D::LargeListView(item) => {
            let element = name_of_field(item);
            return match element.starts_with('_') {
                true => element,
                false => format!("_{element}"),
            };
        }
        _ => "text",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_every_name_that_sql_has_for_them() {
        let types = Types::built_in();
        let oid = |name| types.named(name).map(|t| t.oid);
        for (name, expected) in [
            ("int8", 20),
            ("bigint", 20),
            ("pg_catalog.int8", 20),
            (" Timestamp(3)  WITH time zone ", 1184),
            ("timestamp", 1114),
            ("text[]", 1009),
            ("_text", 1009),
            ("text[][]", 1009),
            ("integer array", 1007),
            ("\"char\"", 18),
            ("char", 1042),
            ("pg_catalog.\"char\"", 18),
            ("character varying(12)", 1043),
            ("numeric(10,2)", 1700),
            ("double precision", 701),
            ("information_schema.sql_identifier", 13226),
            ("oidvector", 30),
            ("name", 19),
        ] {
            assert_eq!(oid(name), Some(expected), "{name}");
        }
        for name in ["", "nope", "nowhere.int8", "\"INT8\"", "[]", ")("] {
            assert_eq!(oid(name), None, "{name}");
        }
    }

    #[test]
    fn types_are_written_as_postgresql_does() {
        let types = Types::built_in();
        for (oid, modifier, expected) in [
            (20, -1, "bigint"),
            (1184, -1, "timestamp with time zone"),
            (1184, 3, "timestamp(3) with time zone"),
            (1009, -1, "text[]"),
            (1043, 16, "character varying(12)"),
            (1700, 655_366, "numeric(10,2)"),
            (18, -1, "\"char\""),
            (22, -1, "int2vector"),
            (13226, -1, "information_schema.sql_identifier"),
            (0, -1, "-"),
            (99999, -1, "???"),
        ] {
            assert_eq!(types.format(oid, modifier), expected);
        }
    }
}
