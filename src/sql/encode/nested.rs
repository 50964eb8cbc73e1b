//! Arrays and rows.

use super::EncodeError;
use super::column::Column;
use super::interval::Forms;
use super::text::Quoting;
use crate::catalog::TYPE;
use crate::sql::types::{Format, pg_type_of};
use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use bytes::{BufMut, BytesMut};
use pgwire::api::Type;
use std::collections::HashMap;
use std::ops::Range;

/// Most dimensions of an array (PostgreSQL's `MAXDIM`).
const DIMENSIONS_MAX: usize = 6;

/// Where the elements of a row stand in the column of elements.
#[derive(Debug)]
enum Ranges {
    Offsets32(OffsetBuffer<i32>),
    Offsets64(OffsetBuffer<i64>),
    Fixed(usize),
    View32(ScalarBuffer<i32>, ScalarBuffer<i32>),
    View64(ScalarBuffer<i64>, ScalarBuffer<i64>),
}

impl Ranges {
    fn get(&self, row: usize) -> Range<usize> {
        // Arrow guarantees that offsets and sizes are not negative.
        match self {
            Self::Offsets32(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
            Self::Offsets64(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
            Self::Fixed(size) => row * size..(row + 1) * size,
            Self::View32(offsets, sizes) => {
                offsets[row] as usize..(offsets[row] + sizes[row]) as usize
            }
            Self::View64(offsets, sizes) => {
                offsets[row] as usize..(offsets[row] + sizes[row]) as usize
            }
        }
    }
}

/// The field of the elements of a list of any layout.
fn element_of(data_type: &DataType) -> Option<&Field> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => Some(item.as_ref()),
        _ => None,
    }
}

/// The internal name of the type that a column says its elements are of.
fn element_type(field: &Field) -> Option<&str> {
    field.metadata().get(TYPE)?.strip_prefix('_')
}

/// A column of arrays.
#[derive(Debug)]
pub(super) struct ArrayValues {
    ranges: Ranges,
    items: Box<Column>,
    /// Whether it is one of the catalog's vectors, which begin at 0 and have a text form of their own.
    is_vector: bool,
    scratch: Vec<u8>,
}

impl ArrayValues {
    /// Binds a list of any layout.
    pub(super) fn bind(
        field: &Field,
        array: &ArrayRef,
        format: Format,
        forms: &Forms,
    ) -> Result<Self, EncodeError> {
        let (ranges, items) = match array.data_type() {
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                (Ranges::Offsets64(list.offsets().clone()), list.values())
            }
            DataType::FixedSizeList(_, size) => (
                Ranges::Fixed(usize::try_from(*size).unwrap_or(0)),
                array.as_fixed_size_list().values(),
            ),
            DataType::ListView(_) => {
                let list = array.as_list_view::<i32>();
                (
                    Ranges::View32(list.offsets().clone(), list.sizes().clone()),
                    list.values(),
                )
            }
            DataType::LargeListView(_) => {
                let list = array.as_list_view::<i64>();
                (
                    Ranges::View64(list.offsets().clone(), list.sizes().clone()),
                    list.values(),
                )
            }
            _ => {
                let list = array.as_list::<i32>();
                (Ranges::Offsets32(list.offsets().clone()), list.values())
            }
        };
        // The type that the column says its elements have, or else the one that those of this batch say.
        let named = |data_type| element_of(data_type).filter(|item| !item.metadata().is_empty());
        let item = named(field.data_type()).or_else(|| named(array.data_type()));
        let metadata = match (item, element_type(field)) {
            (Some(item), _) => item.metadata().clone(),
            (None, Some(name)) => [(TYPE.to_owned(), name.to_owned())].into(),
            (None, None) => HashMap::new(),
        };
        let item = Field::new(field.name(), items.data_type().clone(), true);
        let item = &item.with_metadata(metadata);
        Ok(Self {
            ranges,
            items: Box::new(Column::bind(item, items, format, forms)?),
            is_vector: matches!(pg_type_of(field), Type::INT2_VECTOR | Type::OID_VECTOR),
            scratch: Vec::new(),
        })
    }

    /// Appends `{a,"b c",NULL}`; inner arrays stand as they are. A vector is `1 2`.
    pub(super) fn write_text(&mut self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        if self.is_vector {
            let range = self.ranges.get(row);
            for at in range.clone() {
                if at > range.start {
                    out.put_u8(b' ');
                }
                self.items.write(at, out)?;
            }
            return Ok(());
        }
        out.put_u8(b'{');
        let range = self.ranges.get(row);
        for at in range.clone() {
            if at > range.start {
                out.put_u8(b',');
            }
            if self.items.is_null(at) {
                out.extend_from_slice(b"NULL");
                continue;
            }
            let start = out.len();
            self.items.write(at, out)?;
            if !self.items.is_array() {
                Quoting::Array.apply(start, out, &mut self.scratch)?;
            }
        }
        out.put_u8(b'}');
        Ok(())
    }

    /// Appends the array as `array_send` does: dimensions, whether it has nulls, element type, size and lower bound of
    /// each dimension, then the elements with their lengths.
    pub(super) fn write_binary(
        &mut self,
        row: usize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let mut sizes = [0_usize; DIMENSIONS_MAX];
        let (dimensions, oid) = self.dimensions(row, &mut sizes)?;
        let start = out.len();
        out.put_i32(dimensions as i32);
        let nulls_at = out.len();
        out.put_i32(0);
        out.put_u32(oid);
        let empty_len = out.len();
        for size in &sizes[..dimensions] {
            out.put_i32(i32::try_from(*size).map_err(|_| EncodeError::RowTooLong)?);
            out.put_i32(i32::from(!self.is_vector));
        }
        if self.write_elements(row, &sizes[..dimensions], out)? {
            out[nulls_at + 3] = 1;
        }
        // PostgreSQL's empty array has no dimensions, but its empty vector has one.
        if !self.is_vector && sizes[..dimensions].contains(&0) {
            out.truncate(empty_len);
            out[start..start + 4].copy_from_slice(&[0; 4]);
        }
        Ok(())
    }

    /// Number of dimensions, and the element type below all of them. The sizes are those along the first elements.
    fn dimensions(&mut self, row: usize, sizes: &mut [usize]) -> Result<(usize, u32), EncodeError> {
        let range = self.ranges.get(row);
        let (first, rest) = sizes.split_first_mut().ok_or(EncodeError::RaggedArray)?;
        *first = range.len();
        let oid = self.items.oid;
        match self.items.as_array_mut() {
            Some(inner) if !range.is_empty() => inner
                .dimensions(range.start, rest)
                .map(|(below, oid)| (below + 1, oid)),
            Some(inner) => Ok((1, inner.leaf_oid())),
            None => Ok((1, oid)),
        }
    }

    fn leaf_oid(&mut self) -> u32 {
        let oid = self.items.oid;
        self.items.as_array_mut().map_or(oid, Self::leaf_oid)
    }

    /// Appends the elements of `row`, which must have the given sizes; returns whether one is null.
    fn write_elements(
        &mut self,
        row: usize,
        sizes: &[usize],
        out: &mut BytesMut,
    ) -> Result<bool, EncodeError> {
        let range = self.ranges.get(row);
        let mut nulls = false;
        match sizes.split_first() {
            Some((size, rest)) if *size == range.len() => {
                for at in range {
                    let null = self.items.is_null(at);
                    match self.items.as_array_mut() {
                        Some(_) if null => return Err(EncodeError::RaggedArray),
                        Some(inner) => nulls |= inner.write_elements(at, rest, out)?,
                        None => {
                            nulls |= null;
                            self.items.write_with_length(at, out)?;
                        }
                    }
                }
                Ok(nulls)
            }
            _ => Err(EncodeError::RaggedArray),
        }
    }
}

/// A column of rows.
#[derive(Debug)]
pub(super) struct RecordValues {
    fields: Vec<Column>,
    scratch: Vec<u8>,
}

impl RecordValues {
    /// Binds the fields of a struct.
    pub(super) fn bind(
        array: &StructArray,
        format: Format,
        forms: &Forms,
    ) -> Result<Self, EncodeError> {
        let fields = array
            .fields()
            .iter()
            .zip(array.columns())
            .map(|(field, values)| Column::bind(field, values, format, forms))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            fields,
            scratch: Vec::new(),
        })
    }

    /// Appends `(a,"b c",)`; null is nothing.
    pub(super) fn write_text(&mut self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(b'(');
        for (n, field) in self.fields.iter_mut().enumerate() {
            if n > 0 {
                out.put_u8(b',');
            }
            if !field.is_null(row) {
                let start = out.len();
                field.write(row, out)?;
                Quoting::Record.apply(start, out, &mut self.scratch)?;
            }
        }
        out.put_u8(b')');
        Ok(())
    }

    /// Appends the row as `record_send` does: number of fields, then type, length and value of each.
    pub(super) fn write_binary(
        &mut self,
        row: usize,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let count_at = out.len();
        out.put_i32(0);
        for field in &mut self.fields {
            out.put_u32(field.oid);
            field.write_with_length(row, out)?;
        }
        let count = i32::try_from(self.fields.len()).map_err(|_| EncodeError::RowTooLong)?;
        out[count_at..count_at + 4].copy_from_slice(&count.to_be_bytes());
        Ok(())
    }
}
