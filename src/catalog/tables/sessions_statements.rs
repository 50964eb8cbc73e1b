//! The last statements of sessions, as documents show them: lists that only administrators see filled.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Builder, StringBuilder};
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use chrono::{DateTime, Local};

use crate::catalog::column::{list, list_of};
use crate::catalog::statement::Statement;
use crate::session::{RetainedStatement, SessionId};

/// Local time, as the documented resource shows it.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.3f";

/// The type of the lists.
pub(super) fn data_type() -> DataType {
    list_of(statement_fields())
}

fn statement_fields() -> Fields {
    Fields::from(vec![
        Field::new("command", DataType::Utf8, false),
        Field::new("completed", DataType::Utf8, true),
        Field::new("received", DataType::Utf8, false),
        Field::new("responses", list_of(response_fields()), false),
        Field::new("statement", DataType::Utf8, false),
    ])
}

fn response_fields() -> Fields {
    Fields::from(vec![
        Field::new("duration", DataType::Int64, false),
        Field::new("server", DataType::Utf8, false),
    ])
}

/// The statements of the sessions with these ids, the newest one first, each with its answer: its duration is in
/// milliseconds.
pub(super) fn of_sessions(ids: &ArrayRef, statement: &Statement) -> ArrayRef {
    let admin = statement.caller().is_some_and(|caller| caller.admin);
    let kept = admin && statement.topology().services.iter().any(|s| s.retains > 0);
    let ids = ids.as_primitive::<Int64Type>().values();
    let statements = ids.iter().map(|id| match kept {
        true => retained(*id, statement),
        false => Vec::new(),
    });
    let mut lists = Lists::default();
    statements.for_each(|statements| lists.add(&statements));
    lists.finish()
}

fn retained(id: i64, statement: &Statement) -> Vec<Arc<RetainedStatement>> {
    let session = SessionId::new(id).and_then(|id| statement.registry().get(id));
    session.map_or_else(Vec::new, |session| session.retained_statements())
}

#[derive(Default)]
struct Lists {
    lengths: Vec<usize>,
    commands: StringBuilder,
    completed: StringBuilder,
    received: StringBuilder,
    answers: Vec<usize>,
    durations: Int64Builder,
    servers: StringBuilder,
    texts: StringBuilder,
}

impl Lists {
    fn add(&mut self, statements: &[Arc<RetainedStatement>]) {
        self.lengths.push(statements.len());
        for statement in statements {
            self.commands.append_value(statement.command);
            self.completed
                .append_option(statement.completed_us().map(moment));
            self.received.append_value(moment(statement.received_us));
            self.texts.append_value(&statement.text);
            let answer = statement.answer();
            self.answers.push(usize::from(answer.is_some()));
            if let Some(answer) = answer {
                let ms = i64::try_from(answer.duration.as_millis());
                self.durations.append_value(ms.unwrap_or(i64::MAX));
                self.servers.append_value(&statement.server);
            }
        }
    }

    fn finish(mut self) -> ArrayRef {
        let responses: Vec<ArrayRef> = vec![
            Arc::new(self.durations.finish()),
            Arc::new(self.servers.finish()),
        ];
        let responses = list(response_fields(), responses, self.answers, None);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.commands.finish()),
            Arc::new(self.completed.finish()),
            Arc::new(self.received.finish()),
            responses,
            Arc::new(self.texts.finish()),
        ];
        list(statement_fields(), columns, self.lengths, None)
    }
}

fn moment(us: i64) -> String {
    let utc = DateTime::from_timestamp_micros(us).unwrap_or_default();
    utc.with_timezone(&Local).format(MOMENT).to_string()
}
