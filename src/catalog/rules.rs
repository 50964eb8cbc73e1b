//! Rules of our own among the engine's that make plans better: where those would change what a query means.

mod above_totals;
mod no_row;
mod spanning;

use std::sync::Arc;

use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::{Optimizer, OptimizerRule};

use self::above_totals::LimitedTotals;
pub(super) use self::no_row::NullWithoutRow;
use self::spanning::FiltersOfKeys;

/// The engine's rules, each of ours before the one that it is about.
pub(super) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let mut before = |engine: &str, own: Arc<dyn OptimizerRule + Send + Sync>| {
        let at = rules.iter().position(|rule| rule.name() == engine);
        if let Some(at) = at {
            rules.insert(at, own);
        }
    };
    before("eliminate_cross_join", Arc::new(FiltersOfKeys));
    before("push_down_filter", Arc::new(LimitedTotals));
    // What was made a filter is hashed all the same.
    rules.push(Arc::new(ExtractEquijoinPredicate::new()));
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_rules_are_called_as_ours_expect() {
        let rules = optimizer_rules();
        let names: Vec<_> = rules.iter().map(|rule| rule.name()).collect();
        for (own, engine) in [
            ("filters_of_keys", "eliminate_cross_join"),
            ("limited_totals", "push_down_filter"),
        ] {
            let at = names.iter().position(|name| *name == own).unwrap();
            assert_eq!(names[at + 1], engine);
        }
    }
}
