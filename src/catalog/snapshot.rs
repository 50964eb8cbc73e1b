//! Several statements that see one membership and one clock: a page of a list and how many there are in all.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::ParamValues;

use super::keys::Names;
use super::runtime::Rows;
use super::statement::{Caller, Row, Statement};
use super::table::Order;
use super::{Catalog, Prepared};

/// Which rows of a list, which is in the order of ids, a page ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageEnd {
    /// Rows up to the end of the page.
    pub rows: usize,
    /// Whether the list is from the last id to the first.
    pub descending: bool,
}

/// A moment at which several statements look.
pub struct Snapshot {
    statement: Arc<Statement>,
    caller: Arc<Caller>,
}

impl Catalog {
    /// The moment at which it is called, for a page and its total. `page` is told when the page is one of a list in the
    /// order of ids.
    pub fn snapshot(&self, caller: Arc<Caller>, page: Option<PageEnd>) -> Snapshot {
        let none = ParamValues::List(Vec::new());
        let asking = Some(Arc::clone(&caller));
        let statement = Statement::with_parameters(&self.registry, asking, none);
        Snapshot {
            statement: Arc::new(statement.shared(page)),
            caller,
        }
    }

    /// Runs a prepared statement without parameters at that moment, after the one before it has ended.
    pub fn run_at(self: &Arc<Self>, snapshot: &Snapshot, prepared: &Prepared) -> Rows {
        let statement = Arc::clone(&snapshot.statement);
        self.run_statement(prepared, Arc::clone(&snapshot.caller), statement)
    }
}

/// The sessions of some names: how many, and the first of them, all at one moment.
#[derive(Debug)]
pub(super) struct NamedRows {
    names: BTreeSet<String>,
    is_service: bool,
    pub count: usize,
    pub rows: Vec<Row>,
}

/// How often sessions are looked up again when one has ended in between.
const TRIES: usize = 3;

impl NamedRows {
    pub fn of(names: &Names<'_>, statement: &Statement, page: PageEnd) -> Self {
        let order = match page.descending {
            true => Order::Descending,
            false => Order::Ascending,
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let (count, rows, ended) = names.count_and_first(statement, page.rows, order);
            if ended == 0 || tries == TRIES {
                return Self {
                    names: names.texts().clone(),
                    is_service: names.is_service(),
                    count: count - ended,
                    rows,
                };
            }
        }
    }

    pub fn are_of(&self, names: &Names<'_>) -> bool {
        self.names == *names.texts() && self.is_service == names.is_service()
    }
}
