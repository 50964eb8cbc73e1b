//! Types of PostgreSQL whose values the engine holds as text: a cast to one of them gives a column that says so.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{self, ArrayElemTypeDef};

use super::column::{MODIFIER, TYPE};

/// Types that are held as text, `text` among them: a cast to it must not leave what the value was before.
const TEXTS: [&str; 10] = [
    "text", "varchar", "bpchar", "name", "char", "uuid", "json", "jsonb", "inet", "cidr",
];

/// Types that stand for each other in CASE, UNION and the like: the first one is the type of all.
const STRINGS: [&str; 4] = ["text", "varchar", "bpchar", "name"];

/// Type and modifier of a column of `data_type`. An empty name tells the engine nothing of the column.
fn named_field(name: &str, data_type: DataType) -> FieldRef {
    let metadata: HashMap<_, _> = [(TYPE.to_owned(), name.to_owned())].into();
    Arc::new(Field::new("", data_type, true).with_metadata(metadata))
}

/// The internal name of a type that is held as text.
fn text_name(sql_type: &ast::DataType) -> Option<&'static str> {
    use ast::DataType as D;
    let name = match sql_type {
        D::Text => "text",
        D::Uuid => "uuid",
        D::JSON => "json",
        D::JSONB => "jsonb",
        D::Custom(name, modifiers) if modifiers.is_empty() => {
            let last = name.0.last().and_then(|part| part.as_ident());
            last.map_or("", |ident| ident.value.as_str())
        }
        _ => return None,
    };
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    TEXTS.into_iter().find(is)
}

/// The name of a type of things of the catalog, whose values are oids.
fn reference_name(sql_type: &ast::DataType) -> Option<String> {
    match sql_type {
        ast::DataType::Regclass => Some("regclass".to_owned()),
        ast::DataType::Custom(name, _) => {
            let last = name.0.last()?.as_ident()?.value.to_lowercase();
            last.starts_with("reg").then_some(last)
        }
        _ => None,
    }
}

/// The column that a cast to one of these types, or to arrays of one, gives.
pub(super) fn named_type(sql_type: &ast::DataType) -> Option<FieldRef> {
    match sql_type {
        ast::DataType::Array(ArrayElemTypeDef::SquareBracket(element, None)) => {
            let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
            if let Some(name) = reference_name(element) {
                return Some(named_field(&format!("_{name}"), list(DataType::UInt32)));
            }
            let name = text_name(element).filter(|name| *name != "text")?;
            Some(named_field(&format!("_{name}"), list(DataType::Utf8View)))
        }
        sql_type => text_name(sql_type).map(|name| named_field(name, DataType::Utf8View)),
    }
}

/// What the columns of values that stand for each other say of their type, if it is more than the engine knows: the
/// type's name and its modifier. Columns of texts in quotes, which have no type yet, are not among them.
pub(super) fn common_type<'a>(
    fields: impl Iterator<Item = &'a Field> + Clone,
) -> Option<HashMap<String, String>> {
    let name = |field: &'a Field| match field.metadata().get(TYPE) {
        Some(name) => name.as_str(),
        None if field.data_type().is_string() => "text",
        None => "",
    };
    let first = fields.clone().next()?;
    let found = name(first);
    let is_string = STRINGS.contains(&found);
    let fits =
        |field: &'a Field| name(field) == found || (is_string && STRINGS.contains(&name(field)));
    if found.is_empty() || found == "text" || !fields.clone().all(fits) {
        return None;
    }
    let mut metadata: HashMap<_, _> = [(TYPE.to_owned(), found.to_owned())].into();
    let modifier = first.metadata().get(MODIFIER);
    let mut others = fields.map(|field| (name(field), field.metadata().get(MODIFIER)));
    if let Some(modifier) = modifier
        && others.all(|other| other == (found, Some(modifier)))
    {
        metadata.insert(MODIFIER.to_owned(), modifier.clone());
    }
    Some(metadata)
}

/// The schema, whose columns of arrays say of which type the elements are: on its way through the engine an array keeps
/// what its column says, but not what its elements do.
pub(super) fn with_element_types(schema: &SchemaRef) -> SchemaRef {
    let element = |field: &Field| match field.data_type() {
        DataType::List(item) => {
            let name = item.metadata().get(TYPE)?;
            let is_said = field.metadata().contains_key(TYPE) || !TEXTS.contains(&name.as_str());
            (!is_said).then(|| format!("_{name}"))
        }
        _ => None,
    };
    let fields = schema.fields().iter().map(|field| match element(field) {
        Some(name) => {
            let mut metadata = field.metadata().clone();
            metadata.insert(TYPE.to_owned(), name);
            Arc::new(field.as_ref().clone().with_metadata(metadata))
        }
        None => Arc::clone(field),
    });
    let metadata = schema.metadata().clone();
    Arc::new(Schema::new_with_metadata(
        fields.collect::<Vec<_>>(),
        metadata,
    ))
}

/// Whether a column of a result is of a type that the engine does not know.
pub(super) fn has_names(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| field.metadata().contains_key(TYPE))
}
