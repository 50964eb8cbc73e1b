use std::fmt;
use std::num::NonZeroU32;

/// The number of a session: what the client was given as its connection id.
///
/// From 1 to 2³¹ − 1, so that it fits PostgreSQL's signed 32-bit process id and MariaDB's thread id alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(NonZeroU32);

impl SessionId {
    /// The largest id.
    pub const MAX: u32 = i32::MAX as u32;

    /// The id with this number, or `None` when no session can have it.
    pub fn new(number: i64) -> Option<Self> {
        let number = u32::try_from(number).ok().filter(|n| *n <= Self::MAX)?;
        NonZeroU32::new(number).map(Self)
    }

    /// The number, from 1 to [`SessionId::MAX`].
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl From<SessionId> for i64 {
    fn from(id: SessionId) -> i64 {
        i64::from(id.get())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
