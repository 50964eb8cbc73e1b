//! Plans that are kept: a repeated statement runs the physical plan of its first run.
//!
//! A kept plan must never keep an answer. So it is planned without exact statistics (which the engine would fold into
//! literals) and without dynamic filters (which stay with a plan); it may consist only of operators that are known to
//! forget everything when they are reset; and it may call only functions whose value depends on nothing but their
//! arguments and the caller. The rest is planned anew for each run.
//!
//! Parameters are read when the plan runs, where the scan consumes them: `id = $1`. A parameter anywhere else has to
//! be a literal in the plan, which then is that run's own.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::physical_plan::{ExecutionPlan, execution_plan::reset_plan_states};
use datafusion::prelude::SessionConfig;
use parking_lot::Mutex;

use super::brief::Brief;
use super::correlated::misplanned;
use super::functions;
use super::in_turn::IN_TURN;
use super::statement::{Caller, Statement};
use super::stop::stoppable;
use crate::session::SessionId;

/// Operators that a kept plan may consist of: each one forgets its state when it is reset.
const FORGETFUL: [&str; 17] = [
    "AggregateExec",
    "async_func",
    "BufferExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "Count",
    "FilterExec",
    "GlobalLimitExec",
    IN_TURN,
    "LocalLimitExec",
    "PlaceholderRowExec",
    "ProjectionExec",
    "RepartitionExec",
    "Scan",
    "SortExec",
    "SortExec(TopK)",
    "SortPreservingMergeExec",
];

/// What the value of a function depends on besides its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dependence {
    /// Nothing that a plan could hold.
    Nothing,
    /// Who asks.
    Caller,
    /// The moment, or chance.
    Moment,
    /// What the caller is at the moment: no plan of it serves anybody else, and none serves twice.
    CallerAndMoment,
}

/// What the functions of a statement depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Some value is the caller's own: a plan serves nobody else.
    pub caller: bool,
    /// Some value is the moment's own: a plan serves one run.
    pub moment: bool,
}

impl Reach {
    pub fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut reach = Self::default();
        plan.apply_with_subqueries(|node| {
            reach.moment |= matches!(node, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_));
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    if let Expr::ScalarFunction(call) = expr
                        && call.func.signature().volatility != Volatility::Immutable
                    {
                        let is_cast = functions::moment_kind(call.func.name()).is_some();
                        match functions::dependence(call.func.name()) {
                            // What is computed from rows is not kept; a text that says `now` would be.
                            _ if is_cast && call.args.iter().any(Expr::any_column_refs) => {}
                            Dependence::Nothing => {}
                            Dependence::Caller => reach.caller = true,
                            Dependence::Moment => reach.moment = true,
                            Dependence::CallerAndMoment => {
                                reach.caller = true;
                                reach.moment = true;
                            }
                        }
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
        Ok(reach)
    }
}

/// What must be the same for a kept plan to serve again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Terms {
    time_zone: Arc<str>,
    /// The caller, when the plan is only theirs.
    caller: Option<(Arc<str>, Option<SessionId>)>,
    /// Into how many parts scans are split: it follows the number of sessions.
    partitions: usize,
}

impl Terms {
    fn of(caller: &Caller, reach: Reach, partitions: usize) -> Self {
        let own = || {
            let session = caller.session.as_ref().map(|session| session.id());
            (Arc::clone(&caller.user), session)
        };
        Self {
            time_zone: Arc::clone(&caller.time_zone),
            caller: reach.caller.then(own),
            partitions,
        }
    }
}

/// A plan to be run again and again, by several at a time: each run gets a fresh copy of its operators.
#[derive(Clone, Debug)]
struct Kept {
    terms: Terms,
    plan: Arc<dyn ExecutionPlan>,
    config: SessionConfig,
    scans: usize,
    reads_all: bool,
    /// The same, if it is certain to be brief.
    brief: Option<Arc<Brief>>,
}

/// The place where a statement keeps its plan.
#[derive(Debug)]
pub(super) struct Keep {
    reach: Reach,
    kept: Mutex<Outlook>,
}

#[derive(Debug)]
enum Outlook {
    /// Not tried yet.
    Open,
    Kept(Kept),
    /// The statement's plan cannot be kept.
    Closed,
}

/// A plan and the context to run it in.
pub(super) type Runnable = (Arc<dyn ExecutionPlan>, Arc<TaskContext>);

impl Keep {
    pub fn new(reach: Reach) -> Self {
        let outlook = match reach.moment {
            true => Outlook::Closed,
            false => Outlook::Open,
        };
        Self {
            reach,
            kept: Mutex::new(outlook),
        }
    }

    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The kept plan, ready for one run of `statement`, if there is one that serves this caller.
    pub fn runnable(
        &self,
        caller: &Caller,
        partitions: usize,
        statement: &Arc<Statement>,
        runtime: &Arc<RuntimeEnv>,
    ) -> Result<Option<Runnable>> {
        let kept = match &*self.kept.lock() {
            Outlook::Kept(kept) if kept.terms == Terms::of(caller, self.reach, partitions) => {
                kept.clone()
            }
            _ => return Ok(None),
        };
        statement.runs_kept(kept.scans, kept.reads_all);
        let plan = reset_plan_states(kept.plan)?;
        let config = kept.config.with_extension(Arc::clone(statement));
        let context = task_context(config, runtime);
        Ok(Some((plan, context)))
    }

    /// The kept plan, to be answered at once, if it is brief and serves this caller.
    pub fn brief(&self, caller: &Caller, partitions: usize) -> Option<Arc<Brief>> {
        match &*self.kept.lock() {
            Outlook::Kept(kept) if kept.terms == Terms::of(caller, self.reach, partitions) => {
                kept.brief.clone()
            }
            _ => None,
        }
    }

    /// Whether it is worth trying to keep a plan.
    pub fn is_open(&self) -> bool {
        !matches!(*self.kept.lock(), Outlook::Closed)
    }

    #[cfg(test)]
    pub fn is_brief(&self) -> bool {
        matches!(
            &*self.kept.lock(),
            Outlook::Kept(Kept { brief: Some(_), .. })
        )
    }

    #[cfg(test)]
    pub fn is_kept(&self) -> bool {
        matches!(*self.kept.lock(), Outlook::Kept(_))
    }

    /// Plans a statement for keeping, parameters and all. What cannot be kept is not tried again.
    pub async fn plan(
        &self,
        plan: &LogicalPlan,
        caller: &Caller,
        partitions: usize,
        state: &mut SessionState,
        statement: &Arc<Statement>,
    ) -> Result<()> {
        if misplanned(plan)? {
            *self.kept.lock() = Outlook::Closed;
            return Ok(());
        }
        let optimizer = &mut state.config_mut().options_mut().optimizer;
        optimizer.enable_dynamic_filter_pushdown = false;
        optimizer.enable_topk_dynamic_filter_pushdown = false;
        optimizer.enable_join_dynamic_filter_pushdown = false;
        optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        // A statement that cannot be planned with its parameters open may well be planned with their values.
        let outlook = match state.create_physical_plan(plan).await {
            Ok(plan) if is_forgetful(&plan) => Outlook::Kept(Kept {
                terms: Terms::of(caller, self.reach, partitions),
                brief: Brief::of(&plan).map(Arc::new),
                plan: stoppable(plan)?,
                config: state.config().clone(),
                scans: statement.scans(),
                reads_all: statement.reads_all(),
            }),
            _ => Outlook::Closed,
        };
        *self.kept.lock() = outlook;
        Ok(())
    }
}

/// The context of a run. It names no functions: they are in the plan already.
fn task_context(config: SessionConfig, runtime: &Arc<RuntimeEnv>) -> Arc<TaskContext> {
    Arc::new(TaskContext::new(
        None,
        String::new(),
        config,
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        Arc::clone(runtime),
    ))
}

fn is_forgetful(plan: &Arc<dyn ExecutionPlan>) -> bool {
    FORGETFUL.contains(&plan.name()) && plan.children().into_iter().all(is_forgetful)
}
