//! Sessions that are logged in more detail than the program.

use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::SessionId;

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LogLevel {
    /// For whoever looks for a mistake.
    Debug = 1,
    /// What happens.
    Info = 2,
    /// What should not happen.
    Warning = 4,
    /// What is broken.
    Error = 8,
}

/// The parameters of a session that say what is logged of it, with the level that each stands for.
pub const LOG_PARAMETERS: [(&str, LogLevel); 5] = [
    ("log_debug", LogLevel::Debug),
    ("log_info", LogLevel::Info),
    ("log_notice", LogLevel::Info),
    ("log_warning", LogLevel::Warning),
    ("log_error", LogLevel::Error),
];

/// Of which sessions which lines are logged besides those of the program's own level.
#[derive(Debug, Default)]
pub struct SessionLogs {
    /// Whether there is any: looked at before each line that the program's level leaves out.
    any: AtomicBool,
    levels: Mutex<HashMap<SessionId, u8>>,
}

impl SessionLogs {
    /// Lines of this level are logged of the session from now on, or no longer.
    pub fn set(&self, session: SessionId, level: LogLevel, on: bool) {
        let mut levels = self.levels.lock();
        let before = levels.get(&session).copied().unwrap_or(0);
        let after = match on {
            true => before | level as u8,
            false => before & !(level as u8),
        };
        match after {
            0 => levels.remove(&session),
            after => levels.insert(session, after),
        };
        self.any.store(!levels.is_empty(), Ordering::Release);
    }

    /// Whether any session is logged in more detail.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Whether lines of this level are logged of the session.
    pub fn contains(&self, session: SessionId, level: LogLevel) -> bool {
        self.any()
            && self
                .levels
                .lock()
                .get(&session)
                .is_some_and(|levels| levels & level as u8 != 0)
    }

    /// The sessions among these of which lines of this level are logged, by their places.
    pub fn places(&self, sessions: impl Iterator<Item = SessionId>, level: LogLevel) -> Vec<usize> {
        if !self.any() {
            return Vec::new();
        }
        let levels = self.levels.lock();
        let is_logged = |session: &SessionId| {
            let levels = levels.get(session);
            levels.is_some_and(|levels| levels & level as u8 != 0)
        };
        let places = sessions.enumerate();
        let places = places.filter(|(_, session)| is_logged(session));
        places.map(|(place, _)| place).collect()
    }

    /// The session has ended.
    pub(super) fn forget(&self, session: SessionId) {
        if self.any() {
            let mut levels = self.levels.lock();
            levels.remove(&session);
            self.any.store(!levels.is_empty(), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_of_one_session_until_it_ends() {
        let logs = SessionLogs::default();
        let [one, other] = [1, 2].map(|id| SessionId::new(id).unwrap());
        assert!(!logs.any());
        logs.set(one, LogLevel::Debug, true);
        logs.set(one, LogLevel::Info, true);
        assert!(logs.contains(one, LogLevel::Debug) && !logs.contains(one, LogLevel::Error));
        assert!(!logs.contains(other, LogLevel::Debug));
        let places = |level| logs.places([other, one].into_iter(), level);
        assert_eq!(places(LogLevel::Info), [1]);
        assert!(places(LogLevel::Error).is_empty());
        logs.set(one, LogLevel::Debug, false);
        assert!(!logs.contains(one, LogLevel::Debug) && logs.contains(one, LogLevel::Info));
        logs.forget(one);
        assert!(!logs.any());
        logs.set(other, LogLevel::Error, false);
        assert!(!logs.any());
    }
}
