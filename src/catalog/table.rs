//! The adapter between what a table of the catalog is and what the engine wants of a table provider.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{
    ColumnStatistics, Constraints, Result, Statistics, internal_err, project_schema,
};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column as ColumnExpr;
use datafusion::physical_expr::{
    EquivalenceProperties, Partitioning, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

use super::keys::Keys;
use super::statement::Statement;
use crate::session::Registry;

/// The order in which rows are wanted, by the table's ordering column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// What a scan is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// Positions of the wanted columns.
    pub projection: Vec<usize>,
    /// Which rows, exactly.
    pub keys: Keys,
    /// In which order; any, when not given.
    pub order: Option<Order>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

/// The batches of one partition of a scan, made as they are asked for.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// What one table of the catalog is: its columns, and how its rows are read within a statement.
pub(super) trait Source: fmt::Debug + Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// What the table is, in a few words.
    fn comment(&self) -> &'static str;

    /// The columns that SQL clients see.
    fn schema(&self) -> Schema;

    /// The same, and behind them what only documents and views show.
    fn document_schema(&self) -> Schema {
        self.schema()
    }

    /// Columns whose values name rows of other tables: column, table, column there.
    fn foreign_keys(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[]
    }

    /// Columns that name a row, if any.
    fn primary_key(&self) -> &'static [usize] {
        &[]
    }

    /// The column that rows can be delivered in the order of.
    fn order_column(&self) -> Option<usize> {
        None
    }

    /// Adds the filter to the keys if the table answers it exactly.
    fn accept(&self, _filter: &Expr, _keys: &mut Keys) -> bool {
        false
    }

    /// Told while planning: which rows will be read.
    fn announce(&self, _statement: &Statement, _keys: &Keys) {}

    /// Whether the statement's caller may read the table.
    fn permit(&self, _statement: &Statement) -> Result<()> {
        Ok(())
    }

    /// The exact number of rows without filters.
    fn len(&self, statement: &Statement) -> usize;

    /// About how many rows there are, without filters, for a plan that is kept.
    fn estimate(&self, statement: &Statement) -> usize {
        statement.registry().len()
    }

    /// Whether [`count`](Self::count) knows the number in a statement that scans nothing else.
    fn counts_at_once(&self, _keys: &Keys) -> bool {
        false
    }

    /// How many rows there are with these keys, where it is known without a look at them.
    ///
    /// # Errors
    /// As those of [`Keys::resolve`].
    fn count(&self, _statement: &Arc<Statement>, _keys: &Keys) -> Result<Option<usize>> {
        Ok(None)
    }

    /// Into how many parts a scan is best split, at most `most`.
    fn partitions(&self, _statement: &Statement, _request: &Request, _most: usize) -> usize {
        1
    }

    /// Reads part `partition` of `partitions`. The schema is the projected one.
    fn read(
        &self,
        statement: &Arc<Statement>,
        request: &Request,
        schema: SchemaRef,
        part: (usize, usize),
    ) -> Result<Batches>;
}

/// A table of the catalog as the engine sees it.
#[derive(Debug)]
pub(super) struct CatalogTable {
    source: Arc<dyn Source>,
    registry: Arc<Registry>,
    schema: SchemaRef,
    constraints: Constraints,
}

impl CatalogTable {
    /// The table as SQL clients see it.
    pub fn new(source: Arc<dyn Source>, registry: &Arc<Registry>) -> Self {
        let schema = source.schema();
        Self::with_schema(source, registry, schema)
    }

    /// The table with what only documents and views show.
    pub fn of_documents(source: Arc<dyn Source>, registry: &Arc<Registry>) -> Self {
        let schema = source.document_schema();
        Self::with_schema(source, registry, schema)
    }

    fn with_schema(source: Arc<dyn Source>, registry: &Arc<Registry>, schema: Schema) -> Self {
        let key = source.primary_key();
        let constraints = if key.is_empty() {
            Constraints::default()
        } else {
            Constraints::new_unverified(vec![datafusion::common::Constraint::PrimaryKey(
                key.to_vec(),
            )])
        };
        Self {
            schema: Arc::new(schema),
            registry: Arc::clone(registry),
            constraints,
            source,
        }
    }

    pub fn name(&self) -> &'static str {
        self.source.name()
    }
}

#[async_trait]
impl TableProvider for CatalogTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        Some(&self.constraints)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let exact = |filter: &&Expr| self.source.accept(filter, &mut Keys::default());
        Ok(filters
            .iter()
            .map(|filter| match exact(filter) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn EngineSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let statement = Statement::of(state.config(), &self.registry);
        let mut keys = Keys::default();
        for filter in filters {
            if !self.source.accept(filter, &mut keys) {
                return internal_err!("table {} was given a filter: {filter}", self.name());
            }
        }
        self.source.permit(&statement)?;
        self.source.announce(&statement, &keys);
        let request = Request {
            projection: match projection {
                Some(projection) => projection.clone(),
                None => (0..self.schema.fields().len()).collect(),
            },
            keys,
            order: None,
            limit,
        };
        let schema = project_schema(&self.schema, Some(&request.projection))?;
        let most = state.config().target_partitions();
        let partitions = self.source.partitions(&statement, &request, most);
        let scan = Scan::new(
            Arc::clone(&self.source),
            statement,
            request,
            schema,
            partitions,
        );
        Ok(Arc::new(scan))
    }
}

/// Reads a table of the catalog.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    source: Arc<dyn Source>,
    /// The statement that it was planned in; the one that it runs in, if the context carries one, comes first.
    statement: Arc<Statement>,
    request: Request,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl Scan {
    fn new(
        source: Arc<dyn Source>,
        statement: Arc<Statement>,
        request: Request,
        schema: SchemaRef,
        partitions: usize,
    ) -> Self {
        let mut equivalence = EquivalenceProperties::new(Arc::clone(&schema));
        let position = source
            .order_column()
            .and_then(|column| request.projection.iter().position(|p| *p == column));
        if let (Some(order), Some(position)) = (request.order, position) {
            let name = schema.field(position).name();
            let expr = Arc::new(ColumnExpr::new(name, position)) as Arc<dyn PhysicalExpr>;
            let sort = match order {
                Order::Ascending => PhysicalSortExpr::new_default(expr),
                Order::Descending => PhysicalSortExpr::new_default(expr).desc(),
            };
            equivalence.add_ordering([sort]);
        }
        let properties = Arc::new(PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Self {
            source,
            statement,
            request,
            schema,
            properties,
        }
    }

    fn with_request(&self, request: Request, partitions: usize) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self::new(
            Arc::clone(&self.source),
            Arc::clone(&self.statement),
            request,
            Arc::clone(&self.schema),
            partitions,
        ))
    }

    fn partition_count(&self) -> usize {
        self.properties.partitioning.partition_count()
    }

    /// How many rows it finds at most, if it finds them by their ids.
    pub fn ids_max(&self) -> Option<usize> {
        self.request.keys.ids_max()
    }

    /// Whether [`count`](Self::count) knows the number without a look at the rows.
    pub fn is_counted_at_once(&self) -> bool {
        self.source.counts_at_once(&self.request.keys)
    }

    /// How many rows it finds within a statement.
    pub fn count(&self, statement: &Arc<Statement>) -> Result<usize> {
        if let Some(rows) = self.source.count(statement, &self.request.keys)? {
            return Ok(rows);
        }
        let mut rows = 0;
        for partition in 0..self.partition_count() {
            for batch in self.read(statement, partition)? {
                rows += batch?.num_rows();
            }
        }
        Ok(rows)
    }

    /// The statement that it runs in: the one that the context carries, if it does.
    pub fn statement_of(&self, context: &TaskContext) -> Arc<Statement> {
        let running = context.session_config().get_extension::<Statement>();
        running.unwrap_or_else(|| Arc::clone(&self.statement))
    }

    /// Reads one partition within a statement.
    pub fn read(&self, statement: &Arc<Statement>, partition: usize) -> Result<Batches> {
        let part = (partition, self.partition_count());
        let schema = Arc::clone(&self.schema);
        self.source.read(statement, &self.request, schema, part)
    }
}

impl DisplayAs for Scan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self
            .schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        write!(
            f,
            "Scan: {} columns=[{}]{}",
            self.source.name(),
            columns.join(", "),
            self.request.keys
        )?;
        if let Some(order) = self.request.order {
            write!(f, ", order={order:?}")?;
        }
        match self.request.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for Scan {
    fn name(&self) -> &'static str {
        "Scan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let statement = self.statement_of(&context);
        let stream = futures::stream::iter(self.read(&statement, partition)?);
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream,
        )))
    }

    /// The exact number of rows, from the statement's own membership, when the plan is for this run alone; an
    /// estimate when it is to be kept. With keys or a limit nothing is said.
    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        let whole = args.partition().is_none() || self.partition_count() == 1;
        if whole && self.request.keys.is_all() && self.request.limit.is_none() {
            // A plan that is kept must hold no membership: it would hold its sessions for ever.
            if self.statement.is_to_be_kept() {
                let estimate = self.source.estimate(&self.statement);
                statistics.num_rows = Precision::Inexact(estimate);
                return Ok(Arc::new(statistics));
            }
            statistics.num_rows = Precision::Exact(self.source.len(&self.statement));
            for (column, field) in statistics
                .column_statistics
                .iter_mut()
                .zip(self.schema.fields())
            {
                if !field.is_nullable() {
                    *column = ColumnStatistics::new_unknown().with_null_count(Precision::Exact(0));
                }
            }
        }
        Ok(Arc::new(statistics))
    }

    fn fetch(&self) -> Option<usize> {
        self.request.limit
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let request = Request {
            limit,
            ..self.request.clone()
        };
        Some(self.with_request(request, self.partition_count()))
    }

    /// Rows can come in the order of the ordering column, whose values are unique: what follows it in the
    /// wanted order has nothing left to decide.
    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        let wanted = order.first().and_then(|first| {
            let column = first.expr.downcast_ref::<ColumnExpr>()?;
            let position = self.request.projection.get(column.index())?;
            (Some(*position) == self.source.order_column()).then_some(first.options.descending)
        });
        let (Some(descending), None, false) =
            (wanted, self.request.limit, self.request.keys.bounds_idle())
        else {
            return Ok(SortOrderPushdownResult::Unsupported);
        };
        let request = Request {
            order: Some(match descending {
                true => Order::Descending,
                false => Order::Ascending,
            }),
            ..self.request.clone()
        };
        Ok(SortOrderPushdownResult::Exact {
            inner: self.with_request(request, 1),
        })
    }
}
