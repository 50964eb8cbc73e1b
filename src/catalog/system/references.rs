//! Values as text. Columns that hold oids of functions, types and the like, `pg_type.typinput` for one, are written as
//! names where they are cast to text or given to a function that writes its arguments; in a result they are both, since
//! their binary form is the oid. Moments, intervals, lists and the like have PostgreSQL's form where they are cast to
//! text; in a result it is the door's to write.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Column, DFSchema, Result, TableReference};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::catalog::column::TYPE;
use crate::catalog::functions::{TEXT_OUT, has_own_text};
use crate::sql::types::reference_names;

/// Functions that write the text of whatever they are given.
const WRITERS: [&str; 12] = [
    "concat",
    "concat_ws",
    "format",
    "json_build_array",
    "json_build_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "quote_literal",
    "quote_nullable",
    "text",
    "to_json",
    "to_jsonb",
];

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
            outputs: reference_names().filter_map(output).collect(),
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

    /// The output function of the references that a column holds, or arrays of such.
    fn output_of(&self, field: &Field) -> Option<&Arc<ScalarUDF>> {
        let name = field.metadata().get(TYPE)?;
        let name = match field.data_type() {
            DataType::UInt32 => name.as_str(),
            DataType::List(item) if *item.data_type() == DataType::UInt32 => {
                name.strip_prefix('_')?
            }
            _ => return None,
        };
        self.outputs.get(name)
    }

    /// The plan with names beside the references in its result.
    ///
    /// # Errors
    /// What the engine has against it.
    pub fn spell_result(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let fields = plan.schema().fields().iter().enumerate();
        let outputs = fields.map(|(at, field)| {
            let output = self.output_of(field);
            output.or_else(|| self.output_of(case_at(&plan, at)?.as_ref()))
        });
        let outputs: Vec<_> = outputs.collect();
        if outputs.iter().all(Option::is_none) {
            return Ok(plan);
        }
        let item = |((qualifier, field), output): (
            (Option<&TableReference>, &FieldRef),
            Option<&Arc<ScalarUDF>>,
        )| {
            let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            match output {
                Some(output) => ScalarUDF::from(Spelled::new(output))
                    .call(vec![column])
                    .alias_qualified(qualifier.cloned(), field.name()),
                None => column,
            }
        };
        let items: Vec<Expr> = plan.schema().iter().zip(outputs).map(item).collect();
        LogicalPlanBuilder::from(plan).project(items)?.build()
    }

    /// The name of a value that is a reference.
    fn spelled(&self, value: &Expr, schema: &DFSchema) -> Option<Expr> {
        // A value that cannot be told the type of is no reference to anything here.
        let (_, of) = value.to_field(schema).ok()?;
        let output = self.output(of.metadata(), of.data_type())?;
        Some(output.call(vec![value.clone()]))
    }

    fn spell_casts(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| {
            if let Expr::ScalarFunction(call) = &expr
                && WRITERS.contains(&call.func.name())
            {
                let names = call.args.iter().map(|value| self.spelled(value, schema));
                let names: Vec<_> = names.collect();
                if names.iter().all(Option::is_none) {
                    return Ok(Transformed::no(expr));
                }
                let args = names.into_iter().zip(&call.args);
                let args = args.map(|(name, value)| name.unwrap_or_else(|| value.clone()));
                return Ok(Transformed::yes(call.func.call(args.collect())));
            }
            let Expr::Cast(Cast { expr: value, field }) = &expr else {
                return Ok(Transformed::no(expr));
            };
            if !field.data_type().is_string() {
                return Ok(Transformed::no(expr));
            }
            let text = || {
                let given = value.get_type(schema).ok()?;
                let text = self.text.as_ref().filter(|_| has_own_text(&given))?;
                Some(text.call(vec![value.as_ref().clone()]))
            };
            let Some(name) = self.spelled(value, schema).or_else(text) else {
                return Ok(Transformed::no(expr));
            };
            let cast = Cast::new_from_field(Box::new(name), Arc::clone(field));
            Ok(Transformed::yes(Expr::Cast(cast)))
        })
    }
}

/// The values of a CASE that is a column of a plan's outermost list: what type it is of is not known before it is
/// analysed.
fn case_at(plan: &LogicalPlan, at: usize) -> Option<FieldRef> {
    let mut plan = plan;
    let projection = loop {
        plan = match plan {
            LogicalPlan::Projection(projection) => break projection,
            LogicalPlan::Sort(sort) => &sort.input,
            LogicalPlan::Limit(limit) => &limit.input,
            _ => return None,
        }
    };
    let mut expr = projection.expr.get(at)?;
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    let Expr::Case(case) = expr else {
        return None;
    };
    let mut results = case.when_then_expr.iter().map(|(_, then)| then);
    let (_, field) = results.next()?.to_field(projection.input.schema()).ok()?;
    Some(field)
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

/// References, or arrays of them, as both forms that clients may be sent: the oid, and the name. No statement calls it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Spelled {
    /// Writes the names.
    output: Arc<ScalarUDF>,
    signature: Signature,
}

impl Spelled {
    fn new(output: &Arc<ScalarUDF>) -> Self {
        Self {
            output: Arc::clone(output),
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        Fields::from(vec![
            Field::new("oid", DataType::UInt32, true),
            Field::new("name", DataType::Utf8, true),
        ])
    }

    fn item() -> FieldRef {
        Arc::new(Field::new_list_field(
            DataType::Struct(Self::fields()),
            true,
        ))
    }

    fn both(&self, oids: &ArrayRef, config: &Arc<ConfigOptions>) -> Result<ArrayRef> {
        let names = self.output.invoke_with_args(ScalarFunctionArgs {
            args: vec![ColumnarValue::Array(Arc::clone(oids))],
            arg_fields: vec![Arc::new(Field::new("oid", DataType::UInt32, true))],
            number_rows: oids.len(),
            return_field: Arc::new(Field::new("name", DataType::Utf8, true)),
            config_options: Arc::clone(config),
        })?;
        let columns = vec![Arc::clone(oids), names.into_array(oids.len())?];
        let both = StructArray::try_new(Self::fields(), columns, oids.nulls().cloned())?;
        Ok(Arc::new(both))
    }
}

impl ScalarUDFImpl for Spelled {
    fn name(&self) -> &str {
        "spelled"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match types.first() {
            Some(DataType::List(_)) => DataType::List(Self::item()),
            _ => DataType::Struct(Self::fields()),
        })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone());
        let data_type = self.return_type(&types.collect::<Vec<_>>())?;
        let of = args.arg_fields.first();
        let of = of.and_then(|field| field.metadata().get(TYPE));
        let metadata = of.map(|name| (TYPE.to_owned(), name.clone()));
        let field = Field::new(self.name(), data_type, true);
        Ok(Arc::new(
            field.with_metadata(metadata.into_iter().collect()),
        ))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [given] = take_function_args(self.name(), arrays)?;
        let config = &args.config_options;
        Ok(ColumnarValue::Array(match given.as_list_opt::<i32>() {
            Some(lists) => Arc::new(ListArray::try_new(
                Self::item(),
                lists.offsets().clone(),
                self.both(lists.values(), config)?,
                lists.nulls().cloned(),
            )?),
            None => self.both(&given, config)?,
        }))
    }
}
