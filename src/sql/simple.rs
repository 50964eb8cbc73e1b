//! The simple query protocol: all statements of one text, one after the other.

use std::sync::Arc;

use datafusion::common::ParamValues;

use super::cancel::Watch;
use super::command::Done;
use super::connection::{Connection, End, Halt};
use super::parse::ParsedStatement;
use super::query::{self, Work};
use super::reply;
use super::rows::Source;
use super::transaction::ends_failure;

impl Connection {
    /// A Query message. Its statements are one transaction if the client has not begun one, and one that fails
    /// takes those behind it along.
    pub async fn simple_query(&mut self, sql: &str) -> Result<(), End> {
        // As in PostgreSQL, the unnamed statement and portal do not outlive it.
        self.statements.remove("");
        self.portals.remove("");
        match self.run_all(sql).await {
            Ok(()) => {}
            Err(Halt::Error(error)) => self.fail(error),
            Err(Halt::End(end)) => return Err(end),
        }
        self.ready().await
    }

    async fn run_all(&mut self, sql: &str) -> Result<(), Halt> {
        let statements = query::parse(sql)?;
        if statements.is_empty() {
            reply::bare(&mut self.wire.output, b'I');
        }
        for statement in statements {
            self.transaction.admit(ends_failure(&statement.kind))?;
            self.settings.begin();
            self.wire.guard.statement_started();
            let outcome = self.run_one(sql, statement).await;
            self.wire.guard.statement_ended();
            outcome?;
        }
        Ok(())
    }

    async fn run_one(&mut self, sql: &str, parsed: ParsedStatement) -> Result<(), Halt> {
        let watch = self.watch();
        let (work, engine) = Work::of(parsed);
        let tag = match (engine, work.door()) {
            (Some(statement), _) => {
                let caller = self.caller();
                let catalog = Arc::clone(&self.door.catalog);
                let prepared = catalog.prepare(statement, Vec::new(), Arc::clone(&caller));
                let prepared = watch.run(&mut self.wire, prepared).await?;
                let prepared = prepared.map_err(|error| query::error(sql, &error))?;
                query::without_parameters(&prepared)?;
                let fields = prepared.schema().fields();
                let names = work.column_names(fields);
                reply::row_description(&mut self.wire.output, &names, fields, &[])?;
                let rows = catalog.run(&prepared, ParamValues::List(Vec::new()), caller);
                let mut source = Source::engine(rows);
                let sent = self.send_all(&mut source, &watch).await?;
                self.finished.extend(source.into_rows());
                self.take_over_settings()?;
                work.tag(sent)
            }
            (None, Some(parsed)) => {
                let Done { tag, table } = self.carry_out(parsed)?;
                if let Some(table) = table {
                    let fields = table.schema_ref().fields();
                    reply::row_description(&mut self.wire.output, &[], fields, &[])?;
                    self.send_all(&mut Source::table(table), &watch).await?;
                }
                tag.to_owned()
            }
            (None, None) => return Ok(()),
        };
        reply::complete(&mut self.wire.output, tag);
        Ok(())
    }

    async fn send_all(&mut self, source: &mut Source, watch: &Watch) -> Result<u64, Halt> {
        let zone = self.settings.zone();
        let sent = source.send(&mut self.wire, watch, &[], &zone, None).await?;
        Ok(sent.rows)
    }
}
