//! EXPLAIN in the shape of PostgreSQL's: one column `QUERY PLAN` with a tree of the plan's operators, or one JSON document.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, execute_stream};
use datafusion::sql::sqlparser::ast;
use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::column::TYPE;
use super::stop::CHECK;

/// How a statement is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Explain {
    /// The statement is run, and rows and times are shown.
    analyze: bool,
    verbose: bool,
    json: bool,
    /// Estimates are shown, which postgres_fdw plans by.
    costs: bool,
}

impl Explain {
    /// Takes the statement out of its EXPLAIN.
    pub fn extract(statement: ast::Statement) -> (ast::Statement, Option<Self>) {
        use ast::AnalyzeFormatKind::{Assignment, Keyword};
        match statement {
            ast::Statement::Explain {
                statement,
                analyze,
                verbose,
                format,
                estimate,
                ..
            } => {
                let explain = Self {
                    analyze,
                    verbose,
                    costs: estimate,
                    json: matches!(
                        format,
                        Some(
                            Keyword(ast::AnalyzeFormat::JSON)
                                | Assignment(ast::AnalyzeFormat::JSON)
                        )
                    ),
                };
                (*statement, Some(explain))
            }
            other => (other, None),
        }
    }

    /// The one column.
    pub fn schema(self) -> SchemaRef {
        let field = Field::new("QUERY PLAN", DataType::Utf8, false);
        let field = match self.json {
            true => field.with_metadata([(TYPE.to_owned(), "json".to_owned())].into()),
            false => field,
        };
        Arc::new(Schema::new(vec![field]))
    }

    /// The answer: of a plan that was made in `planning`.
    pub fn answer(
        self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        planning: Duration,
    ) -> SendableRecordBatchStream {
        let schema = self.schema();
        let answer = async move {
            let execution = match self.analyze {
                true => Some(run(&plan, context).await?),
                false => None,
            };
            self.rows(&plan, planning, execution)
        };
        Box::pin(RecordBatchStreamAdapter::new(
            schema,
            futures::stream::once(answer),
        ))
    }

    fn rows(
        self,
        plan: &Arc<dyn ExecutionPlan>,
        planning: Duration,
        execution: Option<Duration>,
    ) -> Result<RecordBatch> {
        let mut lines = Vec::new();
        match self.json {
            true => {
                let mut document = Map::new();
                document.insert("Plan".to_owned(), self.node(plan));
                if let Some(execution) = execution {
                    document.insert("Planning Time".to_owned(), json!(milliseconds(planning)));
                    document.insert("Execution Time".to_owned(), json!(milliseconds(execution)));
                }
                let text = serde_json::to_string_pretty(&json!([document]))
                    .map_err(|error| DataFusionError::External(Box::new(error)))?;
                lines.push(text);
            }
            false => {
                self.write(plan, 0, &mut lines);
                if let Some(execution) = execution {
                    lines.push(format!("Planning Time: {:.3} ms", milliseconds(planning)));
                    lines.push(format!("Execution Time: {:.3} ms", milliseconds(execution)));
                }
            }
        }
        let column = Arc::new(StringArray::from(lines));
        Ok(RecordBatch::try_new(self.schema(), vec![column])?)
    }

    /// Writes an operator and those below it.
    fn write(self, plan: &Arc<dyn ExecutionPlan>, depth: usize, lines: &mut Vec<String>) {
        let plan = shown(plan);
        let mut line = match depth {
            0 => String::new(),
            depth => format!("{}->  ", " ".repeat(depth * 6 - 4)),
        };
        line.push_str(&self.text(plan));
        if self.costs {
            let Estimate { cost, rows, width } = Estimate::of(plan);
            line.push_str(&format!(
                "  (cost=0.00..{cost:.2} rows={rows:.0} width={width})"
            ));
        }
        if self.analyze
            && let Some((rows, time)) = measured(plan)
        {
            line.push_str(&format!("  (actual time={time:.3} rows={rows} loops=1)"));
        }
        lines.push(line);
        for child in plan.children() {
            self.write(child, depth + 1, lines);
        }
    }

    fn node(self, plan: &Arc<dyn ExecutionPlan>) -> Value {
        let plan = shown(plan);
        let mut node = Map::new();
        node.insert("Node Type".to_owned(), json!(plan.name()));
        let text = self.text(plan);
        if let Some((_, detail)) = text.split_once(": ") {
            node.insert("Detail".to_owned(), json!(detail));
        }
        if self.costs {
            let Estimate { cost, rows, width } = Estimate::of(plan);
            node.insert("Startup Cost".to_owned(), json!(0.0));
            node.insert(
                "Total Cost".to_owned(),
                json!((cost * 100.0).round() / 100.0),
            );
            node.insert("Plan Rows".to_owned(), json!(rows as u64));
            node.insert("Plan Width".to_owned(), json!(width));
        }
        if self.analyze
            && let Some((rows, time)) = measured(plan)
        {
            node.insert("Actual Total Time".to_owned(), json!(time));
            node.insert("Actual Rows".to_owned(), json!(rows));
            node.insert("Actual Loops".to_owned(), json!(1));
        }
        let below: Vec<Value> = plan
            .children()
            .into_iter()
            .map(|child| self.node(child))
            .collect();
        if !below.is_empty() {
            node.insert("Plans".to_owned(), Value::Array(below));
        }
        Value::Object(node)
    }

    fn text(self, plan: &Arc<dyn ExecutionPlan>) -> String {
        let format = match self.verbose {
            true => DisplayFormatType::Verbose,
            false => DisplayFormatType::Default,
        };
        let text = Line(plan.as_ref(), format).to_string();
        text.replace('\n', " ")
    }
}

/// What an operator is expected to make.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    /// In the units of PostgreSQL's planner, with its default for each row that an operator handles.
    cost: f64,
    rows: f64,
    /// Bytes of a row.
    width: usize,
}

/// `cpu_tuple_cost` of PostgreSQL.
const ROW_COST: f64 = 0.01;
/// Rows of what nothing is known of, as PostgreSQL takes for functions.
const ROWS_UNKNOWN: f64 = 1000.0;
/// Bytes of a text, as PostgreSQL takes for columns that it has no statistics of.
const TEXT_WIDTH: usize = 32;
/// Of so many rows a filter lets one through, and a group has so many, where nothing is known.
const FILTERED: f64 = 3.0;
const GROUPED: f64 = 10.0;

impl Estimate {
    /// By the statistics of the operator, or else by its kind and those below it.
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        let below: Vec<Self> = plan.children().into_iter().map(Self::of).collect();
        let most = below.iter().map(|below| below.rows).reduce(f64::max);
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
        let known = statistics
            .ok()
            .and_then(|known| known.num_rows.get_value().copied());
        let rows = match (known, most) {
            (Some(known), _) => known as f64,
            (None, None) => ROWS_UNKNOWN,
            (None, Some(most)) => match plan.name() {
                "FilterExec" => most / FILTERED,
                "AggregateExec" => most / GROUPED,
                _ => most,
            },
        };
        // PostgreSQL never expects less than a row.
        let rows = rows.ceil().max(1.0);
        let cost: f64 = below.iter().map(|below| below.cost).sum();
        let schema = plan.schema();
        let width = schema.fields().iter().map(|field| {
            let fixed = field.data_type().primitive_width();
            fixed.unwrap_or(match field.data_type() {
                DataType::Boolean => 1,
                _ => TEXT_WIDTH,
            })
        });
        Self {
            cost: cost + rows * ROW_COST,
            rows,
            width: width.sum(),
        }
    }
}

/// Checks for a stop are no operators to anybody.
fn shown(mut plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    while plan.name() == CHECK
        && let Some(below) = plan.children().into_iter().next()
    {
        plan = below;
    }
    plan
}

async fn run(plan: &Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Result<Duration> {
    let begun = Instant::now();
    let mut rows = execute_stream(Arc::clone(plan), context)?;
    while let Some(batch) = rows.next().await {
        batch?;
    }
    Ok(begun.elapsed())
}

/// The rows that an operator has made, and the time that it took for them, in milliseconds; nothing of one that does not
/// count them.
fn measured(plan: &Arc<dyn ExecutionPlan>) -> Option<(usize, f64)> {
    let metrics = plan.metrics()?;
    let rows = metrics.output_rows()?;
    let nanoseconds = metrics.elapsed_compute().unwrap_or(0);
    let time = Duration::from_nanos(nanoseconds as u64);
    Some((rows, milliseconds(time)))
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_micros() as f64) / 1000.0
}

struct Line<'a>(&'a dyn ExecutionPlan, DisplayFormatType);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_as(self.1, f)
    }
}
