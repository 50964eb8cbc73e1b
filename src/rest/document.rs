//! JSON:API documents, made from the batches of a resource's query.
//!
//! One column is the id. The members of the resource object follow from the columns as the query's projection
//! says; the id, the type and the object's own link are added here, and so is the document around it all.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use super::compile::Compiled;
use super::derived::Derived;
use super::form::{Columns, Form};
use super::json::{JsonWriter, Key, Style, push_escaped, push_integer};
use super::template::{LinkedIds, Segments, Template, TemplateBuilder};
use super::values::{Scalars, Shape, UnsupportedType};

/// What a resource's objects look like: made of its query's columns, once.
#[derive(Debug)]
pub struct DocumentShape {
    resource: &'static str,
    own: Own,
    /// Of the query's columns.
    columns: Vec<Shape>,
    /// The position of the id among these.
    key: usize,
    derived: Vec<Derived>,
    members: Vec<(Key, Form)>,
    names: Names,
}

/// Where an object's own link leads.
#[derive(Debug, PartialEq, Eq)]
pub enum Own {
    /// To its id, below its resource.
    Id,
    /// To its resource: there is one.
    Path,
    /// To a relationship of the object with the row's id: the document is of that.
    Relationship(String),
}

/// The names of what is added to a query's columns.
#[derive(Debug)]
struct Names {
    id: Key,
    resource_type: Key,
    links: Key,
    own: Key,
    data: Key,
}

impl DocumentShape {
    /// The shape of the objects of `resource`, whose query's projection has been taken apart.
    pub fn new(resource: &'static str, compiled: Compiled, own: Own) -> Self {
        Self {
            resource,
            own,
            columns: compiled.shapes,
            key: compiled.key,
            derived: compiled.derived,
            members: compiled.members,
            names: Names {
                id: Key::new("id"),
                resource_type: Key::new("type"),
                links: Key::new("links"),
                own: Key::new("self"),
                data: Key::new("data"),
            },
        }
    }

    /// The columns of a batch of the query.
    fn columns<'b>(&self, batch: &'b RecordBatch) -> Result<Columns<'b>, UnsupportedType> {
        let refused = || {
            let fields = batch.schema().fields().clone();
            UnsupportedType::new("a row", &DataType::Struct(fields))
        };
        if batch.num_columns() != self.columns.len() {
            return Err(refused());
        }
        for (shape, column) in self.columns.iter().zip(batch.columns()) {
            if !shape.admits(column.data_type()) {
                return Err(refused());
            }
        }
        Columns::new(batch.columns(), &self.derived).ok_or_else(refused)
    }
}

/// Writes one document of one resource.
pub struct DocumentWriter {
    shape: Arc<DocumentShape>,
    base: Arc<str>,
    /// The base as it stands in strings.
    escaped_base: Vec<u8>,
    json: JsonWriter,
    page: Option<PageFrame>,
}

/// What a document says of the page that it is.
#[derive(Clone, Debug)]
pub struct PageFrame {
    /// Links by name, relative to the API's root.
    pub links: Vec<(&'static str, String)>,
    /// Objects on all pages.
    pub total: usize,
}

/// A batch of which rows can be written.
pub struct Objects(Template);

impl DocumentWriter {
    /// A document whose links begin with `base`, which ends in a slash.
    pub fn new(shape: Arc<DocumentShape>, base: Arc<str>, style: Style) -> Self {
        Self::after(Vec::new(), shape, base, style)
    }

    /// The same, behind what the buffer holds already.
    pub fn after(text: Vec<u8>, shape: Arc<DocumentShape>, base: Arc<str>, style: Style) -> Self {
        let mut escaped_base = Vec::with_capacity(base.len());
        push_escaped(&mut escaped_base, &base);
        Self {
            shape,
            base,
            escaped_base,
            json: JsonWriter::after(text, style),
            page: None,
        }
    }

    /// The same, of a page.
    pub fn of_page(self, page: PageFrame) -> Self {
        Self {
            page: Some(page),
            ..self
        }
    }

    /// Everything before a list's first object.
    pub fn begin_list(&mut self) {
        self.json.begin_object();
        self.json.name("links");
        self.json.begin_object();
        match &self.page {
            None => {
                self.json.name("self");
                self.json.string_of(&[&self.base, self.shape.resource, "/"]);
            }
            Some(page) => {
                for (name, link) in &page.links {
                    self.json.name(name);
                    self.json.string_of(&[&self.base, link]);
                }
            }
        }
        self.json.end_object();
        self.json.name("data");
        self.json.begin_array();
    }

    /// Prepares a batch, whose rows are to be a list's objects.
    ///
    /// # Errors
    /// When the batch is not what the shape was made of.
    pub fn bind(&self, batch: &RecordBatch) -> Result<Objects, UnsupportedType> {
        let columns = self.shape.columns(batch)?;
        let mut template = self.template();
        object(&mut template, &self.shape, batch, &columns)?;
        Ok(Objects(template.build()))
    }

    /// Some of a list's objects.
    pub fn objects(&mut self, objects: &Objects, rows: Range<usize>) {
        for row in rows {
            self.json.element();
            objects.0.write(row, self.json.text());
        }
    }

    /// Some objects, one a line, without a document around them.
    pub fn lines(&mut self, objects: &Objects, rows: Range<usize>) {
        for row in rows {
            objects.0.write(row, self.json.text());
            self.json.text().push(b'\n');
        }
    }

    /// Everything after a list's last object.
    pub fn end_list(&mut self) {
        self.json.end_array();
        if let Some(page) = &self.page {
            self.json.name("meta");
            self.json.begin_object();
            self.json.name("total");
            push_integer(self.json.text(), page.total);
            self.json.end_object();
        }
        self.json.end_object();
    }

    /// The whole document of one object, the batch's first row; nothing when it has none.
    ///
    /// # Errors
    /// When the batch is not what the shape was made of.
    pub fn single(&mut self, batch: &RecordBatch) -> Result<(), UnsupportedType> {
        let columns = self.shape.columns(batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut template = self.template();
        template.begin_object();
        own_link(&mut template, &self.shape, batch)?;
        match self.shape.own {
            Own::Relationship(_) => {
                // Nothing is related by a relationship that an object has not.
                for (key, form) in &self.shape.members {
                    template.key(key);
                    template.list_or_none(form, &columns);
                }
            }
            Own::Id | Own::Path => {
                template.key(&self.shape.names.data);
                object(&mut template, &self.shape, batch, &columns)?;
            }
        }
        template.end_object();
        template.build().write(0, self.json.text());
        Ok(())
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.json.len()
    }

    /// The bytes written since the last time. As many are expected to follow.
    pub fn take(&mut self) -> Vec<u8> {
        self.json.take()
    }

    /// The bytes written since the last time, when none will follow.
    pub fn into_text(self) -> Vec<u8> {
        self.json.into_text()
    }

    fn template(&self) -> TemplateBuilder<'_> {
        TemplateBuilder::new(self.json.style(), self.json.depth(), &self.escaped_base)
    }
}

fn object(
    template: &mut TemplateBuilder<'_>,
    shape: &DocumentShape,
    batch: &RecordBatch,
    columns: &Columns<'_>,
) -> Result<(), UnsupportedType> {
    template.begin_object();
    template.key(&shape.names.id);
    template.text_of(ids(shape, batch)?);
    template.key(&shape.names.resource_type);
    template.string(shape.resource);
    template.members(&shape.members, columns);
    own_link(template, shape, batch)?;
    template.end_object();
    Ok(())
}

/// The links of a document or an object: to the one with the row's id.
fn own_link(
    template: &mut TemplateBuilder<'_>,
    shape: &DocumentShape,
    batch: &RecordBatch,
) -> Result<(), UnsupportedType> {
    let ids = match batch.column(shape.key) {
        texts if texts.data_type() == &DataType::Utf8 => {
            LinkedIds::Texts(Segments::Utf8(texts.as_string().clone()))
        }
        texts if texts.data_type() == &DataType::Utf8View => {
            LinkedIds::Texts(Segments::Utf8View(texts.as_string_view().clone()))
        }
        _ => LinkedIds::Numbers(ids(shape, batch)?),
    };
    template.key(&shape.names.links);
    template.begin_object();
    template.key(&shape.names.own);
    let path = [shape.resource, "/"].concat();
    match &shape.own {
        Own::Id => template.link(&path, Some(ids), ""),
        Own::Path => template.link(&path, None, ""),
        Own::Relationship(name) => {
            template.link(&path, Some(ids), &["/relationships/", name].concat());
        }
    }
    template.end_object();
    Ok(())
}

/// The id column. JSON:API has ids as strings, whatever they are in the table.
fn ids(shape: &DocumentShape, batch: &RecordBatch) -> Result<Scalars, UnsupportedType> {
    let column: &ArrayRef = batch.column(shape.key);
    match (column.data_type(), Scalars::bind(column)) {
        (DataType::Int64 | DataType::Utf8 | DataType::Utf8View, Some(ids)) => Ok(ids),
        (other, _) => Err(UnsupportedType::new("the id", other)),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray, StructArray};
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
        let compiled = Compiled::of_columns(&batch.schema()).unwrap();
        let shape = DocumentShape::new("sessions", compiled, Own::Id);
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
            let objects = writer.bind(&batch).unwrap();
            for rows in [0..1, 1..3] {
                writer.objects(&objects, rows);
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
        let objects = writer.bind(&batch).unwrap();
        writer.objects(&objects, 0..0);
        writer.end_list();
        assert_eq!(
            writer.into_text(),
            br#"{"links":{"self":"http://localhost:8989/v1/sessions/"},"data":[]}"#
        );
    }

    #[test]
    fn members_come_in_the_documented_order() {
        let batch = batch(Arc::new(Int64Array::from(vec![9])));
        let mut writer = writer(&batch, Style::Compact);
        writer.single(&batch).unwrap();
        assert_eq!(
            String::from_utf8(writer.into_text()).unwrap(),
            r#"{"links":{"self":"http://localhost:8989/v1/sessions/9"},"data":{"id":"9","type":"sessions","attributes":{"user":"u0"},"links":{"self":"http://localhost:8989/v1/sessions/9"}}}"#
        );
    }

    #[test]
    fn a_name_is_encoded_in_links_only() {
        let batch = batch(Arc::new(StringViewArray::from(vec!["R/W \"é\""])));
        let mut writer = writer(&batch, Style::Compact);
        writer.single(&batch).unwrap();
        let read: Value = serde_json::from_slice(&writer.into_text()).unwrap();
        assert_eq!(read["data"]["id"], "R/W \"é\"");
        assert_eq!(
            read["links"]["self"],
            "http://localhost:8989/v1/sessions/R%2FW%20%22%C3%A9%22"
        );
    }

    #[test]
    fn names_in_a_list_are_encoded_one_by_one() {
        let batch = batch(Arc::new(StringViewArray::from(vec!["a/b", "plain"])));
        for style in [Style::Pretty, Style::Compact] {
            let mut writer = writer(&batch, style);
            writer.begin_list();
            let objects = writer.bind(&batch).unwrap();
            writer.objects(&objects, 0..2);
            writer.end_list();
            let read: Value = serde_json::from_slice(&writer.into_text()).unwrap();
            let link = |row: usize| read["data"][row]["links"]["self"].clone();
            assert_eq!(link(0), "http://localhost:8989/v1/sessions/a%2Fb");
            assert_eq!(link(1), "http://localhost:8989/v1/sessions/plain");
        }
    }

    #[test]
    fn another_query_s_batch_is_refused() {
        let numbered = batch(Arc::new(Int64Array::from(vec![9])));
        let mut writer = writer(&numbered, Style::Compact);
        let ids_only = numbered.project(&[0]).unwrap();
        assert!(writer.bind(&ids_only).is_err());
        let swapped = numbered.project(&[1, 0]).unwrap();
        assert!(writer.single(&swapped).is_err());
        let floats = batch(Arc::new(arrow::array::Float64Array::from(vec![9.0])));
        assert!(writer.bind(&floats).is_err());
    }
}
