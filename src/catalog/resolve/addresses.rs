//! Addresses, which the engine holds as text: whatever asks which of two comes first, or whether they are equal, asks it
//! of their keys.

use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::{Expr, ExprSchemable};

use super::Resolver;
use crate::catalog::column::TYPE;
use crate::catalog::functions::NETWORK_KEY;

impl Resolver<'_> {
    pub(super) fn is_address(&self, expr: &Expr) -> bool {
        let field = expr.to_field(self.schema);
        field.is_ok_and(|(_, field)| {
            let name = field.metadata().get(TYPE).map(String::as_str);
            matches!(name, Some("inet" | "cidr"))
        })
    }

    /// Puts keys in the place of addresses that are compared with each other or with texts. Whether there were any.
    pub(super) fn compared_addresses(&self, exprs: &mut [&mut Expr]) -> bool {
        if !exprs.iter().any(|expr| self.is_address(expr)) {
            return false;
        }
        let Some(key) = self.functions.get(NETWORK_KEY) else {
            return false;
        };
        for expr in exprs {
            **expr = key.call(vec![expr.clone()]);
        }
        true
    }

    /// Sorts by the keys of addresses. Whether there were any.
    pub(super) fn sorted_addresses(&self, sorts: &mut [Sort]) -> bool {
        let mut changed = false;
        for sort in sorts {
            if self.is_address(&sort.expr)
                && let Some(key) = self.functions.get(NETWORK_KEY)
            {
                sort.expr = key.call(vec![sort.expr.clone()]);
                changed = true;
            }
        }
        changed
    }

    /// The order of an aggregate's values, and `min` and `max`. Whether there was anything of addresses.
    pub(super) fn aggregated_addresses(&self, function: &mut AggregateFunction) -> bool {
        let ascending = match function.func.name() {
            "min" => true,
            "max" => false,
            // The engine looks for what it sorts distinct values by among them.
            _ if function.params.distinct => return false,
            _ => return self.sorted_addresses(&mut function.params.order_by),
        };
        let ([arg], Some(key)) = (
            function.params.args.as_slice(),
            self.functions.get(NETWORK_KEY),
        ) else {
            return false;
        };
        if !self.is_address(arg) {
            return false;
        }
        function.params.order_by = vec![key.call(vec![arg.clone()]).sort(ascending, false)];
        function.params.distinct = false;
        function.func = first_value_udaf();
        true
    }
}
