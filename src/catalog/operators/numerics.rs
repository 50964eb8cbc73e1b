//! Operators of which an operand is a numeric.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::RawBinaryExpr;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, cast};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::{OperatorPlanner, compares};
use crate::catalog::functions::{KEY, OPERATORS, TO_FLOAT, TO_NUMERIC, TO_NUMERICS};
use crate::catalog::resolve::numerics::{float_literal, is_numeric};

impl OperatorPlanner {
    /// Makes the results of a CASE one type, if some are numerics and others other numbers: the engine takes it for one
    /// of the type of the first.
    pub(super) fn settle_case(&self, expr: &mut Expr, schema: &DFSchema) -> Result<()> {
        let Expr::Case(case) = expr else {
            return Ok(());
        };
        let results = case.when_then_expr.iter_mut().map(|(_, then)| then);
        let results: Vec<&mut Box<Expr>> = results.chain(case.else_expr.as_mut()).collect();
        let mut types = Vec::with_capacity(results.len());
        for result in &results {
            match result.get_type(schema) {
                Ok(given) => types.push(given),
                // What a parameter is follows from what it stands beside.
                Err(_) => return Ok(()),
            }
        }
        let has_float = types.iter().any(DataType::is_floating);
        if !types.iter().any(is_numeric) {
            return Ok(());
        }
        for (result, given) in results.into_iter().zip(&types) {
            let made = match (has_float, is_numeric(given)) {
                (true, true) => float_literal(result, &DataType::Float64)
                    .or_else(|| self.call(TO_FLOAT, vec![result.as_ref().clone()])),
                (false, false) if given.is_integer() => {
                    self.call(TO_NUMERIC, vec![result.as_ref().clone()])
                }
                _ => None,
            };
            if let Some(made) = made {
                **result = made;
            }
        }
        Ok(())
    }

    /// Makes an array that a numeric is put into one of numerics, if it is one of integers.
    fn make_numeric(&self, array: &mut Expr, item: &DataType) {
        if item.is_integer()
            && let Some(numerics) = self.call(TO_NUMERICS, vec![array.clone()])
        {
            *array = numerics;
        }
    }

    /// `IS [NOT] DISTINCT FROM`: as values are compared for being equal.
    pub(super) fn distinct(
        &self,
        operator: Operator,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Expr {
        let types = (expr.left.get_type(schema), expr.right.get_type(schema));
        expr.op = BinaryOperator::Eq;
        let equal = match types {
            (Ok(left), Ok(right)) => self.of_numerics(&mut expr, &left, &right),
            _ => None,
        };
        match equal {
            Some(Expr::BinaryExpr(equal)) => binary_expr(*equal.left, operator, *equal.right),
            _ => binary_expr(expr.left, operator, expr.right),
        }
    }

    /// An operation of which an operand is a numeric: with a number of floating point it is one of these, with all
    /// others one of numerics.
    pub(super) fn of_numerics(
        &self,
        expr: &mut RawBinaryExpr,
        left: &DataType,
        right: &DataType,
    ) -> Option<Expr> {
        if !is_numeric(left) && !is_numeric(right) {
            return None;
        }
        if matches!(expr.op, BinaryOperator::StringConcat) {
            if let DataType::List(item) = left {
                self.make_numeric(&mut expr.left, item.data_type());
                return None;
            }
            if let DataType::List(item) = right {
                self.make_numeric(&mut expr.right, item.data_type());
                return None;
            }
            for (operand, given) in [(&mut expr.left, left), (&mut expr.right, right)] {
                if is_numeric(given) {
                    *operand = cast(operand.clone(), DataType::Utf8);
                }
            }
            return None;
        }
        if left.is_floating() || right.is_floating() {
            for (operand, given) in [(&mut expr.left, left), (&mut expr.right, right)] {
                if is_numeric(given)
                    && let Some(float) = float_literal(operand, &DataType::Float64)
                        .or_else(|| self.call(TO_FLOAT, vec![operand.clone()]))
                {
                    *operand = float;
                }
            }
            return None;
        }
        let is_number =
            |given: &DataType| is_numeric(given) || given.is_integer() || given.is_null();
        if !is_number(left) || !is_number(right) {
            return None;
        }
        let (left, right) = (expr.left.clone(), expr.right.clone());
        if compares(&expr.op) {
            let operator = match expr.op {
                BinaryOperator::Eq => Operator::Eq,
                BinaryOperator::NotEq => Operator::NotEq,
                BinaryOperator::Lt => Operator::Lt,
                BinaryOperator::LtEq => Operator::LtEq,
                BinaryOperator::Gt => Operator::Gt,
                _ => Operator::GtEq,
            };
            let (left, right) = (self.call(KEY, vec![left])?, self.call(KEY, vec![right])?);
            return Some(binary_expr(left, operator, right));
        }
        let name = operator_function(&expr.op)?;
        self.call(name, vec![left, right])
    }
}

/// The function of numerics that an operator is.
pub(in crate::catalog) fn operator_function(operator: &BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::Plus => OPERATORS[0],
        BinaryOperator::Minus => OPERATORS[1],
        BinaryOperator::Multiply => OPERATORS[2],
        BinaryOperator::Divide => OPERATORS[3],
        BinaryOperator::Modulo => OPERATORS[4],
        BinaryOperator::PGExp => OPERATORS[5],
        _ => return None,
    })
}
