use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::proxy::postgres::error::SqlError;

/// Whether an error has PostgreSQL's words already.
pub(super) fn is_refusal(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::External(inner) => inner.is::<SqlError>(),
        _ => false,
    }
}

/// Why a statement was stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The user asked for it.
    Cancelled,
    /// It ran longer than the client's `statement_timeout`.
    TimedOut,
    /// Nobody reads its rows any more.
    ClientGone,
}

/// What the catalog refuses or fails at, beyond what the engine itself reports. It travels inside
/// [`DataFusionError::External`].
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The statement was stopped from outside.
    #[error("{}", match .0 {
        StopReason::Cancelled => "canceling statement due to user request",
        StopReason::TimedOut => "canceling statement due to statement timeout",
        StopReason::ClientGone => "canceling statement because its client has gone",
    })]
    Stopped(StopReason),
    /// Only administrators may call the function.
    #[error("permission denied for function {0}")]
    NotAdministrator(&'static str),
    /// Only administrators may read the table.
    #[error("permission denied for table {0}")]
    NotReadable(&'static str),
    /// A function that acts stands where the engine may evaluate it for rows that are not in the result.
    #[error(
        "{0}() may stand only by itself as an item of the top-level SELECT list: there it is carried out for \
         exactly the rows of the result, after WHERE, ORDER BY and LIMIT"
    )]
    ActionPlacement(&'static str),
    /// DISTINCT would have to compare the outcomes of what it decides about.
    #[error(
        "{0}() cannot be combined with SELECT DISTINCT: put the DISTINCT into a subquery in FROM"
    )]
    ActionDistinct(&'static str),
    /// Sorting comes before the action.
    #[error("ORDER BY cannot use the outcome of {0}(): it is carried out after sorting")]
    ActionOrder(&'static str),
    /// EXPLAIN ANALYZE runs the statement.
    #[error("EXPLAIN ANALYZE would carry out {0}(): use EXPLAIN without ANALYZE")]
    ActionExplained(&'static str),
    /// The function exists with another number of arguments.
    #[error("function {0} does not exist")]
    ActionArguments(String),
    /// No server has this name.
    #[error("server \"{0}\" does not exist")]
    NoServer(String),
    /// A server cannot be put into this state.
    #[error("a server cannot be put into state \"{0}\": it can be \"maintenance\" or \"running\"")]
    ServerState(String),
    /// A parameter's number is not one that a client could bind.
    #[error("there is no parameter {0}")]
    NoParameter(String),
    /// A function would make more than memory is meant to hold.
    #[error("{0}() would make a result that is too large")]
    ResultTooLarge(String),
    /// The statement failed by a fault of the program; the process goes on.
    #[error("the statement failed by an internal error: {0}")]
    Panicked(String),
    /// The engine could not be set up.
    #[error("the query engine cannot start: {0}")]
    Start(String),
    /// The program is shutting down.
    #[error("terminating connection due to administrator command")]
    ShuttingDown,
}

impl CatalogError {
    /// The SQLSTATE that PostgreSQL gives for the like.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Stopped(_) => "57014",
            Self::NotAdministrator(_) | Self::NotReadable(_) => "42501",
            Self::ActionPlacement(_)
            | Self::ActionDistinct(_)
            | Self::ActionOrder(_)
            | Self::ActionExplained(_) => "0A000",
            Self::ActionArguments(_) => "42883",
            Self::NoServer(_) => "42704",
            Self::ServerState(_) => "22023",
            Self::NoParameter(_) => "42P02",
            Self::ResultTooLarge(_) => "54000",
            Self::Panicked(_) | Self::Start(_) => "XX000",
            Self::ShuttingDown => "57P01",
        }
    }
}

impl From<CatalogError> for DataFusionError {
    fn from(error: CatalogError) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

/// The column that a statement names without a table, and that there is not.
pub(super) fn missing_column(error: &DataFusionError) -> Option<&str> {
    match error.find_root() {
        DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
            SchemaError::FieldNotFound { field, .. } if field.relation.is_none() => {
                Some(&field.name)
            }
            _ => None,
        },
        _ => None,
    }
}
