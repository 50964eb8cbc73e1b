//! Filters: what sees a session's traffic between client and router. A filter is configured once and has a session of
//! its own in each session that it is in.

mod log_file;
mod query_log;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use self::query_log::QueryLog;
use crate::config::{FilterConfig, FilterModule};
use crate::session::{self, Answer, SessionGuard};

/// A filter as it is configured.
pub(super) trait Filter: Send + Sync {
    /// Begins its part in a session.
    fn begin(&self, session: &SessionGuard) -> Box<dyn FilterSession>;

    /// Opens its files anew, if it has any: somebody may have moved them.
    fn reopen(&self);

    /// Returns when all that its sessions have told it is where it belongs. What they tell it afterwards is lost.
    fn finish(&self);
}

/// A filter's part in one session; dropped when the session, or its part in it, is over.
pub(super) trait FilterSession: Send + Sync {
    /// A statement is over.
    fn finished(&mut self, statement: &Finished<'_>);
}

/// A statement that is over.
pub(super) struct Finished<'a> {
    /// The user that the client was accepted as.
    pub user: Option<&'a str>,
    /// Its text, cut at the service's bound and without the passwords in it.
    pub text: &'a str,
    /// When it arrived, in microseconds since the UNIX epoch.
    pub received_us: i64,
    pub answer: Answer,
}

/// All filters, by name.
#[derive(Default)]
pub struct Filters(BTreeMap<Arc<str>, Started>);

struct Started {
    /// The filter in the catalog.
    row: Arc<session::Filter>,
    module: Arc<dyn Filter>,
}

/// Why a filter cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// Its file cannot be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Its thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

impl Filters {
    /// Starts the filters.
    ///
    /// # Errors
    /// With the name of the one that cannot be had.
    pub(super) fn start(configured: &[FilterConfig]) -> Result<Self, (String, FilterError)> {
        let mut filters = BTreeMap::new();
        for filter in configured {
            let module = match &filter.module {
                FilterModule::QueryLog(config) => QueryLog::start(&filter.name, config),
            };
            let module = module.map_err(|error| (filter.name.clone(), error))?;
            let row = session::Filter {
                name: filter.name.as_str().into(),
                module: filter.module.as_str().into(),
            };
            let started = Started {
                row: Arc::new(row),
                module: Arc::new(module),
            };
            filters.insert(Arc::clone(&started.row.name), started);
        }
        Ok(Self(filters))
    }

    /// Begins the parts of those filters in a session, in this order.
    pub(super) fn begin(
        &self,
        names: &[Arc<str>],
        session: &SessionGuard,
    ) -> Vec<Box<dyn FilterSession>> {
        let filters = names.iter().filter_map(|name| self.0.get(name));
        filters.map(|filter| filter.module.begin(session)).collect()
    }

    /// The filters in the catalog.
    pub(super) fn describe(&self) -> impl Iterator<Item = Arc<session::Filter>> {
        self.0.values().map(|filter| Arc::clone(&filter.row))
    }

    /// Opens all their files anew.
    pub fn reopen(&self) {
        self.0.values().for_each(|filter| filter.module.reopen());
    }

    /// Returns when all that the sessions have told them is where it belongs.
    pub(super) fn finish(&self) {
        self.0.values().for_each(|filter| filter.module.finish());
    }
}
