//! JSON:API documents, made from the batches of a resource's query.
//!
//! The first column is the id. Every other column is a member of the resource object, in the query's order; the
//! id, the type and the object's own link are added here, and so is the document around it all.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::json::{JsonWriter, Key, Style};
use super::values::{Shape, UnsupportedType, Values, write_members};

/// What stands for itself in a path segment (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a resource's objects look like: made of its query's columns, once.
#[derive(Debug)]
pub struct DocumentShape {
    resource: &'static str,
    members: Vec<(Key, Shape)>,
}

impl DocumentShape {
    /// The shape of the objects of `resource`, whose query has these columns.
    ///
    /// # Errors
    /// When a column's type has no form in a document.
    pub fn new(resource: &'static str, schema: &SchemaRef) -> Result<Self, UnsupportedType> {
        let member = |field: &arrow::datatypes::FieldRef| {
            let shape = Shape::new(field.data_type(), field.name())?;
            Ok((Key::new(field.name()), shape))
        };
        Ok(Self {
            resource,
            members: schema
                .fields()
                .iter()
                .skip(1)
                .map(member)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Writes one document of one resource.
pub struct DocumentWriter {
    shape: Arc<DocumentShape>,
    base: Arc<str>,
    json: JsonWriter,
}

impl DocumentWriter {
    /// A document whose links begin with `base`, which ends in a slash.
    pub fn new(shape: Arc<DocumentShape>, base: Arc<str>, style: Style) -> Self {
        Self {
            shape,
            base,
            json: JsonWriter::new(style),
        }
    }

    /// Everything before a list's first object.
    pub fn begin_list(&mut self) {
        let link = [&*self.base, self.shape.resource, "/"];
        self.json.begin_object();
        write_links(&mut self.json, &link);
        self.json.name("data");
        self.json.begin_array();
    }

    /// Some of a list's objects.
    ///
    /// # Errors
    /// When the batch is not what the shape was made of.
    pub fn objects(
        &mut self,
        batch: &RecordBatch,
        rows: Range<usize>,
    ) -> Result<(), UnsupportedType> {
        let objects = Objects::bind(&self.shape, &self.base, batch)?;
        for row in rows {
            self.json.element();
            objects.write(row, &mut self.json);
        }
        Ok(())
    }

    /// Everything after a list's last object.
    pub fn end_list(&mut self) {
        self.json.end_array();
        self.json.end_object();
    }

    /// The whole document of one object, the batch's first row.
    ///
    /// # Errors
    /// When the batch is not what the shape was made of.
    pub fn single(&mut self, batch: &RecordBatch) -> Result<(), UnsupportedType> {
        let objects = Objects::bind(&self.shape, &self.base, batch)?;
        let mut segment = String::new();
        objects.ids.segment(0, &mut segment);
        let link = [&*self.base, self.shape.resource, "/", &segment];
        self.json.begin_object();
        write_links(&mut self.json, &link);
        self.json.name("data");
        objects.write(0, &mut self.json);
        self.json.end_object();
        Ok(())
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.json.len()
    }

    /// The bytes written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        self.json.take()
    }
}

fn write_links(json: &mut JsonWriter, link: &[&str]) {
    json.name("links");
    json.begin_object();
    json.name("self");
    json.string_of(link);
    json.end_object();
}

/// The rows of one batch as resource objects.
struct Objects<'a> {
    resource: &'static str,
    base: &'a str,
    ids: Ids<'a>,
    members: Vec<(&'a Key, Values<'a>)>,
}

impl<'a> Objects<'a> {
    fn bind(
        shape: &'a DocumentShape,
        base: &'a str,
        batch: &'a RecordBatch,
    ) -> Result<Self, UnsupportedType> {
        let mut columns = batch.columns().iter();
        let ids = Ids::bind(columns.next())?;
        let member = |((key, shape), column): (&'a (Key, Shape), &'a ArrayRef)| {
            Ok((key, shape.bind(column)?))
        };
        Ok(Self {
            resource: shape.resource,
            base,
            ids,
            members: shape
                .members
                .iter()
                .zip(columns)
                .map(member)
                .collect::<Result<_, _>>()?,
        })
    }

    fn write(&self, row: usize, json: &mut JsonWriter) {
        json.begin_object();
        json.name("id");
        self.ids.write(row, json);
        json.name("type");
        json.string(self.resource);
        let members = self.members.iter().map(|(key, values)| (*key, values));
        write_members(members, row, json);
        let mut segment = String::new();
        self.ids.segment(row, &mut segment);
        write_links(json, &[self.base, self.resource, "/", &segment]);
        json.end_object();
    }
}

/// The id column. JSON:API has ids as strings, whatever they are in the table.
enum Ids<'a> {
    Integers(&'a [i64]),
    Strings(&'a StringArray),
    Views(&'a StringViewArray),
}

impl<'a> Ids<'a> {
    fn bind(column: Option<&'a ArrayRef>) -> Result<Self, UnsupportedType> {
        let Some(column) = column else {
            return Err(UnsupportedType::new("the id", &DataType::Null));
        };
        match column.data_type() {
            DataType::Int64 => Ok(Self::Integers(column.as_primitive::<Int64Type>().values())),
            DataType::Utf8 => Ok(Self::Strings(column.as_string())),
            DataType::Utf8View => Ok(Self::Views(column.as_string_view())),
            other => Err(UnsupportedType::new("the id", other)),
        }
    }

    fn write(&self, row: usize, json: &mut JsonWriter) {
        match self {
            Self::Integers(ids) => json.integer_string(ids[row]),
            Self::Strings(ids) => json.string(ids.value(row)),
            Self::Views(ids) => json.string(ids.value(row)),
        }
    }

    /// The id as the last segment of a path.
    fn segment(&self, row: usize, segment: &mut String) {
        match self {
            Self::Integers(ids) => segment.push_str(itoa::Buffer::new().format(ids[row])),
            Self::Strings(ids) => segment.extend(utf8_percent_encode(ids.value(row), SEGMENT)),
            Self::Views(ids) => segment.extend(utf8_percent_encode(ids.value(row), SEGMENT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StructArray};
    use arrow::datatypes::{Field, Fields, Schema};
    use serde_json::{Value, json};

    use super::*;

    fn batch(ids: ArrayRef) -> RecordBatch {
        let names: Vec<String> = (0..ids.len()).map(|row| format!("u{row}")).collect();
        let users = StringViewArray::from_iter_values(names);
        let attributes = StructArray::new(
            Fields::from(vec![Field::new("user", DataType::Utf8View, true)]),
            vec![Arc::new(users)],
            None,
        );
        let schema = Schema::new(vec![
            Field::new("id", ids.data_type().clone(), false),
            Field::new("attributes", attributes.data_type().clone(), true),
        ]);
        RecordBatch::try_new(Arc::new(schema), vec![ids, Arc::new(attributes)]).unwrap()
    }

    fn writer(batch: &RecordBatch, style: Style) -> DocumentWriter {
        let shape = DocumentShape::new("sessions", &batch.schema()).unwrap();
        DocumentWriter::new(Arc::new(shape), "http://localhost:8989/v1/".into(), style)
    }

    #[test]
    fn a_list_in_pieces_is_one_document() {
        let batch = batch(Arc::new(Int64Array::from(vec![9, 10, 11])));
        for style in [Style::Pretty, Style::Compact] {
            let mut writer = writer(&batch, style);
            let mut text = Vec::new();
            writer.begin_list();
            text.append(&mut writer.take());
            for rows in [0..1, 1..3] {
                writer.objects(&batch, rows).unwrap();
                text.append(&mut writer.take());
            }
            writer.end_list();
            text.append(&mut writer.take());
            let read: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(read["links"]["self"], "http://localhost:8989/v1/sessions/");
            assert_eq!(read["data"].as_array().unwrap().len(), 3);
            assert_eq!(
                read["data"][2],
                json!({
                    "id": "11",
                    "type": "sessions",
                    "attributes": { "user": "u2" },
                    "links": { "self": "http://localhost:8989/v1/sessions/11" },
                })
            );
        }
    }

    #[test]
    fn an_empty_list_is_a_document() {
        let batch = batch(Arc::new(Int64Array::from(Vec::<i64>::new())));
        let mut writer = writer(&batch, Style::Compact);
        writer.begin_list();
        writer.end_list();
        assert_eq!(
            writer.take(),
            br#"{"links":{"self":"http://localhost:8989/v1/sessions/"},"data":[]}"#
        );
    }

    #[test]
    fn members_come_in_the_documented_order() {
        let batch = batch(Arc::new(Int64Array::from(vec![9])));
        let mut writer = writer(&batch, Style::Compact);
        writer.single(&batch).unwrap();
        assert_eq!(
            String::from_utf8(writer.take()).unwrap(),
            r#"{"links":{"self":"http://localhost:8989/v1/sessions/9"},"data":{"id":"9","type":"sessions","attributes":{"user":"u0"},"links":{"self":"http://localhost:8989/v1/sessions/9"}}}"#
        );
    }

    #[test]
    fn a_name_is_encoded_in_links_only() {
        let batch = batch(Arc::new(StringViewArray::from(vec!["R/W \"é\""])));
        let mut writer = writer(&batch, Style::Compact);
        writer.single(&batch).unwrap();
        let read: Value = serde_json::from_slice(&writer.take()).unwrap();
        assert_eq!(read["data"]["id"], "R/W \"é\"");
        assert_eq!(
            read["links"]["self"],
            "http://localhost:8989/v1/sessions/R%2FW%20%22%C3%A9%22"
        );
    }
}
