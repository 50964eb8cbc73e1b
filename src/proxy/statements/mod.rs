//! The statements of a session, followed from their arrival to the end of their answers, for those that want their
//! texts: what is retained, and filters. Where nobody does, nothing of this exists.

mod passwords;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use self::passwords::without_passwords;
use super::filter::{FilterSession, Filters, Finished};
use crate::session::{Answer, Outcome, RetainedStatement, SessionGuard};

/// The most statements of one session that are followed at a time: what a client sends ahead beyond that is passed on
/// unseen.
const UNDER_WAY_MAX: usize = 10_000;

/// Who wants the statements of a service's sessions; by default, nobody.
#[derive(Default)]
pub(super) struct Interest {
    /// How many of a session's last statements are retained; 0: none.
    pub retained_max: usize,
    /// Where a statement's text is cut, in bytes.
    pub statement_bytes_max: usize,
    /// The service's filters, in the order of the traffic from the client.
    pub filters: Vec<Arc<str>>,
    /// All filters that there are.
    pub all_filters: Arc<Filters>,
}

impl Interest {
    /// Begins to follow a session that has a server and runs no statement. `None` when nobody wants to know.
    pub fn follow(self: &Arc<Self>, session: &SessionGuard) -> Option<Statements> {
        if self.retained_max > 0 {
            session.retain_statements(self.retained_max);
        }
        self.follow_with(&self.filters, session)
    }

    /// The same with filters that may be others than those of the service.
    fn follow_with(
        self: &Arc<Self>,
        filters: &[Arc<str>],
        session: &SessionGuard,
    ) -> Option<Statements> {
        if self.retained_max == 0 && filters.is_empty() {
            return None;
        }
        let profile = session.profile()?;
        let mut statements = Statements {
            interest: Arc::clone(self),
            server: profile.server.clone().unwrap_or_default(),
            user: profile.user.clone(),
            filters: Vec::new(),
            under_way: VecDeque::new(),
            unseen: 0,
        };
        if !filters.is_empty() {
            statements.replace_filters(filters, session);
        }
        Some(statements)
    }

    /// Gives a session that runs no statement the filters that are asked for, if others are. `texts` is what its
    /// protocol keeps where somebody wants the statements, and `begin` makes it.
    pub fn replace_filters<T: AsMut<Statements>>(
        self: &Arc<Self>,
        texts: &mut Option<Box<T>>,
        session: &SessionGuard,
        begin: impl FnOnce(Statements) -> T,
    ) {
        let Some(names) = session.filters_asked() else {
            return;
        };
        match texts {
            Some(texts) => (**texts).as_mut().replace_filters(&names, session),
            None => *texts = self.follow_with(&names, session).map(begin).map(Box::new),
        }
        texts.take_if(|texts| !(**texts).as_mut().is_wanted());
    }
}

/// The statements of one session.
pub(super) struct Statements {
    interest: Arc<Interest>,
    server: Arc<str>,
    user: Option<Arc<str>>,
    filters: Vec<Box<dyn FilterSession>>,
    /// Sent and not answered yet, in the order in which they will be.
    under_way: VecDeque<UnderWay>,
    /// So many more were sent behind those.
    unseen: u64,
}

struct UnderWay {
    statement: Arc<RetainedStatement>,
    since: Instant,
    failed: bool,
}

impl Statements {
    /// Where a text is cut, in bytes.
    pub fn bytes_max(&self) -> usize {
        self.interest.statement_bytes_max
    }

    /// What is kept of a text.
    pub fn text(&self, bytes: &[u8]) -> Arc<str> {
        let bytes = bytes.get(..self.bytes_max()).unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        // A character that was cut in two.
        let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        without_passwords(text).into()
    }

    /// A statement has arrived; its answer comes after those of all that came before.
    pub fn begin(&mut self, command: &'static str, text: Arc<str>, session: &SessionGuard) {
        if self.under_way.len() >= UNDER_WAY_MAX || self.unseen > 0 {
            self.unseen += 1;
            return;
        }
        let statement = RetainedStatement::new(command, text, Arc::clone(&self.server));
        let statement = Arc::new(statement);
        if self.interest.retained_max > 0 {
            session.retain(Arc::clone(&statement));
        }
        self.under_way.push_back(UnderWay {
            statement,
            since: Instant::now(),
            failed: false,
        });
    }

    /// The statement that is being answered has failed; its answer may go on.
    pub fn fail(&mut self) {
        if let Some(first) = self.under_way.front_mut() {
            first.failed = true;
        }
    }

    /// The statement that was being answered is over.
    pub fn finish(&mut self) {
        self.over(Outcome::Ok);
    }

    /// The statement that would be answered next is not.
    pub fn skip(&mut self) {
        self.over(Outcome::Skipped);
    }

    /// The statement that came last will not be answered.
    pub fn skip_last(&mut self) {
        match self.unseen.checked_sub(1) {
            Some(unseen) => self.unseen = unseen,
            None => {
                if let Some(last) = self.under_way.pop_back() {
                    self.tell(&last, Outcome::Skipped);
                }
            }
        }
    }

    fn over(&mut self, outcome: Outcome) {
        let Some(first) = self.under_way.pop_front() else {
            self.unseen = self.unseen.saturating_sub(1);
            return;
        };
        self.tell(&first, outcome);
    }

    fn tell(&mut self, sent: &UnderWay, outcome: Outcome) {
        let answer = Answer {
            duration: sent.since.elapsed(),
            outcome: match sent.failed {
                true => Outcome::Error,
                false => outcome,
            },
        };
        sent.statement.answered(answer);
        let finished = Finished {
            user: self.user.as_deref(),
            text: &sent.statement.text,
            received_us: sent.statement.received_us,
            answer,
        };
        for filter in &mut self.filters {
            filter.finished(&finished);
        }
    }

    /// Ends the filters' parts in the session and begins others.
    fn replace_filters(&mut self, names: &[Arc<str>], session: &SessionGuard) {
        self.filters = Vec::new();
        self.filters = self.interest.all_filters.begin(names, session);
        session.update(|profile| profile.filters = names.to_vec());
    }

    /// The client goes on as somebody else.
    pub fn user_changed(&mut self, session: &SessionGuard) {
        self.user = session.profile().and_then(|profile| profile.user.clone());
    }

    /// Whether somebody wants to know.
    fn is_wanted(&self) -> bool {
        self.interest.retained_max > 0 || !self.filters.is_empty()
    }
}

impl Drop for Statements {
    /// What has not been answered when the session ends will not be.
    fn drop(&mut self) {
        while let Some(sent) = self.under_way.pop_front() {
            self.tell(&sent, Outcome::Unanswered);
        }
    }
}
