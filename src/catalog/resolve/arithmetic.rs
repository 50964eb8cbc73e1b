//! Arithmetic whose operands have turned out to be of other types than they were planned for, and CASE, whose type the
//! engine takes from its first result.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable};

use super::numerics::is_numeric;
use super::{Resolver, wider};
use crate::catalog::operators::numerics::operator_function;
use crate::catalog::operators::replanned;

impl Resolver<'_> {
    /// An operation in the types that its operands have now; `None` where these are what they were.
    pub(super) fn arithmetic(&self, call: &ScalarFunction) -> Result<Option<Expr>> {
        let [left, right] = call.args.as_slice() else {
            return Ok(None);
        };
        let types = (left.get_type(self.schema), right.get_type(self.schema));
        let (Ok(one), Ok(other)) = types else {
            return Ok(None);
        };
        let Some((operator, written)) = replanned(call, [&one, &other]) else {
            return Ok(None);
        };
        if written.is_some() || !(is_numeric(&one) || is_numeric(&other)) {
            return Ok(written);
        }
        let name = operator_function(&operator);
        let operation = name.and_then(|name| self.functions.get(name));
        Ok(operation.map(|operation| operation.call(call.args.clone())))
    }

    /// Makes numbers that stand for one result one type, the widest of theirs. Whether there were different ones.
    pub(super) fn one_width(&self, exprs: &mut [&mut Expr]) -> Result<bool> {
        let mut widest: Option<DataType> = None;
        let mut types = Vec::with_capacity(exprs.len());
        for expr in exprs.iter() {
            let Ok(given) = expr.get_type(self.schema) else {
                return Ok(false);
            };
            if !given.is_null() {
                let both = match widest {
                    None => given.is_numeric().then(|| given.clone()),
                    Some(widest) => wider(widest, given.clone()),
                };
                let Some(both) = both else {
                    return Ok(false);
                };
                widest = Some(both);
            }
            types.push(given);
        }
        let Some(widest) = widest.filter(DataType::is_numeric) else {
            return Ok(false);
        };
        let mut changed = false;
        for (expr, given) in exprs.iter_mut().zip(types) {
            if given != widest && !given.is_null() {
                **expr = std::mem::take(*expr).cast_to(&widest, self.schema)?;
                changed = true;
            }
        }
        Ok(changed)
    }
}
