//! Values as text. Columns that hold oids of functions, types and the like, `pg_type.typinput` for one, are written as
//! names: where they are cast to text, and in a result. Moments, intervals, lists and the like have PostgreSQL's form
//! where they are cast to text; in a result it is the door's to write.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Cast, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarUDF,
};
use datafusion::optimizer::AnalyzerRule;

use crate::catalog::column::TYPE;
use crate::catalog::functions::{TEXT_OUT, has_own_text};

/// Types whose values are oids and whose text is a name.
const REFERENCES: [&str; 3] = ["regproc", "regtype", "regclass"];

/// Writes references as names.
#[derive(Clone, Debug)]
pub(in crate::catalog) struct References {
    /// The output functions of the types.
    outputs: HashMap<&'static str, Arc<ScalarUDF>>,
    /// The function that writes all other values.
    text: Option<Arc<ScalarUDF>>,
}

impl References {
    /// By the output functions that there are in `state`.
    pub fn new(state: &SessionState) -> Self {
        let output = |name: &'static str| {
            let function = state.scalar_functions().get(&format!("{name}out"))?;
            Some((name, Arc::clone(function)))
        };
        Self {
            outputs: REFERENCES.into_iter().filter_map(output).collect(),
            text: state.scalar_functions().get(TEXT_OUT).cloned(),
        }
    }

    fn output(
        &self,
        metadata: &HashMap<String, String>,
        data_type: &DataType,
    ) -> Option<&Arc<ScalarUDF>> {
        let name = metadata.get(TYPE)?;
        (*data_type == DataType::UInt32)
            .then(|| self.outputs.get(name.as_str()))
            .flatten()
    }

    /// The plan with names in the place of references in its result.
    ///
    /// # Errors
    /// What the engine has against it.
    pub fn spell_result(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let is_spelled = |metadata: &HashMap<String, String>, data_type: &DataType| {
            self.output(metadata, data_type).is_some()
        };
        let mut fields = plan.schema().fields().iter();
        if !fields.any(|field| is_spelled(field.metadata(), field.data_type())) {
            return Ok(plan);
        }
        let item = |(qualifier, field): (
            Option<&datafusion::common::TableReference>,
            &Arc<arrow::datatypes::Field>,
        )| {
            let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            match self.output(field.metadata(), field.data_type()) {
                Some(output) => output
                    .call(vec![column])
                    .alias_qualified(qualifier.cloned(), field.name()),
                None => column,
            }
        };
        let items: Vec<Expr> = plan.schema().iter().map(item).collect();
        LogicalPlanBuilder::from(plan).project(items)?.build()
    }

    fn spell_casts(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| {
            let Expr::Cast(Cast { expr: value, field }) = &expr else {
                return Ok(Transformed::no(expr));
            };
            if !field.data_type().is_string() {
                return Ok(Transformed::no(expr));
            }
            // A value that cannot be told the type of is no reference to anything here.
            let Ok((_, of)) = value.to_field(schema) else {
                return Ok(Transformed::no(expr));
            };
            let output = self.output(of.metadata(), of.data_type());
            let text = || self.text.as_ref().filter(|_| has_own_text(of.data_type()));
            let Some(output) = output.or_else(text) else {
                return Ok(Transformed::no(expr));
            };
            let name = output.call(vec![value.as_ref().clone()]);
            Ok(Transformed::yes(name.cast_to(field.data_type(), schema)?))
        })
    }
}

impl AnalyzerRule for References {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            let schema = merge_schema(&plan.inputs());
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let spelled = self.spell_casts(expr, &schema)?;
                Ok(match spelled.transformed {
                    true => spelled.update_data(|expr| name.restore(expr)),
                    false => spelled,
                })
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "spell_references"
    }
}
