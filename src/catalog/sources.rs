//! The tables that a SELECT of a statement reads, and which columns they have: the engine is asked for these, table by
//! table.

use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{
    self, Query, Select, SelectItem, TableFactor, Visit, Visitor, With,
};

use crate::sql::parse::build;

/// Queries for all columns of the tables that `choose` takes of a SELECT. Innermost first, `skip` of those of which it
/// takes any are passed over.
pub(super) fn chosen(
    statement: &ast::Statement,
    skip: usize,
    choose: impl Fn(&Select) -> Vec<&TableFactor>,
) -> Option<Vec<Query>> {
    let mut finder = Finder {
        choose,
        skip,
        withs: Withs::default(),
    };
    match Visit::visit(statement, &mut finder) {
        ControlFlow::Break(queries) => Some(queries),
        ControlFlow::Continue(()) => None,
    }
}

/// The names of a query's columns. `None` where it cannot be planned by itself.
pub(super) async fn columns_of(state: &SessionState, query: Query) -> Option<Vec<String>> {
    let statement = ast::Statement::Query(Box::new(query));
    let statement = EngineStatement::Statement(Box::new(statement));
    let plan = state.statement_to_plan(statement).await.ok()?;
    let fields = plan.schema().fields().iter();
    Some(fields.map(|field| field.name().clone()).collect())
}

struct Finder<C> {
    choose: C,
    skip: usize,
    withs: Withs,
}

impl<C: Fn(&Select) -> Vec<&TableFactor>> Visitor for Finder<C> {
    type Break = Vec<Query>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        self.withs.0.push(query.with.clone());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        self.withs.0.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        let tables = (self.choose)(select);
        if tables.is_empty() {
            return ControlFlow::Continue(());
        }
        if self.skip > 0 {
            self.skip -= 1;
            return ControlFlow::Continue(());
        }
        let all = tables.into_iter().map(|table| self.withs.all_of(table));
        ControlFlow::Break(all.collect())
    }
}

/// The common table expressions around a place of a statement.
#[derive(Default)]
struct Withs(Vec<Option<With>>);

impl Withs {
    /// A query for all columns of a table that stands at this place.
    fn all_of(&self, factor: &TableFactor) -> Query {
        let all = SelectItem::Wildcard(ast::WildcardAdditionalOptions::default());
        let mut query = build::select(vec![all], Some(factor.clone()), None);
        query.with = self.all();
        query
    }

    /// All that can be named; of two of one name the inner one.
    fn all(&self) -> Option<With> {
        let mut all: Option<With> = None;
        for with in self.0.iter().flatten() {
            match &mut all {
                None => all = Some(with.clone()),
                Some(all) => {
                    all.recursive |= with.recursive;
                    for cte in &with.cte_tables {
                        let name = build::folded(&cte.alias.name);
                        all.cte_tables
                            .retain(|known| build::folded(&known.alias.name) != name);
                        all.cte_tables.push(cte.clone());
                    }
                }
            }
        }
        all
    }
}
