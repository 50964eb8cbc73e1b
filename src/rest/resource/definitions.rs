//! Which resources there are.

/// What the program knows of a resource besides its query.
#[derive(Debug)]
pub struct Definition {
    /// The resource's name in paths and documents.
    pub name: &'static str,
    /// What one of them is called.
    pub singular: &'static str,
    /// The query.
    pub sql: &'static str,
    /// Whether there are several.
    pub kind: Kind,
}

/// How many of a resource there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any number: the resource is a list, and each of them has an id in its path.
    Collection,
    /// There is one, at the resource's own path.
    Single,
}

impl Definition {
    const fn collection(name: &'static str, singular: &'static str, sql: &'static str) -> Self {
        Self {
            name,
            singular,
            sql,
            kind: Kind::Collection,
        }
    }
}

/// The place of the sessions among all resources.
pub const SESSIONS: usize = 0;

/// All resources.
pub const DEFINITIONS: [Definition; 6] = [
    Definition::collection(
        "sessions",
        "session",
        include_str!("../../../queries/sessions.sql"),
    ),
    Definition::collection(
        "services",
        "service",
        include_str!("../../../queries/services.sql"),
    ),
    Definition::collection(
        "servers",
        "server",
        include_str!("../../../queries/servers.sql"),
    ),
    Definition::collection(
        "listeners",
        "listener",
        include_str!("../../../queries/listeners.sql"),
    ),
    Definition::collection(
        "filters",
        "filter",
        include_str!("../../../queries/filters.sql"),
    ),
    Definition {
        name: "maxscale",
        singular: "program",
        sql: include_str!("../../../queries/maxscale.sql"),
        kind: Kind::Single,
    },
];
