//! The simple query protocol: all statements of one text, one after the other.

use super::connection::{Connection, End, Halt};
use super::extended::declared_type;
use super::parse::{Kind, ParsedStatement};
use super::portal::{Origin, Portal, Statement};
use super::query::{self, Work};
use super::reply;
use super::sqlstate::located;
use super::transaction::ends_failure;
use super::types::Format;
use std::sync::Arc;

impl Connection {
    /// A Query message. Its statements are one transaction if the client has not begun one, and one that fails
    /// takes those behind it along.
    pub async fn simple_query(&mut self, sql: &str) -> Result<(), End> {
        // As in PostgreSQL, the unnamed statement and portal do not outlive it.
        self.statements.remove("");
        self.portals.remove("");
        let outcome = self.run_all(sql).await;
        self.transaction.set_implicit_block(false);
        match outcome {
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
        self.transaction.set_implicit_block(statements.len() > 1);
        let origin = Origin::message(sql);
        for statement in statements {
            self.transaction.admit(ends_failure(&statement.kind))?;
            self.settings.begin();
            self.wire.guard.statement_started();
            let outcome = self.run_one(sql, &origin, statement).await;
            self.wire.guard.statement_ended();
            outcome.map_err(|halt| match halt {
                // Constants are read when the statement runs.
                Halt::Error(error) => Halt::Error(located(error, sql)),
                end => end,
            })?;
        }
        Ok(())
    }

    async fn run_one(
        &mut self,
        sql: &str,
        origin: &Origin,
        parsed: ParsedStatement,
    ) -> Result<(), Halt> {
        let watch = self.watch();
        let (work, engine) = Work::of(parsed);
        let mut prepared = None;
        if let Some(statement) = engine {
            let own_types = work.own_types();
            let declared = own_types.unwrap_or_default().iter();
            let declared = declared.map(|oid| declared_type(*oid));
            let declared = declared.collect::<Result<Vec<_>, _>>()?;
            let open = query::open_parameter(sql, &statement, &declared);
            let planned = self.plan(sql, statement, declared, &watch).await?;
            if own_types.is_none() {
                query::without_parameters(&planned)?;
            }
            if let Some(refused) = open {
                return Err(refused.into());
            }
            prepared = Some(planned);
        }
        let statement = Statement {
            work: Some(work),
            prepared,
            parameters: Vec::new(),
            origin: origin.clone(),
        };
        let formats = match statement.door() {
            Some(Kind::Fetch { cursor, .. }) => {
                let terms = self.portals.get(cursor).and_then(|portal| portal.cursor);
                let is_binary = terms.is_some_and(|terms| terms.is_binary);
                if is_binary {
                    vec![Format::Binary]
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        };
        let mut portal = Portal::new(Arc::new(statement), Vec::new(), formats);
        self.run_marked("", &mut portal, None, true, &watch).await
    }
}
