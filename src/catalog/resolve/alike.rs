//! What values that stand side by side have in common: an operator that compares them, and a type.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, ExprSchemable};

use super::{Resolver, is_untyped};
use crate::catalog::column::TYPE;
use crate::catalog::operators::{is_unlike, no_operator, untyped};
use crate::catalog::type_names::common_type;
use crate::sql::types::reference_names;

impl Resolver<'_> {
    /// Refuses a comparison for which PostgreSQL has no operator.
    pub(super) fn refuse_unlike(&self, left: &Expr, right: &Expr, op: &str) -> Result<()> {
        if is_untyped(left) || is_untyped(right) {
            return Ok(());
        }
        match (left.get_type(self.schema), right.get_type(self.schema)) {
            (Ok(of_left), Ok(of_right)) if is_unlike(&of_left, &of_right) => {
                Err(no_operator([(left, &of_left), (right, &of_right)], op))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a pattern or what is to match it that is no text.
    pub(super) fn refuse_no_text(&self, left: &Expr, right: &Expr, op: &str) -> Result<()> {
        let is_open = |expr: &Expr| matches!(expr, Expr::Placeholder(_));
        match (left.get_type(self.schema), right.get_type(self.schema)) {
            (Ok(of_left), Ok(of_right))
                if !is_open(left)
                    && !is_open(right)
                    && (is_unlike(&of_left, &DataType::Utf8)
                        || is_unlike(&of_right, &DataType::Utf8)) =>
            {
                Err(no_operator([(left, &of_left), (right, &of_right)], op))
            }
            _ => Ok(()),
        }
    }

    /// Reads texts in quotes of a list as what they are looked for among: names of types, relations and the like.
    pub(super) fn read_references(&self, value: &Expr, list: &mut [Expr]) -> bool {
        let Ok((_, field)) = value.to_field(self.schema) else {
            return false;
        };
        let name = field.metadata().get(TYPE).map_or("", String::as_str);
        let Some(read) = self
            .functions
            .get(name)
            .filter(|_| reference_names().any(|known| known == name))
        else {
            return false;
        };
        let mut texts = list
            .iter_mut()
            .filter(|item| untyped(item).is_some())
            .peekable();
        let has_some = texts.peek().is_some();
        texts.for_each(|item| *item = read.call(vec![std::mem::take(item)]));
        has_some
    }

    /// The type that a CASE has, if its values are of one that the engine does not know.
    pub(super) fn case_type(&self, expr: &Expr) -> Option<FieldRef> {
        let Expr::Case(case) = expr else {
            return None;
        };
        let results = case.when_then_expr.iter().map(|(_, then)| then);
        let results = results.chain(&case.else_expr);
        let typed = results.filter(|result| {
            let is_said = |value: &Expr| value.metadata(self.schema).is_ok_and(|m| !m.is_empty());
            !is_untyped(result) || is_said(result)
        });
        let fields = typed.map(|result| result.to_field(self.schema).map(|(_, field)| field));
        let fields: Vec<FieldRef> = fields.collect::<Result<_>>().ok()?;
        let said = common_type(fields.iter().map(FieldRef::as_ref))?;
        let data_type = expr.get_type(self.schema).ok()?;
        Some(Arc::new(
            Field::new("", data_type, true).with_metadata(said),
        ))
    }
}
