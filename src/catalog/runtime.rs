//! Where queries run: threads of their own, so that a heavy query holds up neither traffic nor new clients.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::{FutureExt, StreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::error::{CatalogError, StopReason};
use super::latency::Latency;
use super::statement::Statement;
use super::table::Batches;
use crate::sql::parse::STACK_BYTES;
use crate::threads::give_way;

/// Batches that may wait between a query and its reader.
const BATCHES_AHEAD: usize = 2;

/// The threads that queries run on. They end with it.
pub(super) struct QueryRuntime(Option<Runtime>);

impl QueryRuntime {
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("rollcall-query")
            .thread_stack_size(STACK_BYTES)
            .on_thread_start(give_way)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Does the work on a query thread; a panic in it is an error of this piece of work alone.
    pub async fn complete<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DataFusionError>> + Send + 'static,
    ) -> Result<T, DataFusionError> {
        let Some(runtime) = &self.0 else {
            return Err(CatalogError::ShuttingDown.into());
        };
        // Whoever stops waiting stops the work, at its next pause.
        match AbortOnDropHandle::new(runtime.spawn(work)).await {
            Ok(outcome) => outcome,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => Err(panicked(panic)),
                Err(_) => Err(CatalogError::ShuttingDown.into()),
            },
        }
    }

    /// Starts a statement: `begin` plans and opens it, then its rows flow.
    pub fn start(
        &self,
        statement: Arc<Statement>,
        begin: impl Future<Output = Result<SendableRecordBatchStream, DataFusionError>> + Send + 'static,
        latency: Latency,
    ) -> Rows {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        if let Some(runtime) = &self.0 {
            let statement = Arc::clone(&statement);
            runtime.spawn(async move {
                let flow = flow(begin, &sender);
                let outcome = tokio::select! {
                    outcome = AssertUnwindSafe(flow).catch_unwind() => outcome,
                    () = statement.stopped() => return,
                };
                let last = match outcome {
                    Ok(Ok(())) => Ok(None),
                    Ok(Err(error)) => Err(error),
                    Err(panic) => Err(panicked(panic)),
                };
                // The reader may have gone: then nobody needs to know.
                let _ = sender.send(last).await;
            });
        }
        Rows {
            statement,
            origin: Origin::Thread(receiver),
            latency,
            said: None,
            ended: false,
        }
    }
}

impl Drop for QueryRuntime {
    fn drop(&mut self) {
        // Dropping it in place would block, which is not allowed on the threads of another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// `Ok(None)` is the end: a channel that closes without it was cut off.
type Message = Result<Option<RecordBatch>, DataFusionError>;

async fn flow(
    begin: impl Future<Output = Result<SendableRecordBatchStream, DataFusionError>>,
    sender: &mpsc::Sender<Message>,
) -> Result<(), DataFusionError> {
    let mut stream = begin.await?;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if batch.num_rows() > 0 && sender.send(Ok(Some(batch))).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The next batch, or the end.
fn here(rows: &mut Batches) -> Message {
    let mut filled = rows.filter(|batch| !matches!(batch, Ok(batch) if batch.num_rows() == 0));
    match catch_unwind(AssertUnwindSafe(|| filled.next())) {
        Ok(batch) => batch.transpose(),
        Err(panic) => Err(panicked(panic)),
    }
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> DataFusionError {
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "unknown".to_owned(),
    };
    tracing::error!(panic = message, "a statement panicked");
    CatalogError::Panicked(message).into()
}

/// Where rows come from.
enum Origin {
    /// From a query thread.
    Thread(mpsc::Receiver<Message>),
    /// From here, without waiting.
    Here(Batches),
}

/// The rows of a running statement. Dropping it stops the statement.
pub struct Rows {
    statement: Arc<Statement>,
    origin: Origin,
    latency: Latency,
    said: Option<Said>,
    ended: bool,
}

/// What the columns of a result are said to be: the engine forgets some of it on its way.
struct Said {
    schema: SchemaRef,
    /// The schema of batches as they come, and what becomes of it.
    last: Option<(SchemaRef, SchemaRef)>,
}

impl Said {
    /// The batch, its columns of the types that are said.
    fn batch(&mut self, batch: RecordBatch) -> Result<RecordBatch, DataFusionError> {
        let schema = match &self.last {
            Some((given, made)) if Arc::ptr_eq(given, batch.schema_ref()) => Arc::clone(made),
            _ => {
                let given = batch.schema();
                let fields = given.fields().iter().zip(self.schema.fields());
                let fields = fields.map(|(field, said)| {
                    let field = field.as_ref().clone();
                    field.with_metadata(said.metadata().clone())
                });
                let made = Arc::new(Schema::new(fields.collect::<Fields>()));
                self.last = Some((given, Arc::clone(&made)));
                made
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}

impl Rows {
    /// The rows of a statement that is so brief that whoever asks for them can make them.
    pub(super) fn at_once(statement: Arc<Statement>, rows: Batches, latency: Latency) -> Self {
        Self {
            statement,
            origin: Origin::Here(rows),
            latency,
            said: None,
            ended: false,
        }
    }

    /// The same rows, of columns whose types are said by `schema`.
    pub(super) fn said(mut self, schema: &SchemaRef) -> Self {
        self.said = Some(Said {
            schema: Arc::clone(schema),
            last: None,
        });
        self
    }

    /// The next batch, never empty; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// What the statement failed with. [`CatalogError::Stopped`] at once when it is stopped, whatever its
    /// operators are doing.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, DataFusionError>> {
        if self.ended {
            return None;
        }
        self.latency.wait();
        let message = match &mut self.origin {
            Origin::Thread(receiver) => tokio::select! {
                biased;
                () = self.statement.stopped() => None,
                message = receiver.recv() => message,
            },
            Origin::Here(_) if self.statement.check().is_err() => None,
            Origin::Here(rows) => Some(here(rows)),
        };
        self.latency.rest();
        let outcome = match message {
            Some(Ok(Some(batch))) => {
                return Some(match &mut self.said {
                    Some(said) => said.batch(batch),
                    None => Ok(batch),
                });
            }
            Some(Ok(None)) => None,
            Some(Err(error)) => Some(Err(error)),
            None => Some(Err(match self.statement.check() {
                Err(stopped) => stopped.into(),
                Ok(()) => CatalogError::ShuttingDown.into(),
            })),
        };
        self.ended = true;
        outcome
    }

    /// Lets a statement that acts (`kill_session` …) produce so many further rows; `u32::MAX` for all. Others
    /// produce rows as they are read.
    pub fn demand(&self, rows: u32) {
        self.statement.demand(rows);
    }

    #[cfg(test)]
    pub(super) fn statement(&self) -> Arc<Statement> {
        Arc::clone(&self.statement)
    }

    /// A handle to stop the statement with.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.statement))
    }

    /// To be called when the answer is out: carries out what had to wait for it, the caller's own kill.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // Another statement is to follow at the same moment.
        if self.ended && self.statement.is_shared() {
            return;
        }
        self.statement.stop(StopReason::ClientGone);
        self.statement.finish();
    }
}

/// Stops a running statement from anywhere.
#[derive(Clone)]
pub struct Stopper(Arc<Statement>);

impl Stopper {
    /// Stops it: [`Rows::next`] returns the error at once, operators stop at their next batch. Only the first
    /// reason counts.
    pub fn stop(&self, why: StopReason) {
        self.0.stop(why);
    }
}
